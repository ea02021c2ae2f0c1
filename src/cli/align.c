/* vernier align - two traces of one preprocessing, stage by stage, and why they part. */
#include <stdlib.h>

#include <vernier/align.h>

#include "base/file.h"
#include "cli/cli.h"

static const struct option_def options[] = {
    { "--pipeline", 0, "P.yaml", 0, 0, "left side: this pipeline, run on the images of --images" },
    { "--trace", 0, "DIR", 0, 0, "with --pipeline: trace of the training program on the same images" },
    { "--images", 0, "FILE", 1, 0, "images, in the order of the trace's folders" },
    { "--model", 0, "M.onnx", 0, 0,
      "with --pipeline: run this model on the pipeline's result; its first output becomes stage 'infer', the "
      "other outputs stages named after them. With --yaml: the network (required)" },
    SHAPE_OPTION,
    VALUE_OPTION,
    { "--yaml", 0, "X.yaml", 0, 0,
      "left side: the normalized calibration data of this configuration, from its pipeline or from prep" },
    { "--image", 0, "FILE", 0, 0, "with --yaml: the image" },
    { "--reference", 0, "T.npy", 0, 0, "with --yaml: the training program's network input for this image" },
    { "--raw", 0, "[STAGE=]SHAPE:DTYPE", 1, 0,
      "shape and type of raw dumps (.bin, .dat, .bmrt), e.g. --raw input=1x3x224x224:float32; without "
      "STAGE=: of all stages" },
    { "--tolerance", 0, "X", 0, 0,
      "treat floats that differ by at most X times the largest value as equal (default 1e-5; infer 1e-3, "
      "COCO results 1e-9)" },
    { "--no-explain", 0, NULL, 0, 0, "compare only, do not explain" },
    { "--pictures", 0, "DIR", 0, 0, "write left, right and difference of each unaligned stage as PNG files" },
    { "--describe", 0, NULL, 0, 0, "describe one trace: each stage of the program as pipeline steps" },
    { "--causes", 0, NULL, 0, 0, "print the table of causes and exit" },
    RUN_OPTIONS,
    JSON_OPTION,
    REPORT_OPTION,
    { 0 },
};

/* The images that are named: by --images, and words from `skip` on. */
static void read_images(struct vn_align_options *o, int skip, struct vn_arena *a)
{
    const char **given, **words;
    const int n = vn_opt_all("--images", &given), m = vn_words(&words);
    const char **all = NEW_ARRAY(a, const char *, n + m);
    o->images = all;
    for (int i = 0; i < n; i++)
        all[o->n_images++] = given[i];
    for (int i = skip; i < m; i++)
        all[o->n_images++] = words[i];
}

/* Two words, with --images more. */
static int read_words(struct vn_align_options *o, int want, const char *what, struct vn_arena *a,
                      struct vn_err *e)
{
    const char **words;
    const int n = vn_words(&words);
    if (n < want || (n > want && !vn_opt("--images")))
        return vn_fail(e, VN_E_USAGE, "%s", what);
    o->left = words[0];
    o->right = words[want - 1];
    read_images(o, want, a);
    return VN_OK;
}

static int read_sides(struct vn_align_options *o, struct vn_arena *a, struct vn_err *e)
{
    o->model = vn_opt("--model");
    if ((o->left = vn_opt("--yaml"))) {
        o->sides = VN_ALIGN_CONFIG;
        o->right = vn_opt("--reference");
        o->images = NEW_ARRAY(a, const char *, 1);
        ((const char **)o->images)[0] = vn_opt("--image");
        o->n_images = 1;
        return o->model && o->images[0] && o->right
                   ? VN_OK
                   : vn_fail(e, VN_E_USAGE, "--yaml requires --model, --image and --reference");
    }
    if ((o->left = vn_opt("--pipeline"))) {
        o->sides = VN_ALIGN_PIPELINE;
        o->right = vn_opt("--trace");
        read_images(o, o->model != NULL, a); /* the value of --model is the first word */
        TRY(vn_opt_inputs(&o->inputs, a, e));
        return o->right ? VN_OK : vn_fail(e, VN_E_USAGE, "--pipeline requires --trace and --images");
    }
    if (o->model)
        return vn_fail(e, VN_E_USAGE, "--model requires --pipeline or --yaml");
    return read_words(o, 2, "expected two traces, two files of COCO results (.json), --pipeline or --yaml", a,
                      e);
}

static int read_tolerance(double *x, struct vn_err *e)
{
    const char *s = vn_opt("--tolerance");
    char *end;
    if (!s)
        return VN_OK;
    *x = strtod(s, &end);
    return !*end && end != s && *x >= 0 && *x < 1
               ? VN_OK
               : vn_fail(e, VN_E_USAGE, "--tolerance: expected a number from 0 to 1, got '%s'", s);
}

static int describe(struct vn_arena *a, struct vn_err *e)
{
    struct vn_align_options o = { .left = NULL };
    struct vn_description *d;
    TRY(read_words(&o, 1, "--describe requires one trace", a, e));
    TRY(vn_describe(&d, o.left, o.images, o.n_images, e));
    const int known = vn_description_pipeline(d) != NULL;
    const struct vn_failure f = { "unexplained", "a stage of the trace cannot be described as pipeline steps",
                                  NULL };
    if (vn_opt("--json"))
        vn_print_result(vn_json_description(d), known ? NULL : &f, a);
    else
        vn_print_description(stdout, d);
    vn_description_free(&d);
    return known ? EXIT_DONE : EXIT_CHECK_FAILED;
}

static struct vn_failure failure_of(const struct vn_align_stage *s, struct vn_arena *a)
{
    const struct vn_align_why *why = s->why;
    const int known = why && why->n_causes;
    const char *sides =
        known ? vn_arena_fmt(a, ": %s vs %s", why->causes[0].side[0], why->causes[0].side[1]) : "";
    return (struct vn_failure){ known ? why->causes[0].cause : "unexplained",
                                vn_arena_fmt(a, "stage %s: %.3g %% of the elements differ, by up to %.6g%s",
                                             s->name, 100 * s->share, s->max, sides),
                                NULL };
}

static json_t *to_json(const struct vn_alignment *r, struct vn_arena *a)
{
    json_t *j = vn_json_alignment(r);
    int n, i = 0;
    const struct vn_align_stage *s = vn_alignment_stages(r, &n);
    while (i < n && s[i].state != VN_STAGE_UNALIGNED)
        i++;
    if (i < n) {
        const struct vn_failure f = failure_of(&s[i], a);
        vn_failure_add(j, &f, a);
    }
    return j;
}

static int write_report(const struct vn_alignment *r, const struct vn_align_options *o, struct vn_arena *a,
                        struct vn_err *e)
{
    json_t *j = to_json(r, a);
    struct vn_odd_list odd;
    vn_odd_init(&odd);
    if (o->differences)
        vn_odd_add_stages(&odd, r, o->differences);
    const struct vn_html_report report = { .command = "align",
                                           .passed = !vn_alignment_summary(r)->unaligned,
                                           .result = j,
                                           .files = &o->model,
                                           .n_files = o->model != NULL,
                                           .config = vn_opt("--yaml"),
                                           .samples = odd.samples,
                                           .images = odd.images };
    const int status = vn_opt_report(&report, e);
    json_decref(j);
    vn_odd_free(&odd);
    return status;
}

/* As asked for; a report requires pictures, too, in a folder that is gone afterwards. */
static int picture_folder(const char **folder, struct vn_arena *a, struct vn_err *e)
{
    const char *report = vn_opt("--report");
    struct vn_staging *stage;
    *folder = vn_opt("--pictures");
    if (*folder || !report)
        return VN_OK;
    TRY(vn_dir_stage(&stage, a, vn_path_folder(a, report), e));
    *folder = vn_dir_stage_path(stage);
    return VN_OK;
}

static int compare(struct vn_arena *a, struct vn_err *e)
{
    struct vn_align_options o;
    struct vn_alignment *r;
    const char **raw;
    vn_align_options_default(&o);
    o.explain = !vn_opt("--no-explain");
    TRY(picture_folder(&o.differences, a, e));
    o.n_raw = vn_opt_all("--raw", &raw);
    o.raw = raw;
    TRY(read_tolerance(&o.tolerance, e));
    TRY(vn_opt_run(&o.run, e));
    TRY(read_sides(&o, a, e));
    TRY(vn_align(&r, &o, e));
    const int unaligned = vn_alignment_summary(r)->unaligned;
    const int status = write_report(r, &o, a, e);
    if (vn_opt("--json"))
        vn_print_json(to_json(r, a));
    else
        vn_print_alignment(stdout, r);
    vn_alignment_free(&r);
    return status < 0 ? status : unaligned ? EXIT_CHECK_FAILED : EXIT_DONE;
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    if (vn_opt("--causes")) {
        vn_print_align_causes(stdout);
        return EXIT_DONE;
    }
    return vn_opt("--describe") ? describe(a, e) : compare(a, e);
}

const struct command vn_cmd_align = {
    "align",
    "LEFT RIGHT [options]",
    "compare two preprocessing programs stage by stage and explain the differences",
    options,
    0,
    -1,
    run
};
