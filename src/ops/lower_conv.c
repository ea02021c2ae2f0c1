/* ops/lower_conv.c - weights of Conv, ConvTranspose, Gemm and MatMul, packed for the kernels. */
#include <math.h>

#include "kernels/kernels.h"
#include "num/num.h"
#include "ops/lower.h"

static int check_quantized(const struct node *n, const struct low_conv *c, int bias, struct vn_err *e)
{
    const struct qparam *w = n->in[1]->q;
    if (w->dtype != VN_I8 && w->dtype != VN_I16)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "weight %s is %s; the runtime supports int8 and int16",
                            n->in[1]->name, vn_dtype_name(w->dtype));
    for (int i = 0; i < w->n; i++)
        if (w->zero[i])
            return vn_node_fail(n, e, VN_E_UNSUPPORTED, "weight %s has zero point %d, expected 0",
                                n->in[1]->name, w->zero[i]);
    if (w->n != 1 && (w->axis != n->op->quant.weight_axis && w->axis != vn_node_weight_axis(n)))
        return vn_node_fail(n, e, VN_E_UNSUPPORTED,
                            "weight %s has scales along axis %d, expected output channels", n->in[1]->name,
                            w->axis);
    if (w->n < 1 || c->k % w->n)
        return vn_node_fail(n, e, VN_E_INPUT, "weight %s has %d scales for %d output channels",
                            n->in[1]->name, w->n, c->k);
    if (bias >= 0 && n->in[bias]->q->dtype != VN_I32)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "bias %s is %s, expected int32", n->in[bias]->name,
                            vn_dtype_name(n->in[bias]->q->dtype));
    return VN_OK;
}

int vn_low_weights(struct lowering *l, struct low_conv *c, int bias, struct vn_err *e)
{
    const struct node *n = l->node;
    for (int i = 1; i <= (bias < 0 ? 1 : bias); i++)
        if (!n->in[i]->data)
            return NODE_COMPUTED(n, e, "%s %s is computed at run time; the runtime requires a constant",
                                 i == 1 ? "weight" : "bias", n->in[i]->name);
    c->weight_type = l->integer ? n->in[1]->q->dtype : VN_F32;
    if (!l->integer) {
        c->weight = vn_low_elements(l, n->in[1], VN_F32);
        c->bias = bias < 0 ? NULL : vn_low_elements(l, n->in[bias], VN_F32);
        return VN_OK;
    }
    TRY(check_quantized(n, c, bias, e));
    const struct qparam *w = n->in[1]->q;
    float *scale = NEW_ARRAY(l->scratch, float, c->k);
    for (int k = 0; k < c->k; k++)
        scale[k] = w->scale[k % w->n];
    c->weight_scale = scale;
    c->weight = vn_low_elements(l, n->in[1], c->weight_type);
    c->bias = bias < 0 ? NULL : vn_low_elements(l, n->in[bias], VN_I32);
    return VN_OK;
}

static struct vn_window2d geometry(const struct low_conv *c)
{
    return (struct vn_window2d){ .n = c->n,
                                 .h = c->h,
                                 .w = c->w,
                                 .c = c->c,
                                 .oh = c->oh,
                                 .ow = c->ow,
                                 .k = c->k,
                                 .kh = c->kh,
                                 .kw = c->kw,
                                 .sh = c->sh,
                                 .sw = c->sw,
                                 .dh = c->dh,
                                 .dw = c->dw,
                                 .ph = c->ph,
                                 .pw = c->pw,
                                 .groups = c->groups };
}

/* The geometry's words are the first fields of all convolution instructions. */
static void put_geometry(struct instr_CONV_S8 *p, const struct low_conv *c)
{
    p->n = c->n, p->h = c->h, p->w = c->w, p->c = c->c, p->oh = c->oh, p->ow = c->ow, p->k = c->k;
    p->kh = c->kh, p->kw = c->kw, p->sh = c->sh, p->sw = c->sw, p->dh = c->dh, p->dw = c->dw;
    p->ph = c->ph, p->pw = c->pw, p->groups = c->groups;
}

static int is_depthwise(const struct low_conv *c)
{
    return c->groups == c->c && c->groups == c->k && c->groups > 1;
}

/* Sum of each channel's weights; *wide when a sum of products with its bias may not fit 32 bits. */
static int32_t *weight_sums(struct lowering *l, const struct low_conv *c, const int32_t *bias, int *wide)
{
    int64_t taps = (int64_t)(c->c / c->groups) * c->kh * c->kw;
    int32_t *sums = NEW_ARRAY(l->scratch, int32_t, c->k);
    for (int k = 0; k < c->k; k++) {
        const int8_t *w = (const int8_t *)c->weight + k * taps;
        int64_t sum = 0;
        for (int64_t i = 0; i < taps; i++)
            sum += w[i];
        *wide |= taps > VN_NARROW_TAPS || bias[k] > VN_NARROW_BIAS || bias[k] < -VN_NARROW_BIAS;
        sums[k] = (int32_t)sum;
    }
    return sums;
}

static const struct value *bias_of(const struct lowering *l, const struct low_conv *c)
{
    return c->bias && vn_node_has(l->node, 2) ? l->node->in[2] : NULL;
}

/* One number per channel in the kernel's order: packed for a dense convolution, as is for depthwise. */
static int channel_const(struct lowering *l, const struct value *of, enum vn_dtype t, const void *v,
                         const struct vn_window2d *g, int depthwise)
{
    if (depthwise)
        return vn_low_const_of(l, of, t, g->k, v);
    int64_t count = (int64_t)vn_conv_blocks(g) * VN_OCB;
    void *packed = NEW_ARRAY(l->scratch, float, count);
    if (t == VN_F32)
        vn_conv_pack_f32(packed, v, g);
    else
        vn_conv_pack_i32(packed, v, g);
    return vn_low_const_of(l, of, t, count, packed);
}

/* sy 0: for a result in float32. */
static const float *multipliers(struct lowering *l, const struct low_conv *c, float sx, float sy)
{
    float *mult = NEW_ARRAY(l->scratch, float, c->k);
    for (int k = 0; k < c->k; k++)
        mult[k] = sy == 0 ? sx * c->weight_scale[k] : vn_requant_mult(sx, c->weight_scale[k], sy);
    return mult;
}

static int conv_s8(struct lowering *l, int x, int y, const struct low_conv *c)
{
    const struct vn_window2d g = geometry(c);
    int depthwise = is_depthwise(c), wide = 0, f32 = vn_low_tensor(l, y)->dtype == VN_F32;
    const float sx = vn_low_tensor(l, x)->scale, sy = vn_low_tensor(l, y)->scale;
    size_t bytes = depthwise ? (size_t)c->k * (size_t)c->kh * (size_t)c->kw : vn_conv_s8_packed_bytes(&g);
    int8_t *packed = NEW_ARRAY(l->scratch, int8_t, bytes);
    const int32_t *bias = c->bias ? c->bias : NEW_ARRAY(l->scratch, int32_t, c->k);
    const float *mult = multipliers(l, c, sx, f32 ? 0 : sy);
    (depthwise ? vn_dwconv_s8_pack : vn_conv_s8_pack)(packed, c->weight, &g);
    const int32_t *sums = weight_sums(l, c, bias, &wide);
    int in[5] = { x, vn_low_const_of(l, l->node->in[1], VN_I8, (int64_t)bytes, packed),
                  channel_const(l, bias_of(l, c), VN_I32, bias, &g, depthwise),
                  channel_const(l, NULL, VN_F32, mult, &g, depthwise),
                  channel_const(l, NULL, VN_I32, sums, &g, depthwise) };
    struct instr_CONV_S8 *p = vn_low_emit(l, depthwise ? OPCODE_DWCONV_S8 : OPCODE_CONV_S8, 5, in, y);
    put_geometry(p, c);
    const int s16 = vn_low_tensor(l, y)->dtype == VN_I16;
    p->lo = s16 ? INT16_MIN : INT8_MIN;
    p->hi = s16 ? INT16_MAX : INT8_MAX;
    p->wide = wide;
    p->hidden_conv = p->hidden_sum = -1;
    return VN_OK;
}

static int conv_s16(struct lowering *l, int x, int y, const struct low_conv *c)
{
    const struct vn_window2d g = geometry(c);
    const int depthwise = is_depthwise(c), f32 = vn_low_tensor(l, y)->dtype == VN_F32;
    const float sx = vn_low_tensor(l, x)->scale, sy = vn_low_tensor(l, y)->scale;
    const int64_t count = depthwise ? (int64_t)c->k * c->kh * c->kw : (int64_t)vn_conv_s8_packed_bytes(&g);
    void *packed = NEW_ARRAY(l->scratch, int16_t, count);
    if (c->weight_type == VN_I8)
        (depthwise ? vn_dwconv_s8_pack : vn_conv_s8_pack)(packed, c->weight, &g);
    else
        (depthwise ? vn_dwconv_s16_pack : vn_conv_s16_pack)(packed, c->weight, &g);
    const int32_t *bias = c->bias ? c->bias : NEW_ARRAY(l->scratch, int32_t, c->k);
    int in[4] = { x, vn_low_const_of(l, l->node->in[1], c->weight_type, count, packed),
                  channel_const(l, bias_of(l, c), VN_I32, bias, &g, depthwise),
                  channel_const(l, NULL, VN_F32, multipliers(l, c, sx, f32 ? 0 : sy), &g, depthwise) };
    struct instr_CONV_S16 *p = vn_low_emit(l, depthwise ? OPCODE_DWCONV_S16 : OPCODE_CONV_S16, 4, in, y);
    put_geometry((struct instr_CONV_S8 *)p, c);
    p->lo = INT16_MIN;
    p->hi = INT16_MAX;
    p->hidden_conv = -1;
    return VN_OK;
}

static int conv_f32(struct lowering *l, int x, int y, const struct low_conv *c)
{
    const struct vn_window2d g = geometry(c);
    int depthwise = is_depthwise(c);
    size_t bytes = depthwise ? (size_t)c->k * (size_t)c->kh * (size_t)c->kw * sizeof(float)
                             : vn_conv_f32_packed_bytes(&g);
    float *packed = vn_arena_alloc(l->scratch, bytes);
    const float *bias = c->bias ? c->bias : NEW_ARRAY(l->scratch, float, c->k);
    (depthwise ? vn_dwconv_f32_pack : vn_conv_f32_pack)(packed, c->weight, &g);
    int in[3] = { x, vn_low_const_of(l, l->node->in[1], VN_F32, (int64_t)(bytes / sizeof(float)), packed),
                  channel_const(l, bias_of(l, c), VN_F32, bias, &g, depthwise) };
    struct instr_CONV_F32 *p = vn_low_emit(l, depthwise ? OPCODE_DWCONV_F32 : OPCODE_CONV_F32, 3, in, y);
    put_geometry((struct instr_CONV_S8 *)p, c);
    p->lo = -INFINITY;
    p->hi = INFINITY;
    p->hidden_conv = p->hidden_sum = -1;
    return VN_OK;
}

int vn_low_conv(struct lowering *l, int x, int y, const struct low_conv *c, struct vn_err *e)
{
    (void)e;
    return l->wide ? conv_s16(l, x, y, c) : l->integer ? conv_s8(l, x, y, c) : conv_f32(l, x, y, c);
}
