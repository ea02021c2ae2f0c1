#include "convert/float_network.h"

#include "front/front.h"
#include "passes/pass.h"
#include "quant/quant.h"

static int read_network(struct graph **g, struct vn_arena *a, const struct config *c,
                        const struct vn_session_options *o, struct vn_err *e)
{
    const struct vn_input_settings *in = &o->inputs;
    struct vn_onnx_input_shape *shapes = NEW_ARRAY(a, struct vn_onnx_input_shape, in->n_shapes);
    for (int i = 0; i < in->n_shapes; i++) {
        shapes[i].name = in->shape_names[i];
        TRY(vn_shape_parse(&shapes[i].shape, in->shapes[i], e));
    }
    const struct vn_onnx_options read = {
        .shapes = shapes, .n_shapes = in->n_shapes, .values = in->values, .n_values = in->n_values
    };
    return vn_model_read(g, a, c->model, c->prototxt, &read, e);
}

int vn_convert_open_float(struct vn_session **s, struct vn_arena *a, const struct config *c,
                          const struct vn_session_options *o, struct vn_err *e)
{
    struct graph *g;
    const struct vn_map *loaded;
    struct vn_session **slot = vn_session_slot(a);
    *s = NULL;
    TRY(read_network(&g, a, c, o, e));
    if (!vn_quantize_take(&loaded, g))
        return VN_OK;
    if (vn_passes_prepare(g, e) < 0)
        return vn_fail_at(e, "%s", c->model);
    TRY(vn_session_open_graph(slot, g, NULL, o, e));
    *s = *slot;
    return VN_OK;
}
