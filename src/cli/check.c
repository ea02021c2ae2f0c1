/* vernier check - can this model be imported, quantized and compiled? No data is needed. */
#include "cli/check_data.h"
#include "cli/cli.h"

static const struct option_def options[] = {
    CHECK_DATA_OPTIONS,
    { "--march", 0, "NAME", 0, 0, "target (default generic)" },
    MODEL_OPTIONS,
    SHAPE_OPTION,
    JSON_OPTION,
    { 0 },
};

/* ---- a model that cannot be used ---- */

static void print_problems(const struct logger *p)
{
    for (int i = 0; i < p->problems.n; i++) {
        fprintf(stderr, "%s\n", p->problems.v[i].text);
        if (p->problems.v[i].remedy)
            fprintf(stderr, "  try: %s\n", p->problems.v[i].remedy);
    }
    fprintf(stderr, "vernier check: %d problem%s\n", p->problems.n, p->problems.n == 1 ? "" : "s");
}

static int problems_json(const struct logger *p, const char *march)
{
    json_t *list = json_array();
    for (int i = 0; i < p->problems.n; i++) {
        const struct kept_problem *x = &p->problems.v[i];
        json_array_append_new(list, json_pack("{s:s, s:s?, s:s?}", "problem", x->text, "id", x->id, "remedy", x->remedy));
    }
    return vn_print_json(json_pack("{s:s, s:o}", "march", march, "problems", list));
}

/* ---- one that can ---- */

static json_t *marches_json(const struct vn_conversion *c)
{
    json_t *list = json_array();
    for (int i = 0; i < c->marches.n; i++)
        json_array_append_new(list, json_pack("{s:s, s:i, s:i}", "march", c->marches.v[i].name, "integer_nodes", c->marches.v[i].integer, "nodes", c->nodes.n));
    return list;
}

static int print_json(const struct vn_conversion *c)
{
    return vn_print_json(json_pack("{s:s, s:o, s:o}", "march", c->target.name, "nodes", vn_json_nodes(c->nodes.v, c->nodes.n), "marches", marches_json(c)));
}

static void print_marches(const struct vn_conversion *c)
{
    static const char *const titles[] = { "March", "Integer nodes", "Description" };
    struct table *t = vn_table_new(3, titles);
    for (int i = 0; i < c->marches.n; i++) {
        char count[40];
        sprintf(count, "%d of %d", c->marches.v[i].integer, c->nodes.n);
        vn_table_row(t, (const char *const[]){ c->marches.v[i].name, count, c->marches.v[i].description });
    }
    printf("\nWhat each march would compute in integers:\n");
    vn_table_print(t, stdout);
    vn_table_free(&t);
}

static void print_text(const struct vn_conversion *c, const struct check_options *o)
{
    printf("The converted model node information:\n");
    vn_print_nodes(stdout, c->nodes.v, c->nodes.n, 0);
    vn_print_fallbacks(stdout, c->nodes.v, c->nodes.n, 1);
    print_marches(c);
    printf("\n%s: %d of %d nodes compute in integers on march %s. Next: vernier init %s%s%s\n", o->model, vn_quantize_count(c->quantized),
           c->nodes.n, c->target.name, o->model, o->prototxt ? " --proto " : "", o->prototxt ? o->prototxt : "");
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    const char **words;
    if (vn_opt("--list"))
        return vn_list_detectors();
    if (vn_opt("--data"))
        return vn_run_check_data(e);
    if (vn_words(&words) != 1 || vn_opt("--config") || vn_opt("--images"))
        return vn_fail(e, VN_E_USAGE, "usage: vernier check MODEL.onnx|MODEL.caffemodel [options]; -c and --images go with --data");
    const int json = vn_opt("--json") != NULL;
    struct logger log = { .quiet = json, .arena = a };
    struct check_options o = { .model = words[0], .prototxt = vn_opt("--proto"), .march = vn_opt("--march") ? vn_opt("--march") : "generic",
                               .listener = vn_logger_listener(&log) };
    TRY(vn_opt_shapes(&o.shape_names, &o.shape_texts, &o.n_shapes, a, e));
    struct vn_conversion *c;
    const int status = vn_check(&c, &o, e);
    if (status < 0 && !log.problems.n)
        return status;
    if (status < 0) {
        print_problems(&log);
        if (json)
            problems_json(&log, o.march);
        return EXIT_BAD_INPUT;
    }
    if (json)
        print_json(c);
    else
        print_text(c, &o);
    vn_conversion_free(&c);
    return EXIT_DONE;
}

const struct command vn_cmd_check = {
    "check", "MODEL.onnx|MODEL.caffemodel [options]", "say which nodes can compute in integers, and why others cannot; or whether calibration data are right", options, 0, 2, run,
};
