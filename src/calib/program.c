#include <vernier/runtime.h>

#include "calib/calib.h"
#include "num/num.h"

static void stop(void *p)
{
    struct vn_model *m = p;
    vn_model_unload(&m);
}

int vn_program_start(struct vn_program *p, struct vn_arena *a, const struct graph *g, const struct compile_options *o,
                     const struct vn_options *run, struct vn_err *e)
{
    struct vn_image image;
    size_t need;
    TRY(vn_compile(&image, a, g, o, e));
    TRY(vn_model_size(&need, image.data, image.bytes, run, e));
    void *mem = vn_arena_alloc(a, need);
    TRY(vn_model_load(&p->model, image.data, image.bytes, mem, need, run, e));
    vn_arena_defer(a, stop, p->model);
    p->in = vn_model_inputs(p->model, &p->n_in);
    p->out = vn_model_outputs(p->model, &p->n_out);
    p->result = NEW_ARRAY(a, void *, p->n_out);
    for (int i = 0; i < p->n_out; i++)
        p->result[i] = vn_arena_alloc(a, p->out[i].bytes);
    return VN_OK;
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
