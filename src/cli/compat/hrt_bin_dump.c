/* hrt_bin_dump: the result of each convolution of a .bin. */
#include "cli/compat/compat.h"

static const struct option_def options[] = {
    { "--model_file", 0, "FILE.bin", 0, 0, "program" },
    { "--input_file", 0, "FILE,...", 0, 0, "image or raw bytes for each input" },
    { "--conv_dump_path", 0, "DIR", 0, 0, "folder for the NODE_float.bin files" },
    { "--conv_mapping_file", 0, "FILE.json", 0, 0,
      "dump only the convolutions listed in FILE, which makertbin writes with layer_out_dump" },
    { "--v", 'v', NULL, 0, 0, "the number of files is always printed", OPTION_WITHOUT_EFFECT },
    { 0 },
};

static int run(struct vn_arena *a, struct vn_err *e)
{
    const char *model = vn_opt("--model_file"), *files = vn_opt("--input_file"),
               *folder = vn_opt("--conv_dump_path");
    struct vn_session *s;
    int written;
    if (!model || !files || !folder)
        return vn_fail(e, VN_E_USAGE, "--model_file, --input_file and --conv_dump_path are required");
    const struct pieces p = vn_split(a, files, ',');
    TRY(vn_session_open(&s, model, NULL, e));
    int status = vn_session_feed_files(s, p.v, p.n, e);
    if (status == VN_OK)
        status = vn_compat_write_convolutions(s, folder, vn_opt("--conv_mapping_file"), &written, a, e);
    vn_session_close(&s);
    if (status == VN_OK)
        printf("%d convolutions written to %s\n", written, folder);
    return status;
}

static const struct command dump = { "",
                                     "--model_file FILE.bin --input_file FILE,... --conv_dump_path DIR",
                                     "write the result of each convolution",
                                     options,
                                     0,
                                     -1,
                                     run };
static const struct command *const commands[] = { &dump };
const struct tool vn_tool_hrt_bin_dump = { "hrt_bin_dump", "", commands, 1, 1, NULL };
