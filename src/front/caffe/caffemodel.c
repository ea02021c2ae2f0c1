#include "front/caffe/caffemodel.h"

#include "config/config.h"

/* ---- messages; field numbers as in caffe.proto ---- */

/* clang-format off */
#define FIELD(type, number, kind, field) { number, kind, offsetof(struct type, field), NULL }
#define SUB(type, number, kind, field, what) { number, kind, offsetof(struct type, field), &what }

static const struct wire_field shape_fields[] = { FIELD(caffe_shape_proto, 1, WIRE_INTS, dim), { 0 } };
static const struct wire_message shape = {
    "BlobShape", sizeof(struct caffe_shape_proto), shape_fields, NULL
};

static const struct wire_field blob_fields[] = {
    FIELD(caffe_blob, 1, WIRE_INT, legacy[0]),
    FIELD(caffe_blob, 2, WIRE_INT, legacy[1]),
    FIELD(caffe_blob, 3, WIRE_INT, legacy[2]),
    FIELD(caffe_blob, 4, WIRE_INT, legacy[3]),
    FIELD(caffe_blob, 5, WIRE_FLOAT_RUNS, floats),
    SUB(caffe_blob, 7, WIRE_MESSAGE, shape, shape),
    FIELD(caffe_blob, 8, WIRE_DOUBLE_RUNS, doubles),
    { 0 },
};
static const struct wire_message blob = { "BlobProto", sizeof(struct caffe_blob), blob_fields, NULL };

struct layer {
    const char *name;
    struct layer *inner;    /* the oldest generation */
    struct wire_list blobs; /* struct caffe_blob */
};

static const struct wire_field v0_fields[] = {
    FIELD(layer, 1, WIRE_STRING, name),
    SUB(layer, 50, WIRE_MESSAGES, blobs, blob),
    { 0 },
};
static const struct wire_message v0_layer = { "V0LayerParameter", sizeof(struct layer), v0_fields, NULL };
static const struct wire_field v1_fields[] = {
    SUB(layer, 1, WIRE_MESSAGE, inner, v0_layer),
    FIELD(layer, 4, WIRE_STRING, name),
    SUB(layer, 6, WIRE_MESSAGES, blobs, blob),
    { 0 },
};
static const struct wire_message v1_layer = { "V1LayerParameter", sizeof(struct layer), v1_fields, NULL };
static const struct wire_field layer_fields[] = {
    FIELD(layer, 1, WIRE_STRING, name),
    SUB(layer, 7, WIRE_MESSAGES, blobs, blob),
    { 0 },
};
static const struct wire_message layer = { "LayerParameter", sizeof(struct layer), layer_fields, NULL };
/* clang-format on */

struct net {
    struct wire_list layers, v1_layers; /* struct layer */
};
static const struct wire_field net_fields[] = {
    SUB(net, 2, WIRE_MESSAGES, v1_layers, v1_layer),
    SUB(net, 100, WIRE_MESSAGES, layers, layer),
    { 0 },
};
static const struct wire_message net = { "NetParameter", sizeof(struct net), net_fields, "a caffemodel" };

/* ---- layers by name ---- */

struct caffe_weights {
    struct vn_map *by_name; /* struct layer */
    VEC(const char *) names;
};

static void add_layers(struct caffe_weights *w, struct vn_arena *a, const struct wire_list *list)
{
    for (int i = 0; i < list->n; i++) {
        struct layer *l = (struct layer *)list->v + i;
        l = l->inner ? l->inner : l;
        if (!l->name || !l->blobs.n)
            continue;
        if (!vn_map_get(w->by_name, l->name))
            VEC_PUSH(a, &w->names, l->name);
        vn_map_set(w->by_name, l->name, l);
    }
}

int vn_caffemodel_read(struct caffe_weights **out, struct vn_arena *a, struct wire_bytes image,
                       const char *path, struct vn_err *e)
{
    static const uint8_t hdf5[] = { 0x89, 'H', 'D', 'F' };
    struct net n = { 0 };
    if (image.n >= sizeof hdf5 && !memcmp(image.p, hdf5, sizeof hdf5))
        return vn_fail(e, VN_E_UNSUPPORTED,
                       "%s: an HDF5 file; save the network as a binary protobuf (.caffemodel)", path);
    TRY(vn_wire_read(&n, &net, a, image, path, e));
    struct caffe_weights *w = *out = NEW(a, struct caffe_weights);
    w->by_name = vn_map_new(a);
    add_layers(w, a, &n.v1_layers);
    add_layers(w, a, &n.layers);
    return VN_OK;
}

const struct caffe_blob *vn_caffemodel_blobs(const struct caffe_weights *w, const char *name, int *n)
{
    const struct layer *l = vn_map_get(w->by_name, name);
    *n = l ? l->blobs.n : 0;
    return l ? l->blobs.v : NULL;
}

const char *vn_caffemodel_nearest(const struct caffe_weights *w, const char *name)
{
    return vn_nearest(name, w->names.v, w->names.n);
}

/* ---- contents ---- */

static int blob_shape(struct vn_shape *s, const struct caffe_blob *b, struct vn_err *e)
{
    const struct wire_list legacy = { (void *)b->legacy, 4, 4 }, *dims = b->shape ? &b->shape->dim : &legacy;
    if (dims->n > VN_MAX_RANK)
        return vn_fail(e, VN_E_UNSUPPORTED, "has %d dimensions, expected at most %d", dims->n, VN_MAX_RANK);
    *s = vn_shape_of(dims->n, dims->v);
    for (int i = 0; i < s->rank; i++)
        if (s->d[i] < 0)
            return vn_fail(e, VN_E_INPUT, "has %lld elements along axis %d", (long long)s->d[i], i);
    return vn_shape_count(s) >= 0 ? VN_OK : vn_fail(e, VN_E_INPUT, "has more than 2^62 elements");
}

static size_t run_bytes(const struct wire_list *runs)
{
    size_t n = 0;
    for (int i = 0; i < runs->n; i++)
        n += ((const struct wire_bytes *)runs->v)[i].n;
    return n;
}

static void *joined(struct vn_arena *a, const struct wire_list *runs, size_t align)
{
    const struct wire_bytes *r = runs->v;
    if (runs->n == 1 && (uintptr_t)r->p % align == 0)
        return (void *)r->p;
    uint8_t *all = vn_arena_alloc(a, run_bytes(runs)), *at = all;
    for (int i = 0; i < runs->n; at += r[i++].n)
        memcpy(at, r[i].p, r[i].n);
    return all;
}

int vn_caffemodel_tensor(const struct vn_tensor **out, const struct caffe_blob *b, struct vn_arena *a,
                         struct vn_err *e)
{
    const int wide = !b->floats.n && b->doubles.n;
    const struct wire_list *runs = wide ? &b->doubles : &b->floats;
    const size_t size = wide ? sizeof(double) : sizeof(float), have = run_bytes(runs) / size;
    struct vn_shape s;
    char text[VN_SHAPE_TEXT];
    TRY(blob_shape(&s, b, e));
    if ((uint64_t)vn_shape_count(&s) != have)
        return vn_fail(e, VN_E_INPUT, "has %zu numbers, its shape %s requires %lld", have,
                       vn_shape_text(&s, text), (long long)vn_shape_count(&s));
    struct vn_tensor *t = NEW(a, struct vn_tensor);
    *t = (struct vn_tensor){ wide ? VN_F64 : VN_F32, s, have ? joined(a, runs, size) : vn_arena_alloc(a, 1) };
    *out = wide ? vn_tensor_cast(a, t, VN_F32) : t;
    return VN_OK;
}
