/* vernier verify - the quantized ONNX on the reference executor against the .bin, every tensor by its source name. */
#include <vernier/verify.h>

#include "cli/cli.h"

static const struct option_def options[] = {
    { "--input", 'i', "FILE", 1, 0, "image, .npy or raw bytes of the runtime input; may be repeated" },
    { "--images", 0, "DIR", 0, 0, "every image of a folder" },
    { "--limit", 0, "N", 0, 0, "at most N files" },
    { "--random", 0, "N", 0, 0, "N random inputs if no files are given (default 3)" },
    { "--pipeline", 0, "STEPS", 0, 0, "image steps, e.g. 'short_side 256; center_crop 224'" },
    { "--all", 0, NULL, 0, 0, "print every tensor, not only the different ones" },
    RUN_OPTIONS,
    JSON_OPTION,
    { 0 },
};

static const char *verdict(const struct vn_verify_summary *sum, int tensors)
{
    if (sum->passed)
        return sum->compared ? "PASSED" : "PASSED (its tensors are all float32)";
    return tensors ? "FAILED" : "FAILED (nothing was compared)";
}

static int print(const struct vn_verification *v, const char *onnx, const char *bin)
{
    const struct vn_verify_summary *sum = vn_verification_summary(v);
    int n;
    vn_verification_tensors(v, &n);
    if (vn_opt("--json"))
        vn_print_json(vn_json_verification(v));
    else {
        vn_print_verification(stdout, v, vn_opt("--all") != NULL);
        printf("%s and %s: Strict check %s\n", onnx, bin, verdict(sum, n));
    }
    return sum->passed ? EXIT_DONE : EXIT_CHECK_FAILED;
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    (void)a;
    const char **words, **files;
    struct logger log = { 0 };
    struct vn_verify_options o;
    struct vn_verification *v;
    vn_words(&words);
    vn_verify_options_default(&o);
    o.pipeline = vn_opt("--pipeline");
    o.folder = vn_opt("--images");
    o.n_files = vn_opt_all("--input", &files);
    o.files = files;
    o.listener = vn_logger_listener(&log);
    TRY(vn_opt_run(&o.run, e));
    TRY(vn_opt_int("--random", o.random_samples, 1, 1000000, &o.random_samples, e));
    TRY(vn_opt_int("--limit", 1 << 30, 1, 1 << 30, &o.limit, e));
    TRY(vn_verify(&v, words[0], words[1], &o, e));
    const int status = print(v, words[0], words[1]);
    vn_verification_free(&v);
    return status;
}

const struct command vn_cmd_verify = {
    "verify", "QUANTIZED.onnx FILE.bin [options]", "compare the quantized ONNX with the .bin, every tensor, integer by integer", options, 2, 2, run,
};
