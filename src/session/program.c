#include <stdlib.h>

#include <vernier/runtime.h>

#include "num/num.h"
#include "session/program.h"

struct loaded {
    struct vn_model *model;
    void *memory;
};

static void unload(void *p)
{
    struct loaded *l = p;
    vn_model_unload(&l->model);
    free(l->memory);
}

int vn_program_load(struct vn_program *p, struct vn_arena *a, const void *image, size_t bytes, const struct vn_options *run, struct vn_err *e)
{
    enum { ALIGN = 64 };
    size_t need;
    struct loaded *l = NEW(a, struct loaded);
    TRY(vn_model_size(&need, image, bytes, run, e));
    vn_arena_defer(a, unload, l);
    l->memory = aligned_alloc(ALIGN, (need + ALIGN - 1) / ALIGN * ALIGN); /* not the arena, which would touch all of what a file asks for */
    if (!l->memory)
        return vn_fail(e, VN_E_NOMEM, "no memory for %zu bytes", need);
    TRY(vn_model_load(&l->model, image, bytes, l->memory, need, run, e));
    p->model = l->model;
    p->image = image;
    p->image_bytes = bytes;
    p->in = vn_model_inputs(p->model, &p->n_in);
    p->out = vn_model_outputs(p->model, &p->n_out);
    p->result = NEW_ARRAY(a, void *, p->n_out);
    for (int i = 0; i < p->n_out; i++)
        p->result[i] = vn_arena_alloc(a, p->out[i].bytes);
    return VN_OK;
}

int vn_program_start(struct vn_program *p, struct vn_arena *a, const struct graph *g, const struct compile_options *o,
                     const struct vn_options *run, struct vn_err *e)
{
    struct vn_image image;
    TRY(vn_compile(&image, a, g, o, e));
    return vn_program_load(p, a, image.data, image.bytes, run, e);
}

const void *vn_program_input(struct vn_arena *a, const struct vn_io *io, const float *x)
{
    if (io->dtype == VN_F32)
        return x;
    if (io->dtype != VN_I8) { /* whole numbers, as indices */
        const struct vn_tensor values = { VN_F32, vn_shape_of(io->rank, io->shape), (void *)(uintptr_t)x };
        return vn_tensor_cast(a, &values, io->dtype)->data;
    }
    int8_t *q = vn_arena_alloc(a, io->bytes);
    for (size_t i = 0; i < io->bytes; i++)
        q[i] = (int8_t)vn_quantize(x[i], 1, 0, -128, 127);
    return q;
}
