/* Interp and Upsample. */
#include "front/caffe/layer.h"

static struct value *resize(struct caffe_builder *b, struct value *x, int64_t h, int64_t w, const char *mode,
                            const char *transform)
{
    if (!x)
        return NULL;
    if (h < 1 || w < 1 || h > 65536 || w > 65536)
        vn_caffe_fail(b, VN_E_INPUT, "the top would have %lld x %lld pixels", (long long)h, (long long)w);
    return PUT(b, "Resize",
               IN(x, NULL, NULL, vn_caffe_integers(b, 4, (int64_t[]){ x->shape.d[0], x->shape.d[1], h, w })),
               AT_ENUM("mode", mode), AT_ENUM("coordinate_transformation_mode", transform),
               AT_ENUM("nearest_mode", "floor"));
}

struct interp_params {
    int64_t height, width, zoom, shrink, pad_beg, pad_end;
};

/* Pads are never positive: they cut. Then bilinear, corners on corners. */
static void build_interp(struct caffe_builder *b)
{
    const struct interp_params *p = b->params;
    struct value *x = b->in[0];
    int64_t size[2];
    if (!vn_caffe_want_rank(b, 0, 4))
        return;
    if (p->pad_beg || p->pad_end) {
        const int64_t *d = b->in[0]->shape.d, from[] = { -p->pad_beg, -p->pad_beg },
                      to[] = { d[2] + p->pad_end, d[3] + p->pad_end }, axes[] = { 2, 3 };
        if (from[0] >= to[0] || from[1] >= to[1])
            vn_caffe_fail(b, VN_E_INPUT, "pad_beg and pad_end crop the whole bottom");
        x = PUT(
            b, "Slice",
            IN(x, vn_caffe_integers(b, 2, from), vn_caffe_integers(b, 2, to), vn_caffe_integers(b, 2, axes)),
            AT_NONE);
    }
    for (int i = 0; i < 2 && x; i++) {
        const int64_t given = i ? p->width : p->height;
        int64_t n = x->shape.d[2 + i];
        if (p->shrink)
            n = (n - 1) / p->shrink + 1;
        if (p->zoom)
            n += (n - 1) * (p->zoom - 1);
        size[i] = b->n_in == 2 ? vn_caffe_dim(b, 1, 2 + i) : given ? given : n;
    }
    if (!p->shrink && !p->zoom && !(p->height && p->width) && b->n_in < 2)
        vn_caffe_fail(b, VN_E_INPUT, "expected height and width, zoom_factor or shrink_factor");
    vn_caffe_top(b, 0, x ? resize(b, x, size[0], size[1], "linear", "align_corners") : NULL);
}
static const struct text_field interp_fields[] = {
    T_INT(struct interp_params, height, "height", 0, 0, 65536),
    T_INT(struct interp_params, width, "width", 0, 0, 65536),
    T_INT(struct interp_params, zoom, "zoom_factor", 0, 1, 65536),
    T_INT(struct interp_params, shrink, "shrink_factor", 0, 1, 65536),
    T_INT(struct interp_params, pad_beg, "pad_beg", 0, -65536, 0),
    T_INT(struct interp_params, pad_end, "pad_end", 0, -65536, 0),
    T_END,
};
static const struct text_message interp = { sizeof(struct interp_params), interp_fields };
const struct caffe_layer vn_caffe_interp = { .type = "Interp",
                                             .onnx = "Slice, Resize",
                                             .param = "interp_param",
                                             .params = &interp,
                                             .min_bottom = 1,
                                             .max_bottom = 2,
                                             .build = build_interp };

struct upsample_params {
    int64_t scale, scale_h, scale_w, h, w;
};

/* Back to where max pooling took each element from, zero elsewhere. The mask counts within the whole tensor
 * that was pooled. */
static struct value *unpool(struct caffe_builder *b, int64_t h, int64_t w)
{
    const int64_t *d = b->in[0]->shape.d, all = -1;
    const struct node *pool = b->in[1]->producer;
    const int is_mask = pool && pool->op == &vn_op_maxpool; /* operator identity: only MaxPool makes masks */
    if (!vn_shape_equal(&b->in[0]->shape, &b->in[1]->shape) || !is_mask || pool->in[0]->shape.d[2] != h ||
        pool->in[0]->shape.d[3] != w) {
        vn_caffe_fail(
            b, VN_E_UNSUPPORTED,
            "bottom 1 must be the mask of a max pooling of %lld x %lld pixels, with the shape of bottom 0",
            (long long)h, (long long)w);
        return NULL;
    }
    const struct vn_shape flat = { 1, { d[0] * d[1] * h * w } };
    struct value *zeros = vn_caffe_constant(b, "zeros", vn_tensor_new(b->g->arena, VN_F32, &flat));
    struct value *y = PUT(
        b, "ScatterElements",
        IN(zeros, vn_caffe_reshape(b, b->in[1], 1, &all), vn_caffe_reshape(b, b->in[0], 1, &all)), AT_NONE);
    return vn_caffe_reshape(b, y, 4, (int64_t[]){ d[0], d[1], h, w });
}

static void build_upsample(struct caffe_builder *b)
{
    const struct upsample_params *p = b->params;
    if (!vn_caffe_want_rank(b, 0, 4))
        return;
    const int64_t h = p->h ? p->h : vn_caffe_dim(b, 0, 2) * (p->scale_h ? p->scale_h : p->scale),
                  w = p->w ? p->w : vn_caffe_dim(b, 0, 3) * (p->scale_w ? p->scale_w : p->scale);
    vn_caffe_top(b, 0, b->n_in == 2 ? unpool(b, h, w) : resize(b, b->in[0], h, w, "nearest", "asymmetric"));
}
static const struct text_field upsample_fields[] = {
    T_INT(struct upsample_params, scale, "scale", 2, 1, 1024),
    T_INT(struct upsample_params, scale_h, "scale_h", 0, 1, 1024),
    T_INT(struct upsample_params, scale_w, "scale_w", 0, 1, 1024),
    T_INT(struct upsample_params, h, "upsample_h", 0, 1, 65536),
    T_INT(struct upsample_params, w, "upsample_w", 0, 1, 65536),
    T_ANY("pad_out_h"),
    T_ANY("pad_out_w"),
    T_END,
};
static const struct text_message upsample = { sizeof(struct upsample_params), upsample_fields };
const struct caffe_layer vn_caffe_upsample = { .type = "Upsample",
                                               .onnx = "Resize; ScatterElements with a mask",
                                               .param = "upsample_param",
                                               .params = &upsample,
                                               .min_bottom = 1,
                                               .max_bottom = 2,
                                               .build = build_upsample };
