/* hb_pack BIN... -o NAME.bin: several models in one file. */
#include "cli/compat/compat.h"

static const struct option_def options[] = { { "--output", 'o', "FILE", 0, 0, "file to write" }, { 0 } };

static int run(struct vn_arena *a, struct vn_err *e)
{
    (void)a;
    return vn_fail(e, VN_E_UNSUPPORTED,
                   "several models in one file are not supported; pass the .bin files one by one");
}

static const struct command pack = {
    "", "FILE.bin... -o FILE.bin", "several models in one file", options, 1, -1, run
};
static const struct command *const commands[] = { &pack };
const struct tool vn_tool_hb_pack = { "hb_pack", "", commands, 1, 0, NULL };
