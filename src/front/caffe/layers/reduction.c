/* Reduction and ArgMax. */
#include "front/caffe/layer.h"

static const char *const operations[] = { "SUM", "ASUM", "SUMSQ", "MEAN", NULL };
struct reduction_params {
    int64_t operation, axis;
    double coeff;
};

/* Everything from axis on becomes one number. */
static void build_reduction(struct caffe_builder *b)
{
    static const char *const ops[] = { "ReduceSum", "ReduceL1", "ReduceSumSquare", "ReduceMean" };
    const struct reduction_params *p = b->params;
    const int rank = vn_caffe_rank(b, 0), axis = vn_caffe_axis(b, "axis", p->axis, rank);
    vn_caffe_top(b, 0,
                 vn_caffe_times(b, vn_caffe_reduce(b, ops[p->operation], b->in[0], axis, rank, 0), p->coeff));
}
static const struct text_field reduction_fields[] = {
    T_ENUM_FROM(struct reduction_params, operation, "operation", 0, 1, operations),
    T_INT(struct reduction_params, axis, "axis", 0, -VN_MAX_RANK, VN_MAX_RANK),
    T_FLOAT(struct reduction_params, coeff, "coeff", 1), T_END
};
static const struct text_message reduction = { sizeof(struct reduction_params), reduction_fields };
const struct caffe_layer vn_caffe_reduction = { .type = "Reduction",
                                                .onnx = "ReduceSum, ReduceL1, ReduceSumSquare or ReduceMean",
                                                .param = "reduction_param",
                                                .params = &reduction,
                                                .min_bottom = 1,
                                                .max_bottom = 1,
                                                .build = build_reduction };

#define NO_AXIS (-100)
struct argmax_params {
    int64_t out_max_val, top_k, axis;
};

/* Values and indices (as float) of the k largest along an axis. */
static void largest(struct caffe_builder *b, struct value *x, int axis, int64_t k, struct value **values,
                    struct value **indices)
{
    struct value *out[2];
    vn_caffe_put_many(b, "TopK", 2, (struct value *[]){ x, vn_caffe_integers(b, 1, &k) },
                      (const struct caffe_attr[]){ AT_INT("axis", axis), AT_NONE }, 2, out);
    *values = out[0];
    *indices = PUT(b, "Cast", IN(out[1]), AT_INT("to", VN_F32));
}

/* Along an axis: its values, or their indices. Else a whole image: N x 1 x k indices, or N x 2 x k indices
 * and values. */
static void build_argmax(struct caffe_builder *b)
{
    const struct argmax_params *p = b->params;
    const int rank = vn_caffe_rank(b, 0), whole = p->axis == NO_AXIS,
              axis = whole ? 2 : vn_caffe_axis(b, "axis", p->axis, rank);
    struct value *x = b->in[0], *values, *indices;
    if (rank < 1)
        vn_caffe_fail(b, VN_E_INPUT, "the bottom has no axes");
    const int64_t n = vn_caffe_dim(b, 0, 0), rest = vn_caffe_count(b, 0, 1, rank),
                  along = whole ? rest : vn_caffe_dim(b, 0, axis);
    if (p->top_k > along)
        vn_caffe_fail(b, VN_E_INPUT, "top_k is %lld of %lld", (long long)p->top_k, (long long)along);
    if (whole)
        x = vn_caffe_reshape(b, x, 3, (int64_t[]){ n, 1, rest });
    if (p->top_k == 1 && !p->out_max_val) { /* of equal ones Caffe takes the last */
        x = PUT(b, "ArgMax", IN(x), AT_INT("axis", axis), AT_INT("select_last_index", 1));
        vn_caffe_top(b, 0, PUT(b, "Cast", IN(x), AT_INT("to", VN_F32)));
        return;
    }
    largest(b, x, axis, p->top_k, &values, &indices);
    if (whole && p->out_max_val)
        vn_caffe_top(b, 0, PUT(b, "Concat", IN(indices, values), AT_INT("axis", 1)));
    else
        vn_caffe_top(b, 0, p->out_max_val ? values : indices);
}
static const struct text_field argmax_fields[] = {
    T_BOOL(struct argmax_params, out_max_val, "out_max_val", 0),
    T_INT(struct argmax_params, top_k, "top_k", 1, 1, INT32_MAX),
    T_INT(struct argmax_params, axis, "axis", NO_AXIS, -VN_MAX_RANK, VN_MAX_RANK), T_END
};
static const struct text_message argmax = { sizeof(struct argmax_params), argmax_fields };
const struct caffe_layer vn_caffe_argmax = { .type = "ArgMax",
                                             .v1 = "ARGMAX",
                                             .onnx = "ArgMax or TopK, Cast",
                                             .param = "argmax_param",
                                             .params = &argmax,
                                             .min_bottom = 1,
                                             .max_bottom = 1,
                                             .build = build_argmax };
