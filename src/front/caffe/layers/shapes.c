/* Layers that move elements, or name them differently. */
#include "front/caffe/layer.h"

/* ---- Concat ---- */

struct concat_params {
    int64_t axis, dim;
};
static void build_concat(struct caffe_builder *b)
{
    const struct concat_params *p = b->params;
    const int axis = vn_caffe_axis(b, p->dim >= 0 ? "concat_dim" : "axis", p->dim >= 0 ? p->dim : p->axis,
                                   vn_caffe_rank(b, 0));
    vn_caffe_top(b, 0,
                 vn_caffe_put(b, "Concat", b->n_in, b->in,
                              (const struct caffe_attr[]){ AT_INT("axis", axis), AT_NONE }));
}
static const struct text_field concat_fields[] = {
    T_INT(struct concat_params, axis, "axis", 1, -VN_MAX_RANK, VN_MAX_RANK),
    T_INT(struct concat_params, dim, "concat_dim", -1, 0, VN_MAX_RANK), T_END
};
static const struct text_message concat = { sizeof(struct concat_params), concat_fields };
const struct caffe_layer vn_caffe_concat = { .type = "Concat",
                                             .v1 = "CONCAT",
                                             .v0 = "concat",
                                             .onnx = "Concat",
                                             .param = "concat_param",
                                             .params = &concat,
                                             .min_bottom = 1,
                                             .max_bottom = -1,
                                             .build = build_concat };

/* ---- Slice, Split ---- */

struct slice_params {
    int64_t axis, dim;
    struct text_ints points;
};
static void build_slice(struct caffe_builder *b)
{
    const struct slice_params *p = b->params;
    const int axis = vn_caffe_axis(b, p->dim >= 0 ? "slice_dim" : "axis", p->dim >= 0 ? p->dim : p->axis,
                                   vn_caffe_rank(b, 0)),
              n = b->n_out;
    const int64_t whole = vn_caffe_dim(b, 0, axis);
    int64_t sizes[CAFFE_MAX_TOPS];
    if (p->points.n ? p->points.n != n - 1 : whole % n != 0) {
        if (p->points.n)
            vn_caffe_fail(b, VN_E_INPUT, "slice_point is given %d times for %d tops, expected %d times",
                          p->points.n, n, n - 1);
        else
            vn_caffe_fail(b, VN_E_INPUT, "%lld elements along axis %d cannot be divided into %d tops",
                          (long long)whole, axis, n);
        return;
    }
    for (int i = 0; i < n; i++) {
        const int64_t from = i && p->points.n ? p->points.v[i - 1] : 0,
                      to = i < n - 1 && p->points.n ? p->points.v[i] : whole;
        sizes[i] = p->points.n ? to - from : whole / n;
        if (sizes[i] < 1)
            vn_caffe_fail(b, VN_E_INPUT, "slice_point %d: the piece from %lld to %lld is empty", i,
                          (long long)from, (long long)to);
    }
    vn_caffe_put_many(b, "Split", 2, (struct value *[]){ b->in[0], vn_caffe_integers(b, n, sizes) },
                      (const struct caffe_attr[]){ AT_INT("axis", axis), AT_NONE }, n, b->out);
}
static const struct text_field slice_fields[] = {
    T_INT(struct slice_params, axis, "axis", 1, -VN_MAX_RANK, VN_MAX_RANK),
    T_INT(struct slice_params, dim, "slice_dim", -1, 0, VN_MAX_RANK),
    T_INTS(struct slice_params, points, "slice_point", 1, INT32_MAX),
    T_END,
};
static const struct text_message slice = { sizeof(struct slice_params), slice_fields };
const struct caffe_layer vn_caffe_slice = { .type = "Slice",
                                            .v1 = "SLICE",
                                            .onnx = "Split",
                                            .param = "slice_param",
                                            .params = &slice,
                                            .min_bottom = 1,
                                            .max_bottom = 1,
                                            .max_top = -1,
                                            .build = build_slice };

static void build_split(struct caffe_builder *b)
{
    for (int i = 0; i < b->n_out; i++)
        vn_caffe_top(b, i, b->in[0]); /* made different by the caller */
}
const struct caffe_layer vn_caffe_split = { .type = "Split",
                                            .v1 = "SPLIT",
                                            .v0 = "split",
                                            .onnx = "Identity",
                                            .min_bottom = 1,
                                            .max_bottom = 1,
                                            .max_top = -1,
                                            .build = build_split };

/* ---- Crop ---- */

struct crop_params {
    int64_t axis;
    struct text_ints offset;
};

/* Bottom 0 cut to the size of bottom 1 from `axis` on. */
static void build_crop(struct caffe_builder *b)
{
    const struct crop_params *p = b->params;
    const int rank = vn_caffe_rank(b, 0), axis = vn_caffe_axis(b, "axis", p->axis, rank), n = rank - axis;
    int64_t from[VN_MAX_RANK], to[VN_MAX_RANK], axes[VN_MAX_RANK];
    if (!vn_caffe_want_rank(b, 1, rank) || b->failed)
        return;
    if (p->offset.n > 1 && p->offset.n != n)
        vn_caffe_fail(b, VN_E_INPUT, "offset is given %d times for %d axes", p->offset.n, n);
    for (int i = 0; i < n && !b->failed; i++) {
        axes[i] = axis + i;
        from[i] = p->offset.n ? p->offset.v[p->offset.n > 1 ? i : 0] : 0;
        to[i] = from[i] + vn_caffe_dim(b, 1, axis + i);
        if (to[i] > vn_caffe_dim(b, 0, axis + i))
            vn_caffe_fail(b, VN_E_INPUT, "axis %d: %lld elements starting at %lld, the bottom has %lld",
                          axis + i, (long long)(to[i] - from[i]), (long long)from[i],
                          (long long)vn_caffe_dim(b, 0, axis + i));
    }
    if (!b->failed)
        vn_caffe_top(b, 0,
                     PUT(b, "Slice",
                         IN(b->in[0], vn_caffe_integers(b, n, from), vn_caffe_integers(b, n, to),
                            vn_caffe_integers(b, n, axes)),
                         AT_NONE));
}
static const struct text_field crop_fields[] = {
    T_INT(struct crop_params, axis, "axis", 2, -VN_MAX_RANK, VN_MAX_RANK),
    T_INTS(struct crop_params, offset, "offset", 0, INT32_MAX), T_END
};
static const struct text_message crop = { sizeof(struct crop_params), crop_fields };
const struct caffe_layer vn_caffe_crop = { .type = "Crop",
                                           .onnx = "Slice",
                                           .param = "crop_param",
                                           .params = &crop,
                                           .min_bottom = 2,
                                           .max_bottom = 2,
                                           .build = build_crop };

/* ---- Permute: axes that are not named follow in their order ---- */

struct permute_params {
    struct text_ints order;
};
static void build_permute(struct caffe_builder *b)
{
    const struct permute_params *p = b->params;
    const int rank = vn_caffe_rank(b, 0);
    int64_t perm[VN_MAX_RANK];
    uint32_t seen = 0;
    int n = 0;
    for (int i = 0; i < p->order.n; i++) {
        const int64_t axis = p->order.v[i];
        if (axis >= rank || seen >> axis & 1) {
            vn_caffe_fail(b, VN_E_INPUT, "order: %lld %s", (long long)axis,
                          axis >= rank ? "is not an axis of the bottom" : "is a duplicate");
            return;
        }
        seen |= 1u << axis;
        perm[n++] = axis;
    }
    for (int i = 0; i < rank; i++)
        if (!(seen >> i & 1))
            perm[n++] = i;
    vn_caffe_top(b, 0, PUT(b, "Transpose", IN(b->in[0]), AT_INTS("perm", rank, perm)));
}
static const struct text_field permute_fields[] = {
    T_INTS(struct permute_params, order, "order", 0, VN_MAX_RANK - 1), T_END
};
static const struct text_message permute = { sizeof(struct permute_params), permute_fields };
const struct caffe_layer vn_caffe_permute = { .type = "Permute",
                                              .onnx = "Transpose",
                                              .param = "permute_param",
                                              .params = &permute,
                                              .min_bottom = 1,
                                              .max_bottom = 1,
                                              .build = build_permute };

/* ---- Flatten, Reshape ---- */

struct flatten_params {
    int64_t axis, end;
};
static void build_flatten(struct caffe_builder *b)
{
    const struct flatten_params *p = b->params;
    const int rank = vn_caffe_rank(b, 0), from = vn_caffe_axis(b, "axis", p->axis, rank),
              to = vn_caffe_axis(b, "end_axis", p->end, rank);
    int64_t dims[VN_MAX_RANK];
    if (!b->failed && from > to)
        vn_caffe_fail(b, VN_E_INPUT, "axis %d is after end_axis %d", from, to);
    if (b->failed)
        return;
    if (from == 1 && to == rank - 1) {
        vn_caffe_top(b, 0, PUT(b, "Flatten", IN(b->in[0]), AT_INT("axis", 1)));
        return;
    }
    memcpy(dims, b->in[0]->shape.d, sizeof dims);
    dims[from] = vn_caffe_count(b, 0, from, to + 1);
    memmove(dims + from + 1, b->in[0]->shape.d + to + 1, (size_t)(rank - to - 1) * sizeof *dims);
    vn_caffe_top(b, 0, vn_caffe_reshape(b, b->in[0], rank - (to - from), dims));
}
static const struct text_field flatten_fields[] = {
    T_INT(struct flatten_params, axis, "axis", 1, -VN_MAX_RANK, VN_MAX_RANK),
    T_INT(struct flatten_params, end, "end_axis", -1, -VN_MAX_RANK, VN_MAX_RANK), T_END
};
static const struct text_message flatten = { sizeof(struct flatten_params), flatten_fields };
const struct caffe_layer vn_caffe_flatten = { .type = "Flatten",
                                              .v1 = "FLATTEN",
                                              .v0 = "flatten",
                                              .onnx = "Flatten or Reshape",
                                              .param = "flatten_param",
                                              .params = &flatten,
                                              .min_bottom = 1,
                                              .max_bottom = 1,
                                              .build = build_flatten };

struct dims {
    struct text_ints dim;
};
static const struct text_field dims_fields[] = { T_INTS(struct dims, dim, "dim", -1, INT32_MAX), T_END };
static const struct text_message dims = { sizeof(struct dims), dims_fields };
struct reshape_params {
    struct dims *shape;
    int64_t axis, num_axes;
};

/* dim 0: that of the bottom at the same place; -1: what is left. */
static void build_reshape(struct caffe_builder *b)
{
    const struct reshape_params *p = b->params;
    const int rank = vn_caffe_rank(b, 0), n = p->shape ? p->shape->dim.n : 0;
    const int64_t first = p->axis < 0 ? p->axis + rank + 1 : p->axis,
                  last = p->num_axes < 0 ? rank : first + p->num_axes;
    int64_t d[VN_MAX_RANK];
    if (first < 0 || first > rank || last > rank || first + n + rank - last > VN_MAX_RANK) {
        vn_caffe_fail(b, VN_E_INPUT,
                      "axis %lld, num_axes %lld and %d dimensions do not match a bottom with %d axes",
                      (long long)p->axis, (long long)p->num_axes, n, rank);
        return;
    }
    memcpy(d, b->in[0]->shape.d, (size_t)first * sizeof *d);
    int64_t known = vn_caffe_count(b, 0, 0, (int)first) * vn_caffe_count(b, 0, (int)last, rank);
    int open = -1;
    for (int i = 0; i < n; i++) {
        const int64_t want = p->shape->dim.v[i], at = first + i;
        if ((want == 0 && at >= rank) || (want < 0 && open >= 0)) {
            vn_caffe_fail(b, VN_E_INPUT,
                          want ? "dim: -1 occurs twice"
                               : "dim: 0 at index %lld, the bottom does not have this axis",
                          (long long)at);
            return;
        }
        d[at] = want == 0 ? b->in[0]->shape.d[at] : want;
        open = want < 0 ? (int)at : open;
        if (want >= 0 && d[at] && known > INT32_MAX / d[at])
            vn_caffe_fail(b, VN_E_INPUT, "dim: too many elements");
        known *= want < 0 || b->failed ? 1 : d[at];
    }
    memcpy(d + first + n, b->in[0]->shape.d + last, (size_t)(rank - last) * sizeof *d);
    const int64_t have = vn_caffe_count(b, 0, 0, rank);
    if (open >= 0 && known)
        d[open] = have / known;
    if (open >= 0 ? !known || have % known : have != known)
        vn_caffe_fail(b, VN_E_INPUT, "the bottom has %lld elements, shape requires %s%lld", (long long)have,
                      open >= 0 ? "a multiple of " : "", (long long)known);
    vn_caffe_top(b, 0, vn_caffe_reshape(b, b->in[0], (int)first + n + rank - (int)last, d));
}
static const struct text_field reshape_fields[] = {
    T_MESSAGE(struct reshape_params, shape, "shape", dims),
    T_INT(struct reshape_params, axis, "axis", 0, -VN_MAX_RANK, VN_MAX_RANK),
    T_INT(struct reshape_params, num_axes, "num_axes", -1, -1, VN_MAX_RANK), T_END
};
static const struct text_message reshape = { sizeof(struct reshape_params), reshape_fields };
const struct caffe_layer vn_caffe_reshape_layer = { .type = "Reshape",
                                                    .onnx = "Reshape",
                                                    .param = "reshape_param",
                                                    .params = &reshape,
                                                    .min_bottom = 1,
                                                    .max_bottom = 1,
                                                    .build = build_reshape };

/* ---- Tile ---- */

struct tile_params {
    int64_t axis, tiles;
};
static void build_tile(struct caffe_builder *b)
{
    const struct tile_params *p = b->params;
    const int rank = vn_caffe_rank(b, 0), axis = vn_caffe_axis(b, "axis", p->axis, rank);
    int64_t repeats[VN_MAX_RANK];
    for (int i = 0; i < rank; i++)
        repeats[i] = i == axis ? p->tiles : 1;
    if (!p->tiles)
        vn_caffe_fail(b, VN_E_INPUT, "tiles is missing");
    vn_caffe_top(b, 0, PUT(b, "Tile", IN(b->in[0], vn_caffe_integers(b, rank, repeats)), AT_NONE));
}
static const struct text_field tile_fields[] = {
    T_INT(struct tile_params, axis, "axis", 1, -VN_MAX_RANK, VN_MAX_RANK),
    T_INT(struct tile_params, tiles, "tiles", 0, 1, INT32_MAX), T_END
};
static const struct text_message tile = { sizeof(struct tile_params), tile_fields };
const struct caffe_layer vn_caffe_tile = { .type = "Tile",
                                           .onnx = "Tile",
                                           .param = "tile_param",
                                           .params = &tile,
                                           .min_bottom = 1,
                                           .max_bottom = 1,
                                           .build = build_tile };

/* ---- ShuffleChannel: groups x channels of a group, transposed ---- */

struct shuffle_params {
    int64_t group;
};
static void build_shuffle(struct caffe_builder *b)
{
    const struct shuffle_params *p = b->params;
    const int64_t *d = b->in[0]->shape.d, perm[] = { 0, 2, 1, 3, 4 };
    if (!vn_caffe_want_rank(b, 0, 4))
        return;
    if (d[1] % p->group) {
        vn_caffe_fail(b, VN_E_INPUT, "group is %lld, which does not divide %lld channels",
                      (long long)p->group, (long long)d[1]);
        return;
    }
    struct value *x =
        vn_caffe_reshape(b, b->in[0], 5, (int64_t[]){ d[0], p->group, d[1] / p->group, d[2], d[3] });
    vn_caffe_top(b, 0, vn_caffe_reshape(b, PUT(b, "Transpose", IN(x), AT_INTS("perm", 5, perm)), 4, d));
}
static const struct text_field shuffle_fields[] = {
    T_INT(struct shuffle_params, group, "group", 1, 1, INT32_MAX), T_END
};
static const struct text_message shuffle = { sizeof(struct shuffle_params), shuffle_fields };
const struct caffe_layer vn_caffe_shufflechannel = { .type = "ShuffleChannel",
                                                     .onnx = "Reshape, Transpose, Reshape",
                                                     .param = "shuffle_channel_param",
                                                     .params = &shuffle,
                                                     .min_bottom = 1,
                                                     .max_bottom = 1,
                                                     .build = build_shuffle };
