#include "front/caffe/layer.h"

#include <stdarg.h>
#include <stdio.h>

#define LAYER(name) &vn_caffe_##name,
const struct caffe_layer *const vn_caffe_layers[] = {
#include "front/caffe/layers.def"
};
#undef LAYER
const int vn_caffe_layers_count = sizeof vn_caffe_layers / sizeof *vn_caffe_layers;

void vn_caffe_fail(struct caffe_builder *b, int code, const char *fmt, ...)
{
    if (b->failed)
        return;
    char msg[800];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    b->failed = 1;
    vn_fail(b->e, code, "%s", msg);
}

/* ---- nodes ---- */

static const struct attr_spec *find_spec(const struct op_def *op, const char *name)
{
    for (const struct attr_spec *s = op->attrs; s && s->kind; s++)
        if (!strcmp(s->onnx, name))
            return s;
    return NULL;
}

static int choice(const struct attr_spec *s, const char *word)
{
    for (int i = 0; s->choices[i]; i++)
        if (!strcmp(s->choices[i], word))
            return i;
    return -1;
}

/* Attributes are ours, not the file's: a name or kind that the operator has not is our mistake. Numbers come
 * from the file. */
static void set_attr(struct caffe_builder *b, struct node *n, const struct caffe_attr *at)
{
    const struct attr_spec *s = find_spec(n->op, at->name);
    if (!s || s->kind != at->kind) {
        vn_caffe_fail(b, VN_E_INTERNAL, "%s has no attribute %s of this type", n->op->onnx, at->name);
        return;
    }
    char *place = (char *)n->attrs + s->offset;
    int64_t least = at->i, most = at->i;
    for (int i = 0; i < at->n; i++) {
        least = i && least < at->ints[i] ? least : at->ints[i];
        most = i && most > at->ints[i] ? most : at->ints[i];
    }
    if ((at->kind == ATTR_INT || at->n) && (least < s->min || most > s->max)) {
        vn_caffe_fail(b, VN_E_INPUT, "%s is %lld, expected %lld to %lld", at->name,
                      (long long)(least < s->min ? least : most), (long long)s->min, (long long)s->max);
        return;
    }
    switch (at->kind) {
    case ATTR_INT: *(int64_t *)place = at->i; break;
    case ATTR_FLOAT: *(float *)place = (float)at->f; break;
    case ATTR_INTS:
        *(struct ints *)place =
            (struct ints){ at->n, vn_arena_copy(b->g->arena, at->ints, (size_t)at->n * sizeof *at->ints) };
        break;
    default: *(int *)place = choice(s, at->s); break;
    }
}

void vn_caffe_put_many(struct caffe_builder *b, const char *op, int n_in, struct value *const *in,
                       const struct caffe_attr *attrs, int n_out, struct value **out)
{
    const struct op_def *def = vn_op_find(op, NULL) ? vn_op_find(op, NULL) : vn_op_find(op, "ai.vernier");
    for (int i = 0; i < n_out; i++)
        out[i] = NULL;
    if (b->failed)
        return;
    if (!def) {
        vn_caffe_fail(b, VN_E_INTERNAL, "unknown operator %s", op);
        return;
    }
    const char *name = vn_arena_fmt(b->g->arena, "%s/%s", b->unique, op);
    for (int i = 0; i < n_out; i++)
        out[i] = vn_graph_value(b->g, name, VN_NONE, NULL);
    struct node *n = vn_graph_node(b->g, def, out[0]->name, n_in, in, n_out, out);
    for (; attrs->name; attrs++)
        set_attr(b, n, attrs);
    if (!b->failed && def->infer(n, b->e) < 0)
        b->failed = 1;
}

struct value *vn_caffe_put(struct caffe_builder *b, const char *op, int n_in, struct value *const *in,
                           const struct caffe_attr *attrs)
{
    struct value *out;
    vn_caffe_put_many(b, op, n_in, in, attrs, 1, &out);
    return b->failed ? NULL : out;
}

void vn_caffe_top(struct caffe_builder *b, int i, struct value *v)
{
    if (i < b->n_out)
        b->out[i] = v;
}

void vn_caffe_plain(struct caffe_builder *b)
{
    vn_caffe_top(b, 0,
                 vn_caffe_put(b, b->kind->onnx, b->n_in, b->in, (const struct caffe_attr[]){ AT_NONE }));
}

/* ---- constants ---- */

struct value *vn_caffe_constant(struct caffe_builder *b, const char *what, const struct vn_tensor *t)
{
    return b->failed ? NULL : vn_graph_const(b->g, vn_arena_fmt(b->g->arena, "%s.%s", b->unique, what), t);
}

struct value *vn_caffe_number(struct caffe_builder *b, double x)
{
    struct vn_tensor *t = vn_tensor_new(b->g->arena, VN_F32, &(struct vn_shape){ 0 });
    vn_tensor_set_f64(t, 0, x);
    return vn_caffe_constant(b, "number", t);
}

struct value *vn_caffe_integers(struct caffe_builder *b, int n, const int64_t *x)
{
    return b->failed ? NULL
                     : vn_graph_const_i64(b->g, vn_arena_fmt(b->g->arena, "%s.integers", b->unique), n, x);
}

struct value *vn_caffe_filled(struct caffe_builder *b, const char *what, int64_t channels, float x)
{
    if (b->failed)
        return NULL;
    struct vn_tensor *t = vn_tensor_new(b->g->arena, VN_F32, &(struct vn_shape){ 1, { channels } });
    for (int64_t i = 0; i < channels; i++)
        ((float *)t->data)[i] = x;
    return vn_caffe_constant(b, what, t);
}

const struct vn_tensor *vn_caffe_raw_blob(struct caffe_builder *b, int i, const char *what)
{
    int n;
    const struct caffe_blob *blobs = vn_caffemodel_blobs(b->weights, b->name, &n);
    const struct vn_tensor *t = NULL;
    struct vn_err e;
    if (b->failed)
        return NULL;
    if (i >= n) {
        const char *near = n || !b->may_advise ? NULL : vn_caffemodel_nearest(b->weights, b->name);
        vn_caffe_fail(b, VN_E_INPUT, "requires blob %d (%s), %s has %d for this layer%s%s", i, what,
                      b->weights_path, n, near ? "; nearest: " : "", near ? near : "");
        return NULL;
    }
    if (vn_caffemodel_tensor(&t, &blobs[i], b->g->arena, &e) < 0)
        vn_caffe_fail(b, e.code, "blob %d (%s) in %s %s", i, what, b->weights_path, e.msg);
    return b->failed ? NULL : t;
}

/* Equal but for leading ones. */
static int same_shape(const struct vn_shape *s, int rank, const int64_t *d)
{
    int i = 0, k = 0;
    while (i < s->rank && s->d[i] == 1)
        i++;
    while (k < rank && d[k] == 1)
        k++;
    return s->rank - i == rank - k && !memcmp(s->d + i, d + k, (size_t)(rank - k) * sizeof *d);
}

struct value *vn_caffe_blob_as(struct caffe_builder *b, int i, const char *what, int rank,
                               const int64_t *shape, int as_rank, const int64_t *as)
{
    const struct vn_tensor *t = vn_caffe_raw_blob(b, i, what);
    if (!t)
        return NULL;
    if (!same_shape(&t->shape, rank, shape)) {
        char have[VN_SHAPE_TEXT], want[VN_SHAPE_TEXT];
        const struct vn_shape s = vn_shape_of(rank, shape);
        vn_caffe_fail(b, VN_E_INPUT, "blob %d (%s) in %s has shape %s, expected %s", i, what, b->weights_path,
                      vn_shape_text(&t->shape, have), vn_shape_text(&s, want));
        return NULL;
    }
    struct vn_tensor *shaped = NEW(b->g->arena, struct vn_tensor);
    *shaped = (struct vn_tensor){ t->dtype, vn_shape_of(as_rank, as), t->data };
    return vn_caffe_constant(b, what, shaped);
}

struct value *vn_caffe_blob(struct caffe_builder *b, int i, const char *what, int rank, const int64_t *shape)
{
    return vn_caffe_blob_as(b, i, what, rank, shape, rank, shape);
}

/* ---- arithmetic ---- */

struct value *vn_caffe_times(struct caffe_builder *b, struct value *x, double factor)
{
    return factor == 1 ? x : PUT(b, "Mul", IN(x, vn_caffe_number(b, factor)), AT_NONE);
}

struct value *vn_caffe_plus(struct caffe_builder *b, struct value *x, double term)
{
    return term == 0 ? x : PUT(b, "Add", IN(x, vn_caffe_number(b, term)), AT_NONE);
}

struct value *vn_caffe_reduce(struct caffe_builder *b, const char *op, struct value *x, int from, int to,
                              int keep)
{
    int64_t axes[VN_MAX_RANK];
    for (int i = from; i < to; i++)
        axes[i - from] = i;
    return PUT(b, op, IN(x, vn_caffe_integers(b, to - from, axes)), AT_INT("keepdims", keep));
}

struct value *vn_caffe_reshape(struct caffe_builder *b, struct value *x, int rank, const int64_t *dims)
{
    return PUT(b, "Reshape", IN(x, vn_caffe_integers(b, rank, dims)), AT_NONE);
}

/* ---- checks ---- */

int vn_caffe_rank(const struct caffe_builder *b, int i) { return b->in[i]->shape.rank; }
int64_t vn_caffe_dim(const struct caffe_builder *b, int i, int axis)
{
    return axis < vn_caffe_rank(b, i) ? b->in[i]->shape.d[axis] : 1;
}

int64_t vn_caffe_count(const struct caffe_builder *b, int i, int from, int to)
{
    int64_t n = 1;
    for (; from < to; from++)
        n *= b->in[i]->shape.d[from];
    return n;
}

int vn_caffe_axis(struct caffe_builder *b, const char *what, int64_t axis, int rank)
{
    if (axis >= -rank && axis < rank)
        return (int)(axis < 0 ? axis + rank : axis);
    vn_caffe_fail(b, VN_E_INPUT, "%s is %lld, the bottom has %d axes", what, (long long)axis, rank);
    return 0;
}

int vn_caffe_want_rank(struct caffe_builder *b, int i, int rank)
{
    char text[VN_SHAPE_TEXT];
    if (vn_caffe_rank(b, i) == rank)
        return 1;
    vn_caffe_fail(b, VN_E_INPUT, "bottom %s has shape %s, expected %d axes", b->in[i]->name,
                  vn_shape_text(&b->in[i]->shape, text), rank);
    return 0;
}

void vn_caffe_extent(struct caffe_builder *b, const char *what, const struct caffe_extent *x, int axes,
                     int64_t dflt, int64_t *out)
{
    const int64_t one[2] = { x->h, x->w };
    const int apart = x->h >= 0 || x->w >= 0, whole = x->h >= 0 && x->w >= 0;
    for (int i = 0; i < axes; i++)
        out[i] = x->all.n == 1                       ? x->all.v[0]
                 : x->all.n == axes                  ? x->all.v[i]
                 : apart && axes == 2 && one[i] >= 0 ? one[i]
                 : dflt < 0                          ? 1
                                                     : dflt;
    if (apart && (axes != 2 || x->all.n || (dflt < 0 && !whole)))
        vn_caffe_fail(b, VN_E_INPUT, "%s: expected one number, or _h and _w for 2 axes", what);
    else if (x->all.n > 1 && x->all.n != axes)
        vn_caffe_fail(b, VN_E_INPUT, "%s is given %d times for %d axes", what, x->all.n, axes);
    else if (dflt < 0 && !apart && !x->all.n)
        vn_caffe_fail(b, VN_E_INPUT, "%s is missing", what);
}
