/* vernier info - what a .bin, an ONNX file or a Caffe network holds. */
#include "base/file.h"
#include "cli/cli.h"

static const struct option_def options[] = { MODEL_OPTIONS, JSON_OPTION, { 0 } };

static void print_io(const char *what, const struct vn_io *io, int n, int inputs)
{
    for (int i = 0; i < n; i++) {
        char text[VN_SHAPE_TEXT];
        const struct vn_shape s = vn_shape_of(io[i].rank, io[i].shape);
        printf("%s[%d]:\n  name: %s\n", what, i, io[i].name);
        if (inputs)
            printf("  type: %s%s\n", vn_input_type_word(io[i].type),
                   io[i].type == VN_IN_FEATUREMAP || io[i].type == VN_IN_NV12 ? "" : io[i].channels_last ? " NHWC" : " NCHW");
        printf("  shape of the bytes: %s %s, %zu bytes\n", vn_shape_text(&s, text), vn_dtype_name(io[i].dtype), io[i].bytes);
        if (io[i].scale > 0 && (io[i].dtype == VN_I8 || io[i].dtype == VN_I16))
            printf("  real = (q - %d) * %.9g\n", io[i].zero, io[i].scale);
    }
}

static json_t *json_io(const struct vn_io *io, int n, int inputs)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++) {
        json_t *shape = json_array();
        for (int k = 0; k < io[i].rank; k++)
            json_array_append_new(shape, json_integer(io[i].shape[k]));
        json_t *o = json_pack("{s:s, s:s, s:o, s:I}", "name", io[i].name, "dtype", vn_dtype_name(io[i].dtype), "shape", shape, "bytes", (json_int_t)io[i].bytes);
        if (inputs)
            json_object_set_new(o, "type", json_string(vn_input_type_word(io[i].type)));
        json_array_append_new(list, o);
    }
    return list;
}

static int info_bin(const struct runner *r)
{
    const struct vn_program *p = &r->program;
    const char *key, *text;
    size_t constants, working;
    vn_model_bytes(p->model, &constants, &working);
    if (vn_opt("--json")) {
        json_t *meta = json_object();
        for (int i = 0; vn_model_meta_at(p->model, i, &key, &text) == VN_OK; i++)
            json_object_set_new(meta, key, json_string(text));
        return vn_print_json(json_pack("{s:s, s:i, s:I, s:I, s:o, s:o, s:o}", "file", r->path, "instructions", vn_model_instructions(p->model),
                                       "constant_bytes", (json_int_t)constants, "working_bytes", (json_int_t)working, "inputs",
                                       json_io(p->in, p->n_in, 1), "outputs", json_io(p->out, p->n_out, 0), "meta", meta));
    }
    printf("%s: Vernier program, %d instructions, %zu bytes of constants, %zu bytes of working memory\n", r->path,
           vn_model_instructions(p->model), constants, working);
    print_io("input", p->in, p->n_in, 1);
    print_io("output", p->out, p->n_out, 0);
    for (int i = 0; vn_model_meta_at(p->model, i, &key, &text) == VN_OK; i++)
        printf("%-28s: %s\n", key, text);
    return EXIT_DONE;
}

static void print_values(const char *what, struct value *const *v, int n)
{
    for (int i = 0; i < n; i++) {
        char text[VN_SHAPE_TEXT];
        printf("%s[%d]: %s %s %s%s\n", what, i, v[i]->name, vn_shape_text(&v[i]->shape, text), vn_dtype_name(v[i]->dtype), v[i]->q ? ", quantized" : "");
    }
}

static int info_onnx(const struct runner *r)
{
    const struct graph *g = r->graph;
    if (vn_opt("--json")) {
        json_t *meta = json_object();
        for (int i = 0; i < g->meta.n; i++)
            json_object_set_new(meta, g->meta.v[i].key, json_string(g->meta.v[i].text));
        return vn_print_json(json_pack("{s:s, s:i, s:i, s:i, s:i, s:o}", "file", r->path, "ir_version", g->ir_version, "opset", g->opset, "nodes",
                                       g->nodes.n, "integer_nodes", vn_quantize_count(g), "meta", meta));
    }
    if (vn_opt("--proto"))
        printf("%s: Caffe, %d nodes after folding\n", r->path, g->nodes.n);
    else
        printf("%s: ONNX, IR version %d, opset %d, %d nodes after folding, %d of them in integers\n", r->path, g->ir_version, g->opset, g->nodes.n,
               vn_quantize_count(g));
    print_values("input", g->inputs.v, g->inputs.n);
    print_values("output", g->outputs.v, g->outputs.n);
    for (int i = 0; i < g->meta.n; i++)
        printf("%-28s: %s\n", g->meta.v[i].key, g->meta.v[i].text);
    return EXIT_DONE;
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    const char **words;
    vn_words(&words);
    struct runner_options o = { .prototxt = vn_opt("--proto"), .reference = vn_opt("--proto") || vn_path_has_suffix(words[0], ".onnx") };
    vn_options_default(&o.run);
    struct runner *r;
    TRY(vn_runner_open(&r, a, words[0], &o, e));
    return r->kind == RUN_BIN ? info_bin(r) : info_onnx(r);
}

const struct command vn_cmd_info = { "info", "FILE.bin|FILE.onnx|FILE.caffemodel [options]", "inputs, outputs and metadata of a file", options, 1, 1, run };
