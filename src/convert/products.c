/* Files of a conversion. */
#include "convert/stages.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "front/front.h"
#include "ops/op.h"

int vn_convert_begin_products(struct vn_conversion *c, struct vn_err *e)
{
    if (!vn_dir_exists(c->config->working_dir))
        DETAIL(c, "working_dir does not exist. Creating working_dir: %s", c->config->working_dir);
    TRY(vn_dir_make(c->config->working_dir, e));
    return vn_dir_stage(&c->written, c->arena, c->config->working_dir, e);
}

static void keep_path(struct vn_conversion *c, const char *stage, const char *file)
{
    const struct meta m = { stage, vn_path_join(c->kept, c->config->working_dir, file) };
    VEC_PUSH(c->kept, &c->products, m);
}

/* An error names the product, not where it waits. */
static int placed(const struct vn_conversion *c, int status, struct vn_err *e)
{
    const char *waits = vn_path_join(c->arena, vn_dir_stage_path(c->written), "");
    char *at = status < 0 ? strstr(e->msg, waits) : NULL;
    if (at) {
        const char *rest = vn_arena_str(c->arena, at + strlen(waits));
        snprintf(at, sizeof e->msg - (size_t)(at - e->msg), "%s",
                 vn_path_join(c->arena, c->config->working_dir, rest));
    }
    return status;
}

static int write_graph(const struct vn_conversion *c, const struct graph *g, const char *folder,
                       const char *file, int int8_inputs, struct vn_err *e)
{
    const struct vn_onnx_write_options o = { .int8_inputs = int8_inputs, .producer_version = VN_VERSION };
    return vn_onnx_write(g, vn_path_join(c->arena, folder, file), &o, e);
}

int vn_convert_write_onnx(struct vn_conversion *c, const struct graph *g, const char *stage, int int8_inputs,
                          struct vn_err *e)
{
    const char *file = vn_arena_fmt(c->arena, "%s_%s_model.onnx", c->config->prefix, stage);
    TRY(placed(c, write_graph(c, g, vn_dir_stage_path(c->written), file, int8_inputs, e), e));
    INFO(c, "Saving model to: %s.", file);
    keep_path(c, stage, file);
    c->good = g;
    c->good_int8 = int8_inputs;
    return VN_OK;
}

int vn_convert_write_bin(struct vn_conversion *c, struct vn_err *e)
{
    INFO(c, "start convert to *.bin file....");
    const char *file = vn_arena_fmt(c->arena, "%s.bin", c->config->prefix);
    const char *path = vn_path_join(c->arena, vn_dir_stage_path(c->written), file);
    TRY(placed(c, vn_file_write(path, c->bin.data, c->bin.bytes, e), e));
    keep_path(c, "bin", file);
    INFO(c, "Convert to runtime bin file successfully!");
    return VN_OK;
}

int vn_convert_write_text(struct vn_conversion *c, const char *stage, const char *file, const char *text,
                          struct vn_err *e)
{
    const char *path = vn_path_join(c->arena, vn_dir_stage_path(c->written), file);
    TRY(placed(c, vn_file_write(path, text, strlen(text), e), e));
    keep_path(c, stage, file);
    return VN_OK;
}

int vn_convert_write_json(struct vn_conversion *c, const char *stage, const char *file, json_t *value,
                          struct vn_err *e)
{
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9));
    json_decref(value);
    if (!text)
        return vn_fail(e, VN_E_NOMEM, "out of memory");
    const int status = vn_convert_write_text(c, stage, file, text, e);
    free(text);
    return status;
}

/* Channels on axis 1, and a weight: no matrix product. */
static int is_convolution(const struct node *n)
{
    return n->op->quant.weight && n->op->quant.channel_axis == 1;
}

int vn_convert_write_map(struct vn_conversion *c, struct vn_err *e)
{
    if (!c->config->layer_out_dump)
        return VN_OK;
    json_t *map = json_object();
    for (int i = 0; i < c->quantized->nodes.n; i++) {
        const struct node *n = c->quantized->nodes.v[i];
        if (is_convolution(n))
            json_object_set_new(map, n->name, json_string(n->out[0]->name));
    }
    const char *file = vn_arena_fmt(c->arena, "%s_quantized_model_conv_output_map.json", c->config->prefix);
    return vn_convert_write_json(c, "conv_output_map", file, map, e);
}

static const char *fail_name(const struct vn_conversion *c)
{
    return vn_arena_fmt(c->arena, "%s_fail.onnx", c->config->prefix);
}

/* The file of an earlier failure goes. */
int vn_convert_end_products(struct vn_conversion *c, struct vn_err *e)
{
    const char *fail = vn_path_join(c->arena, c->config->working_dir, fail_name(c));
    TRY(vn_dir_stage_commit(c->written, e));
    unlink(fail);
    unlink(vn_arena_fmt(c->arena, "%s.data", fail));
    return VN_OK;
}

void vn_convert_write_fail(struct vn_conversion *c)
{
    struct vn_err e;
    if (c->good && write_graph(c, c->good, c->config->working_dir, fail_name(c), c->good_int8, &e) == VN_OK)
        INFO(c, "Saving the last good model to: %s.", fail_name(c));
}
