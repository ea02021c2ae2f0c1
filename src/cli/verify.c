/* vernier verify - artefacts of one network against each other, in pairs: the quantized ONNX and the .bin
 * step by step, others value by value. */
#include <vernier/verify.h>

#include "base/escape.h"
#include "cli/cli.h"

static const struct option_def options[] = {
    { "--input", 'i', "[NAME=]FILE", 1, 0, "image, .npy or raw bytes for a runtime input; may be repeated" },
    { "--images", 0, "[NAME=]DIR", 1, 0, "folder of images and .npy files; may be repeated" },
    { "--roi", 0, "L,T,R,B[;...]", 0, 0,
      "region of each image, one per input: columns L to R and rows T to B inclusive, resized as by the "
      "resizer" },
    { "--limit", 0, "N", 0, 0, "at most N files" },
    { "--random", 0, "N", 0, 0, "N random inputs if no files are given (default 3)" },
    { "--digits", 'c', "N", 0, 0,
      "float32 tensors must agree to N digits relative to their largest value; replaces the error bounds of "
      "their nodes" },
    { "--min-cosine", 0, "X", 0, 0,
      "minimum cosine of an output, for pairs that are not compared strictly (default 0.9)" },
    { "--proto", 0, "FILE", 0, 0, "prototxt of a Caffe network; the model is its caffemodel" },
    SHAPE_OPTION,
    VALUE_OPTION,
    { "--pipeline", 0, "STEPS", 0, 0, "image steps, e.g. 'short_side 256; center_crop 224'" },
    { "--all", 0, NULL, 0, 0, "print every tensor, not only the first that differ" },
    RUN_OPTIONS,
    JSON_OPTION,
    REPORT_OPTION,
    { 0 },
};

static const char *strict_verdict(const struct vn_verify_summary *sum, int tensors)
{
    if (sum->passed)
        return sum->compared ? "PASSED" : "PASSED (its tensors are all float32)";
    return tensors ? "FAILED" : "FAILED (nothing was compared)";
}

static int has_integers(const struct vn_pair *p)
{
    int n, any = 0;
    const struct vn_agreement *r = vn_pair_values(p, &n);
    for (int i = 0; i < n; i++)
        any |= r[i].output && r[i].integer;
    return any;
}

static void print_pair(const struct vn_pair *p, const char *a, const char *b)
{
    const struct vn_pair_info *sum = vn_pair_summary(p);
    const struct vn_verification *steps = vn_pair_steps(p);
    const int all = vn_opt("--all") != NULL;
    int n;
    if (sum->origin)
        printf("%s and %s differ in origin: %s\n", a, b, sum->origin);
    if (sum->removed)
        printf("%s and %s are compared without the nodes that only one of them has: %s\n", a, b,
               vn_shown(sum->removed, (char[VN_SHOWN]){ 0 }));
    if (steps) {
        vn_verification_tensors(steps, &n);
        vn_print_verification(stdout, steps, all);
        printf("%s and %s: Strict check %s\n", a, b, strict_verdict(vn_verification_summary(steps), n));
        return;
    }
    vn_print_pair(stdout, p, all);
    if (sum->strict)
        printf("%s and %s: Strict check %s\n", a, b, sum->passed ? "PASSED" : "FAILED");
    else
        printf("%s and %s: Similarity check %s (every output's cosine%s at least %.9g)\n", a, b,
               sum->passed ? "PASSED" : "FAILED", has_integers(p) ? ", and share of equal integers," : "",
               sum->min_cosine);
}

/* One pair is printed as itself, several as a list. */
static json_t *pair_json(const struct vn_pair *p, const char *a, const char *b)
{
    const struct vn_verification *steps = vn_pair_steps(p);
    json_t *o = steps ? vn_json_verification(steps) : vn_json_pair(p);
    json_object_set_new(o, "files", json_pack("[s, s]", a, b));
    json_object_set_new(o, "strict", json_boolean(vn_pair_summary(p)->strict));
    if (vn_pair_summary(p)->origin)
        json_object_set_new(o, "origin", json_string(vn_pair_summary(p)->origin));
    if (vn_pair_summary(p)->removed)
        json_object_set_new(o, "removed", json_string(vn_pair_summary(p)->removed));
    return o;
}

/* What is wrong with the steps of a program. */
static const char *wrong_step(const struct vn_verification *v, struct vn_arena *a)
{
    int n, n_faults;
    const struct vn_verified *rows = vn_verification_tensors(v, &n);
    const struct vn_fault *faults = vn_verification_faults(v, &n_faults);
    const int i = vn_verification_summary(v)->wrong;
    if (i >= 0)
        return vn_arena_fmt(
            a, "node %s, tensor %s: %lld of %lld elements differ; the first is %.9g, expected %.9g",
            rows[i].node, rows[i].name, (long long)rows[i].different, (long long)rows[i].compared,
            rows[i].got, rows[i].expected);
    return n_faults ? vn_arena_fmt(a, "node %s, tensor %s: %s fault%s%s", faults[0].node, faults[0].name,
                                   vn_fault_word(faults[0].kind), faults[0].why ? ": " : "",
                                   faults[0].why ? faults[0].why : "")
                    : "nothing was compared";
}

/* NULL: the pair passed. */
static const char *evidence_of(const struct vn_pair *p, struct vn_arena *a)
{
    int n, i = 0;
    const struct vn_agreement *r = vn_pair_values(p, &n);
    if (vn_pair_summary(p)->passed)
        return NULL;
    if (vn_pair_steps(p))
        return wrong_step(vn_pair_steps(p), a);
    while (i < n && ((!r[i].output && !vn_pair_summary(p)->strict) || !r[i].different))
        i++;
    return i < n ? vn_arena_fmt(a, "%s: %lld elements differ, least cosine %.6f", r[i].name,
                                (long long)r[i].different, r[i].cosine_min)
                 : "no output was compared";
}

static int write_json(json_t *pairs, const char *evidence, const char *const *files, int n,
                      const struct vn_odd_list *odd, struct vn_arena *a, struct vn_err *e)
{
    const struct vn_failure f = { "differs", evidence, NULL };
    json_t *one = json_array_size(pairs) == 1 ? json_incref(json_array_get(pairs, 0))
                                              : json_pack("{s:O}", "pairs", pairs);
    const struct vn_html_report report = { .command = "verify",
                                           .passed = !evidence,
                                           .result = one,
                                           .files = files,
                                           .n_files = n,
                                           .samples = odd->samples,
                                           .images = odd->images };
    if (evidence)
        vn_failure_add(one, &f, a);
    const int status = vn_opt_report(&report, e);
    if (vn_opt("--json"))
        vn_print_result(one, evidence ? &f : NULL, a);
    else
        json_decref(one);
    return status;
}

static int read_regions(struct vn_verify_options *o, struct vn_arena *a, struct vn_err *e)
{
    struct vn_region_list l;
    if (!vn_opt("--roi"))
        return VN_OK;
    if (vn_opt("--pipeline"))
        return vn_fail(e, VN_E_USAGE, "--roi excludes --pipeline");
    TRY(vn_read_regions(&l, a, vn_opt("--roi"), e));
    o->regions = l.v;
    o->n_regions = l.n;
    return VN_OK;
}

static int read_options(struct vn_verify_options *o, struct logger *log, struct vn_arena *a, struct vn_err *e)
{
    const char **files, **folders;
    vn_verify_options_default(o);
    o->pipeline = vn_opt("--pipeline");
    o->prototxt = vn_opt("--proto");
    o->n_folders = vn_opt_all("--images", &folders);
    o->folders = folders;
    o->n_files = vn_opt_all("--input", &files);
    o->files = files;
    o->listener = vn_logger_listener(log);
    TRY(read_regions(o, a, e));
    TRY(vn_opt_run(&o->run, e));
    TRY(vn_opt_inputs(&o->inputs, a, e));
    TRY(vn_opt_real("--min-cosine", o->min_cosine, -1, 1, &o->min_cosine, e));
    TRY(vn_opt_int("--random", o->random_samples, 1, 1000000, &o->random_samples, e));
    TRY(vn_opt_int("--digits", 0, 1, 9, &o->digits, e));
    return vn_opt_int("--limit", 1 << 30, 1, 1 << 30, &o->limit, e);
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    const char **words;
    const int n = vn_words(&words);
    struct logger log = { 0 };
    struct vn_verify_options o;
    json_t *list = json_array();
    const char *evidence = NULL;
    struct vn_odd_list odd;
    int status = read_options(&o, &log, a, e);
    vn_odd_init(&odd);
    o.odd = (struct vn_odd_listener){ vn_opt("--report") ? VN_ODD_SHOWN : 0, vn_odd_add, &odd };
    for (int i = 0; i + 1 < n && status >= 0; i++) {
        struct vn_pair *p;
        status = vn_verify_pair(&p, words[i], words[i + 1], &o, e);
        if (status < 0)
            break;
        evidence = evidence ? evidence : evidence_of(p, a);
        json_array_append_new(list, pair_json(p, words[i], words[i + 1]));
        if (!vn_opt("--json"))
            print_pair(p, words[i], words[i + 1]);
        vn_pair_free(&p);
    }
    if (status >= 0)
        status = write_json(list, evidence, words, n, &odd, a, e);
    vn_odd_free(&odd);
    json_decref(list);
    return status < 0 ? status : evidence ? EXIT_CHECK_FAILED : EXIT_DONE;
}

const struct command vn_cmd_verify = {
    "verify",
    "QUANTIZED.onnx FILE.bin | FILE FILE [FILE ...] [options]",
    "compare artefacts in pairs: quantized ONNX and .bin strictly, tensor by tensor; others by similarity",
    options,
    2,
    -1,
    run,
};
