/* hb_pack BIN... -o NAME.bin: several models in one file. */
#include <vernier/edit.h>

#include "cli/compat/compat.h"

static const struct option_def options[] = { { "--output", 'o', "FILE", 0, 0, "file to write" }, { 0 } };

/* Said as the vendor's tool does. */
static int check_packed(const char *path, struct vn_arena *a, struct vn_err *e)
{
    const char **names;
    if (vn_pack_names(&names, a, path) > 0)
        return vn_fail(e, VN_E_INPUT, "ERROR model: %s is a packed model, it can not be packed again!", path);
    return VN_OK;
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    const char **files;
    const int n = vn_words(&files);
    if (!vn_opt("--output"))
        return vn_fail(e, VN_E_USAGE, "--output FILE.bin is required");
    for (int i = 0; i < n; i++)
        TRY(check_packed(files[i], a, e));
    TRY(vn_pack(vn_opt("--output"), n, files, e));
    printf("%d models packed into %s\n", n, vn_opt("--output"));
    return EXIT_DONE;
}

static const struct command pack = {
    "", "FILE.bin... -o FILE.bin", "several models in one file", options, 1, -1, run
};
static const struct command *const commands[] = { &pack };
const struct tool vn_tool_hb_pack = { "hb_pack", "", commands, 1, 0, NULL };
