/* vernier eval - several models on the same labelled pictures: scores, likeness, confidence of the
 * differences. */
#include <vernier/eval.h>

#include "cli/cli.h"

static const struct option_def options[] = {
    { "--task", 0, "FILE.yaml", 0, 0,
      "flat YAML file with the settings below as keys (label_size for --label-size); options take "
      "precedence" },
#define REPEATS_TEXT 0
#define REPEATS_LIST 1
#define REPEATS_PATH 0
#define REPEATS_INT 0
#define REPEATS_REAL 0
#define EVAL_KEY(kind, field, option, value, lo, hi, preset, help) \
    { option, 0, value, REPEATS_##kind, 0, help },
#include <vernier/eval_keys.def>
#undef EVAL_KEY
    { "--detections", 0, "FILE.json", 1, 0, "coco: detection files, instead of models" },
    { "--proto", 0, "FILE", 0, 0,
      "prototxt of a Caffe network among the models (its model is the caffemodel)" },
    SHAPE_OPTION,
    VALUE_OPTION,
    { "--results", 0, "DIR", 0, 0, "coco: write each model's detections to this folder, as MODEL.json" },
    { "--resume", 0, "FILE", 0, 0, "store the results of each image in FILE and resume from it" },
    RUN_OPTIONS,
    JSON_OPTION,
    REPORT_OPTION,
    { 0 },
};

#define EVAL_KEY(kind, field, option, value, lo, hi, preset, help) +1
enum {
    N_KEYS = 0
#include <vernier/eval_keys.def>
};
#undef EVAL_KEY

/* What was given several times, with ';' between. */
static const char *joined(struct vn_arena *a, const char *option)
{
    const char **words, *text = NULL;
    const int n = vn_opt_all(option, &words);
    for (int i = 0; i < n; i++)
        text = text ? vn_arena_fmt(a, "%s;%s", text, words[i]) : words[i];
    return text;
}

/* The settings that the command line gives. */
static int read_settings(struct vn_eval_setting out[N_KEYS], struct vn_arena *a)
{
    static const struct vn_eval_setting all[] = {
#define EVAL_KEY(kind, field, option, value, lo, hi, preset, help) { #field, NULL, option },
#include <vernier/eval_keys.def>
#undef EVAL_KEY
    };
    int n = 0;
    for (int i = 0; i < N_KEYS; i++)
        if (vn_opt(all[i].where))
            out[n++] = (struct vn_eval_setting){ all[i].key, joined(a, all[i].where), all[i].where };
    return n;
}

static int print_json(const struct vn_evaluation *v)
{
    json_t *j = vn_json_evaluation(v);
    json_dumpf(j, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15));
    putchar('\n');
    json_decref(j);
    return EXIT_DONE;
}

static int write_report(const struct vn_evaluation *v, const struct vn_eval_options *o, struct vn_err *e)
{
    const struct vn_odd_list *odd = o->odd.user;
    json_t *j = vn_json_evaluation(v);
    const struct vn_html_report report = { .command = "eval",
                                           .passed = -1,
                                           .result = j,
                                           .files = o->models,
                                           .n_files = o->finished ? 0 : o->n_models,
                                           .config = o->task,
                                           .samples = odd->samples,
                                           .images = odd->images };
    const int status = vn_opt_report(&report, e);
    json_decref(j);
    return status;
}

static int read_models(struct vn_eval_options *o, struct vn_err *e)
{
    const char **models;
    o->n_models = vn_words(&models);
    o->finished = vn_opt("--detections") != NULL;
    if (o->finished == (o->n_models > 0))
        return vn_fail(e, VN_E_USAGE, "expected models, or files with --detections, but not both");
    if (o->finished)
        o->n_models = vn_opt_all("--detections", &models);
    o->models = models;
    return VN_OK;
}

/* Not one image right, also with the model that the others are compared with. */
static void warn_zero(const struct vn_evaluation *v)
{
    int n;
    const struct vn_eval_model *first = vn_evaluation_models(v, &n);
    double most = 0;
    for (int i = 0; i < vn_evaluation_summary(v)->n_scores; i++)
        most = first->scores[i].value > most ? first->scores[i].value : most;
    if (vn_evaluation_summary(v)->n_scores && most == 0)
        fprintf(stderr,
                "%s scores 0: preprocessing differs from training, or the labels belong to other images; see "
                "--pipeline, --colours, --mean, --scale and --labels\n",
                first->path);
}

static int evaluate(const struct vn_eval_options *o, struct vn_err *e)
{
    struct vn_evaluation *v;
    TRY(vn_eval(&v, o, e));
    if (vn_opt("--json"))
        print_json(v);
    else
        vn_print_evaluation(stdout, v);
    warn_zero(v);
    const int status = write_report(v, o, e);
    vn_evaluation_free(&v);
    return status < 0 ? status : EXIT_DONE;
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    struct vn_eval_setting settings[N_KEYS];
    struct logger log = { 0 };
    struct vn_eval_options o;
    struct vn_odd_list odd;
    vn_eval_options_default(&o);
    o.task = vn_opt("--task");
    o.settings = settings;
    o.n_settings = read_settings(settings, a);
    o.prototxt = vn_opt("--proto");
    o.results = vn_opt("--results");
    o.state = vn_opt("--resume");
    o.listener = vn_logger_listener(&log);
    TRY(vn_opt_run(&o.run, e));
    TRY(vn_opt_inputs(&o.inputs, a, e));
    TRY(read_models(&o, e));
    vn_odd_init(&odd);
    o.odd = (struct vn_odd_listener){ vn_opt("--report") ? VN_ODD_SHOWN : 0, vn_odd_add, &odd };
    const int status = evaluate(&o, e);
    vn_odd_free(&odd);
    return status;
}

const struct command vn_cmd_eval = {
    "eval",
    "MODEL...|--detections FILE.json... [options]",
    "compare the accuracy of models on the same images, with confidence intervals",
    options,
    0,
    64,
    run,
};
