/* vernier prep - a folder of pictures to calibration files, by a pipeline. */
#include <stdio.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <vernier/prep.h>

#include "cli/cli.h"

static const struct option_def options[] = {
    { "--pipeline", 0, "STEPS", 0, 0,
      "YAML file, or steps such as 'short_side 256; center_crop 224' (default: decode only)" },
    { "--output-dir", 'o', "DIR", 0, 0, "output folder, also for manifest.json" },
    { "--format", 0, "npy|bin", 0, 0, "format of the files; bin: raw bytes without header (default npy)" },
    { "--names", 0, "FILE", 0, 0,
      "convert only the images named in FILE (first word of each line), each once" },
    { "--limit", 0, "N", 0, 0, "at most N images, spread evenly over the folder" },
    RUN_OPTIONS,
    { "--show", 0, NULL, 0, 0, "print the pipeline with every parameter and exit" },
    { "--steps", 0, NULL, 0, 0, "print the table of steps and parameters and exit" },
    JSON_OPTION,
    { 0 },
};

/* Every picture wants the memory that the one before gave back: keep it instead of asking the system again.
 */
static void keep_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
}

static int read_format(enum vn_prep_format *f, struct vn_err *e)
{
    const char *s = vn_opt("--format");
    *f = s && !strcmp(s, "bin") ? VN_PREP_BIN : VN_PREP_NPY;
    return !s || *f == VN_PREP_BIN || !strcmp(s, "npy")
               ? VN_OK
               : vn_fail(e, VN_E_USAGE, "--format: expected npy or bin, got '%s'", s);
}

static int read_options(struct vn_prep_options *o, struct vn_err *e)
{
    const char **words;
    vn_prep_options_default(o);
    o->pipeline = vn_opt("--pipeline");
    if (vn_opt("--show"))
        return VN_OK;
    o->output_dir = vn_opt("--output-dir");
    if (vn_words(&words) != 1 || !o->output_dir)
        return vn_fail(e, VN_E_USAGE, "expected a folder of images and --output-dir");
    o->folder = words[0];
    o->names = vn_opt("--names");
    TRY(read_format(&o->format, e));
    TRY(vn_opt_int("--limit", 0, 1, 1 << 30, &o->limit, e));
    return vn_opt_run(&o->run, e);
}

static int report(const struct vn_prepared *p, const char *dir)
{
    int n, kept = 0;
    const struct vn_prep_file *f = vn_prep_files(p, &n);
    for (int i = 0; i < n; i++)
        kept += f[i].kept;
    if (vn_opt("--show"))
        fputs(vn_prep_pipeline(p), stdout);
    else if (vn_opt("--json"))
        vn_print_json(json_pack("{s:s, s:i, s:i}", "output_dir", dir, "files", n, "kept", kept));
    else
        printf("%d files in %s: %d written, %d already up to date\n", n, dir, n - kept, kept);
    return EXIT_DONE;
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    struct vn_prep_options o;
    struct vn_prepared *p;
    struct logger log = { 0 };
    (void)a;
    if (vn_opt("--steps")) {
        vn_print_steps(stdout);
        return EXIT_DONE;
    }
    TRY(read_options(&o, e));
    o.listener = vn_logger_listener(&log);
    keep_memory();
    TRY(vn_prep(&p, &o, e));
    const int status = report(p, o.output_dir);
    vn_prep_free(&p);
    return status;
}

const struct command vn_cmd_prep = { "prep",
                                     "FOLDER --pipeline STEPS --output-dir DIR [options]",
                                     "preprocess images into calibration files",
                                     options,
                                     0,
                                     1,
                                     run };
