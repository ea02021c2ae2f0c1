/* Two custom operators: Swoosh, y = x / (1 + exp(-(sharpness * x) - offset)), and Halves, which cuts a
 * tensor in two along its last axis.
 *
 *     cc -O2 -shared -fPIC -o swoosh.so swoosh.c -lm */
#include <math.h>

#include <vernier/custom_op.h>

VN_CUSTOM_LIBRARY;

VN_CUSTOM_OP(Swoosh)
{
    if (c->n_in != 1 || c->n_out != 1 || c->in[0].dtype != VN_F32)
        return vn_custom_fail(c, "expected one float input and one output");
    if (c->task == VN_CUSTOM_SHAPES)
        return vn_custom_same_shape(c, 0, 0);
    const float sharpness = vn_custom_float(c, "sharpness", 1), offset = vn_custom_float(c, "offset", 0);
    const float *x = c->in[0].data;
    float *y = c->out[0].data;
    for (int64_t i = 0, n = vn_custom_count(&c->in[0]); i < n; i++)
        y[i] = x[i] / (1 + expf(-sharpness * x[i] - offset));
    return 0;
}

VN_CUSTOM_OP(Halves)
{
    const struct vn_custom_tensor *x = &c->in[0];
    if (c->n_in != 1 || c->n_out != 2 || x->dtype != VN_F32 || x->rank < 1 || x->shape[x->rank - 1] % 2)
        return vn_custom_fail(c, "expected one float input whose last axis is even, and two outputs");
    const int64_t half = x->shape[x->rank - 1] / 2;
    for (int k = 0; k < 2; k++) {
        if (c->task == VN_CUSTOM_SHAPES) {
            vn_custom_same_shape(c, k, 0);
            c->out[k].shape[x->rank - 1] = half;
        } else if (c->out[k].data) {
            for (int64_t row = 0, rows = vn_custom_count(&c->out[k]) / half; row < rows; row++)
                memcpy((float *)c->out[k].data + row * half, (const float *)x->data + (2 * row + k) * half,
                       (size_t)half * sizeof(float));
        }
    }
    return 0;
}
