/* Files of a conversion. */
#include "convert/stages.h"

#include "base/file.h"
#include "front/front.h"

static void keep_path(struct vn_conversion *c, const char *stage, const char *path)
{
    const struct meta m = { stage, vn_arena_str(c->kept, path) };
    VEC_PUSH(c->kept, &c->products, m);
}

int vn_convert_write_onnx(struct vn_conversion *c, const struct graph *g, const char *stage, int int8_inputs,
                          struct vn_err *e)
{
    const char *file = vn_arena_fmt(c->arena, "%s_%s_model.onnx", c->config->prefix, stage);
    const char *path = vn_path_join(c->arena, c->config->working_dir, file);
    const struct vn_onnx_write_options o = { .int8_inputs = int8_inputs, .producer_version = VN_VERSION };
    TRY(vn_onnx_write(g, path, &o, e));
    INFO(c, "Saving model to: %s.", file);
    keep_path(c, stage, path);
    return VN_OK;
}

int vn_convert_write_bin(struct vn_conversion *c, struct vn_err *e)
{
    INFO(c, "start convert to *.bin file....");
    const char *path =
        vn_path_join(c->arena, c->config->working_dir, vn_arena_fmt(c->arena, "%s.bin", c->config->prefix));
    TRY(vn_file_write(path, c->bin.data, c->bin.bytes, e));
    keep_path(c, "bin", path);
    INFO(c, "Convert to runtime bin file successfully!");
    return VN_OK;
}
