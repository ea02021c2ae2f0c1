/* vernier run - any stage's ONNX or a .bin on images, arrays or random data. */
#include <vernier/runtime.h>
#include <vernier/session.h>

#include "cli/cli.h"
#include "report/report.h"

static const struct option_def options[] = {
    INPUT_OPTION,
    { "--images", 0, "[NAME=]DIR", 1, 0,
      "run every image, .npy and .bin file of a folder, in name order, and stack the outputs; one folder per "
      "input" },
    { "--roi", 0, "L,T,R,B[;...]", 0, 0,
      "region of each image, columns L to R and rows T to B inclusive, resized as by the resizer" },
    PIPELINE_OPTION,
    SHAPE_OPTION,
    VALUE_OPTION,
    { "--output-dir", 'o', "DIR", 0, 0, "folder for the outputs" },
    { "--format", 0, "npy|bin|txt", 0, 0, "format of the outputs (default npy)" },
    { "--dump-all", 0, NULL, 0, 0,
      "also write every tensor of the run (into DIR/tensors, as .npy; integers as stored)" },
    { "--dequantize", 0, NULL, 0, 0, "with --dump-all: write integers dequantized" },
    { "--reference", 0, NULL, 0, 0, "run an .onnx on the reference executor (float64, slow)" },
    LEVEL_OPTION,
    MODEL_OPTIONS,
    RUN_OPTIONS,
    JSON_OPTION,
    { 0 },
};

static int feed_and_run(struct vn_session *s, const char *dir, enum vn_view_format format, struct vn_arena *a,
                        struct vn_err *e)
{
    TRY(vn_opt("--roi") ? vn_opt_feed_regions(s, a, e) : vn_opt_feed(s, e));
    TRY(vn_opt("--dump-all")
            ? vn_session_dump(s, vn_arena_fmt(a, "%s/tensors", dir), vn_opt("--dequantize") != NULL, e)
            : vn_session_run(s, e));
    return dir ? vn_session_write_outputs(s, dir, format, e) : VN_OK;
}

static int run_one(struct vn_session *s, const char *dir, enum vn_view_format format, struct vn_arena *a,
                   struct vn_err *e)
{
    TRY(feed_and_run(s, dir, format, a, e));
    if (vn_opt("--json"))
        return vn_print_json(json_pack("{s:s, s:o}", "model", vn_session_path(s), "outputs", vn_json_run(s)));
    vn_print_run(stdout, s);
    return VN_OK;
}

static int run_folders(struct vn_session *s, const char *dir, enum vn_view_format format, struct vn_err *e)
{
    int n;
    const char **folders;
    const int n_folders = vn_opt_all("--images", &folders);
    TRY(vn_session_run_folders(s, folders, n_folders, &n, dir, format, e));
    if (vn_opt("--json"))
        return vn_print_json(
            json_pack("{s:s, s:i, s:s?}", "model", vn_session_path(s), "files", n, "output_dir", dir));
    if (dir)
        printf("%d files of %s%s, outputs in %s\n", n, folders[0], n_folders > 1 ? ", ..." : "", dir);
    else
        printf("%d files of %s%s; outputs are not written: set --output-dir\n", n, folders[0],
               n_folders > 1 ? ", ..." : "");
    return VN_OK;
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    const char *dir = vn_opt("--output-dir"), *format = vn_opt("--format") ? vn_opt("--format") : "npy";
    const int as = vn_view_format_find(format);
    struct vn_session *s;
    if (as < 0)
        return vn_fail(e, VN_E_USAGE, "--format: expected npy, bin or txt, got '%s'", format);
    if (vn_opt("--dump-all") && (!dir || vn_opt("--reference")))
        return vn_fail(e, VN_E_USAGE, "--dump-all requires --output-dir and excludes --reference");
    if (vn_opt("--roi") && (vn_opt("--images") || vn_opt("--pipeline")))
        return vn_fail(e, VN_E_USAGE, "--roi excludes --images and --pipeline");
    TRY(vn_opt_session(&s, a, e));
    return vn_opt("--images") ? run_folders(s, dir, as, e) : run_one(s, dir, as, a, e);
}

const struct command vn_cmd_run = { "run",
                                    "MODEL.onnx|MODEL.bin|MODEL.caffemodel [options]",
                                    "run an ONNX file of any stage, a Caffe network or a .bin",
                                    options,
                                    1,
                                    1,
                                    run };
