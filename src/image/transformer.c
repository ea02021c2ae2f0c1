/* The public face of transform.h. */
#include <vernier/transformer.h>

#include "base/guard.h"
#include "image/transform.h"

const char *vn_transformer_name(int i)
{
    int n;
    const struct vn_transform *all = vn_transforms(&n);
    return i >= 0 && i < n ? all[i].name : NULL;
}

int vn_transformer_arg_at(int i, int k, struct vn_transformer_arg *out)
{
    int n, known = 0;
    const struct vn_transform *all = vn_transforms(&n);
    if (i < 0 || i >= n)
        return 0;
    while (all[i].args[known].name)
        known++;
    if (k < 0 || k >= known)
        return 0;
    const struct vn_transform_arg *a = &all[i].args[k];
    *out = (struct vn_transformer_arg){ a->name, a->preset, a->kind == VN_ARG_WORD ? a->words : NULL };
    return 1;
}

struct vn_transformed {
    struct vn_arena *arena; /* detached */
    struct vn_view view;
};

static int apply(struct vn_transformed *r, const char *text, const struct vn_tensor *in, struct vn_err *e)
{
    const struct vn_transform *t;
    struct vn_arg_value arg[VN_TRANSFORM_ARGS];
    struct vn_origin from = { .w = 0 };
    struct vn_tensor *y; /* pixels stay pixels */
    const struct vn_tensor *x = in->dtype == VN_U8 ? in : vn_tensor_cast(r->arena, in, VN_F32);
    TRY(vn_transform_parse(&t, arg, r->arena, text, e));
    TRY(t->run(&y, r->arena, x, t, arg, &from, e));
    r->view =
        (struct vn_view){ .name = "", .node = "", .dtype = y->dtype, .rank = y->shape.rank, .axis = -1 };
    memcpy(r->view.shape, y->shape.d, sizeof r->view.shape);
    vn_shape_strides(&y->shape, r->view.stride);
    r->view.data = y->data;
    r->view.bytes = vn_tensor_bytes(y);
    return VN_OK;
}

static int make(struct vn_transformed **out, const char *text, const struct vn_tensor *in, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    struct vn_transformed *r = NEW(a, struct vn_transformed);
    r->arena = a;
    const int status = apply(r, text, in, e);
    if (status < 0) {
        vn_arena_free(&a);
        return status;
    }
    vn_arena_detach(a);
    *out = r;
    return VN_OK;
}

int vn_transformer_run(struct vn_transformed **out, const char *text, enum vn_dtype dtype, int rank,
                       const int64_t *shape, const void *data, struct vn_err *e)
{
    int status;
    *out = NULL;
    if (rank < 0 || rank > VN_MAX_RANK || !vn_dtype_size(dtype))
        return vn_fail(e, VN_E_USAGE, "%s: expected an array of numbers of rank 0 to %d", text, VN_MAX_RANK);
    const struct vn_tensor in = { dtype, vn_shape_of(rank, shape), (void *)(uintptr_t)data };
    VN_GUARDED(status, e, make(out, text, &in, e));
    return status;
}

const struct vn_view *vn_transformed_view(const struct vn_transformed *t) { return &t->view; }

void vn_transformed_free(struct vn_transformed **t)
{
    struct vn_arena *a = t && *t ? (*t)->arena : NULL;
    if (t)
        *t = NULL;
    vn_arena_free(&a);
}
