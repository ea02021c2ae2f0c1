/* vernier verify - the quantized ONNX on the reference executor against the .bin, every tensor by its source name. */
#include "base/file.h"
#include "cli/cli.h"

static const struct option_def options[] = {
    { "--input", 'i', "FILE", 1, 0, "picture, .npy or raw runtime bytes; may be repeated" },
    { "--images", 0, "DIR", 0, 0, "every picture of a folder" },
    { "--limit", 0, "N", 0, 0, "at most N files" },
    { "--random", 0, "N", 0, 0, "N random inputs where no files are given (default 3)" },
    { "--pipeline", 0, "STEPS", 0, 0, "steps for pictures, e.g. 'short_side 256; center_crop 224'" },
    { "--all", 0, NULL, 0, 0, "print every tensor, not only those that differ" },
    RUN_OPTIONS,
    JSON_OPTION,
    { 0 },
};

static int collect_files(struct verify_options *o, struct vn_arena *a, struct vn_err *e)
{
    VEC(const char *) files = { 0 };
    const char **given, **names;
    int limit, n = vn_opt_all("--input", &given);
    TRY(vn_opt_int("--limit", 1 << 30, 1, 1 << 30, &limit, e));
    for (int i = 0; i < n; i++)
        VEC_PUSH(a, &files, given[i]);
    const char *dir = vn_opt("--images");
    if (dir) {
        TRY(vn_dir_list(a, dir, &names, &n, e));
        for (int i = 0; i < n; i++)
            if (vn_picture_is_image_name(names[i]) || vn_path_has_suffix(names[i], ".npy"))
                VEC_PUSH(a, &files, vn_path_join(a, dir, names[i]));
        if (!files.n)
            return vn_fail(e, VN_E_INPUT, "%s: no pictures or .npy files", dir);
    }
    o->n_files = files.n < limit ? files.n : limit;
    o->files = files.v;
    return VN_OK;
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    const char **words;
    vn_words(&words);
    struct verify_options o = { .pipeline = vn_opt("--pipeline") };
    TRY(vn_opt_run(&o.run, e));
    TRY(vn_opt_int("--random", 3, 1, 1000000, &o.random_samples, e));
    TRY(collect_files(&o, a, e));
    struct verification *v;
    struct logger log = { 0 };
    const struct vn_listener listener = vn_logger_listener(&log);
    TRY(vn_verify(&v, a, words[0], words[1], &o, &listener, e));
    const int good = v->different == 0 && v->max_relative <= VERIFY_FLOAT_TOLERANCE && v->n > 0;
    if (vn_opt("--json")) {
        json_t *j = vn_json_verification(v);
        json_object_set_new(j, "passed", json_boolean(good));
        vn_print_json(j);
    } else {
        vn_print_verification(stdout, v, vn_opt("--all") != NULL);
        printf("%s and %s: Strict check %s\n", words[0], words[1], good ? v->compared ? "PASSED" : "PASSED (its tensors are all float32)" : v->n ? "FAILED" : "FAILED (nothing was compared)");
    }
    return good ? EXIT_DONE : EXIT_CHECK_FAILED;
}

const struct command vn_cmd_verify = {
    "verify", "QUANTIZED.onnx FILE.bin [options]", "compare the quantized ONNX with the .bin, every tensor, integer by integer", options, 2, 2, run,
};
