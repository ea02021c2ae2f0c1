/* vernier info - what a .bin, an ONNX file or a Caffe network holds. */
#include <string.h>

#include <vernier/runtime.h>
#include <vernier/session.h>

#include "base/escape.h"
#include "cli/cli.h"
#include "report/report.h"

static const struct option_def options[] = { MODEL_OPTIONS, SHAPE_OPTION, VALUE_OPTION, CUSTOM_OP_OPTION,
                                             PACK_OPTION,   JSON_OPTION,  { 0 } };

static json_t *json_meta(const struct vn_session *s)
{
    const char *key, *text;
    json_t *meta = json_object();
    for (int i = 0; vn_session_meta_at(s, i, &key, &text) == VN_OK; i++)
        json_object_set_new(meta, key, json_string(text));
    return meta;
}

static void print_meta(const struct vn_session *s)
{
    const char *key, *text;
    int width = 28;
    for (int i = 0; vn_session_meta_at(s, i, &key, &text) == VN_OK; i++)
        width = (int)strlen(key) > width && strlen(key) < 60 ? (int)strlen(key) : width;
    for (int i = 0; vn_session_meta_at(s, i, &key, &text) == VN_OK; i++)
        printf("%-*s: %s\n", width, vn_shown(key, (char[VN_SHOWN]){ 0 }),
               vn_shown(text, (char[VN_SHOWN]){ 0 }));
}

static int info_bin(const struct vn_session *s)
{
    const struct vn_model *m = vn_session_model(s);
    const char *path = vn_session_path(s);
    const int instructions = vn_model_instructions(m);
    int n_in, n_out;
    const struct vn_io *in = vn_model_inputs(m, &n_in), *out = vn_model_outputs(m, &n_out);
    size_t constants, working;
    vn_model_bytes(m, &constants, &working);
    if (vn_opt("--json"))
        return vn_print_json(json_pack("{s:s, s:i, s:I, s:I, s:o, s:o, s:o}", "file", path, "instructions",
                                       instructions, "constant_bytes", (json_int_t)constants, "working_bytes",
                                       (json_int_t)working, "inputs", vn_json_io(in, n_in, 1), "outputs",
                                       vn_json_io(out, n_out, 0), "meta", json_meta(s)));
    printf("%s: Vernier program, %d instructions, %zu bytes of constants, %zu bytes of working memory\n",
           path, instructions, constants, working);
    vn_print_io(stdout, "input", in, n_in, 1);
    vn_print_io(stdout, "output", out, n_out, 0);
    print_meta(s);
    return EXIT_DONE;
}

/* ---- a graph ---- */

static void print_ports(const char *what, const struct vn_port *p, int n)
{
    for (int i = 0; i < n; i++) {
        char shape[VN_TEXT_SHAPE];
        printf("%s[%d]: %s %s %s%s\n", what, i, vn_shown(p[i].name, (char[VN_SHOWN]){ 0 }),
               vn_text_shape(p[i].rank, p[i].shape, shape), vn_text_dtype(p[i].dtype),
               p[i].scale > 0 ? ", quantized" : "");
    }
}

static int info_graph(const struct vn_session *s)
{
    struct vn_graph_info g;
    const char *path = vn_session_path(s);
    int n_in, n_out;
    const struct vn_port *in = vn_session_inputs(s, &n_in), *out = vn_session_outputs(s, &n_out);
    vn_session_graph_info(s, &g);
    if (vn_opt("--json"))
        return vn_print_json(json_pack("{s:s, s:i, s:i, s:i, s:i, s:o}", "file", path, "ir_version",
                                       g.ir_version, "opset", g.opset, "nodes", g.nodes, "integer_nodes",
                                       g.integer_nodes, "meta", json_meta(s)));
    if (vn_session_kind(s) == VN_ARTEFACT_CAFFE)
        printf("%s: Caffe, %d nodes after folding\n", path, g.nodes);
    else
        printf("%s: ONNX, IR version %d, opset %d, %d nodes after folding, %d of them in integers\n", path,
               g.ir_version, g.opset, g.nodes, g.integer_nodes);
    print_ports("input", in, n_in);
    print_ports("output", out, n_out);
    print_meta(s);
    return EXIT_DONE;
}

static int info_pack(const char *path, struct vn_arena *a)
{
    const char **names;
    const int n = vn_pack_names(&names, a, path);
    if (vn_opt("--json")) {
        json_t *list = json_array();
        for (int i = 0; i < n; i++)
            json_array_append_new(list, json_string(names[i]));
        return vn_print_json(json_pack("{s:s, s:o}", "file", path, "models", list));
    }
    printf("%s: pack of %d models; --model-name shows one\n", path, n);
    for (int i = 0; i < n; i++)
        printf("model[%d]: %s\n", i, vn_shown(names[i], (char[VN_SHOWN]){ 0 }));
    return EXIT_DONE;
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    const char **words, **names;
    struct vn_session *s;
    struct vn_session_options o;
    vn_words(&words);
    vn_session_options_default(&o);
    TRY(vn_opt_pack_model(&o.run.model, e));
    if (!o.run.model && vn_pack_names(&names, a, words[0]) > 1)
        return info_pack(words[0], a);
    TRY(vn_opt_inputs(&o.inputs, a, e));
    o.prototxt = vn_opt("--proto");
    o.inspect = 1;
    TRY(vn_session_open(&s, words[0], &o, e));
    const int status = vn_session_kind(s) == VN_ARTEFACT_BIN ? info_bin(s) : info_graph(s);
    vn_session_close(&s);
    return status;
}

const struct command vn_cmd_info = { "info",
                                     "FILE.bin|FILE.onnx|FILE.caffemodel [options]",
                                     "print inputs, outputs and metadata of a file",
                                     options,
                                     1,
                                     1,
                                     run };
