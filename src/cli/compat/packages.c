/* The vendor's Python packages by their names: files that forward to the package vernier. */
#include <string.h>

#include "base/file.h"
#include "cli/compat/compat.h"

#define MARK "# Written by vernier compat: forwards to Vernier."

static const struct {
    const char *folder, *file, *line;
} packages[] = {
    { "horizon_tc_ui", "__init__.py", "from vernier.horizon_tc_ui import *" },
    { "hobot_dnn", "__init__.py", "from . import pyeasy_dnn" },
    { "hobot_dnn", "pyeasy_dnn.py", "from vernier.hobot_dnn.pyeasy_dnn import *" },
    { "hmct", "__init__.py", "" },
    { "hmct/quantizer", "__init__.py", "from . import debugger" },
    { "hmct/quantizer", "debugger.py", "from vernier.debugger import *" },
    { "horizon_nn", "__init__.py", "" },
    { "horizon_nn", "debug.py", "from vernier.debugger import *" },
    { "horizon_nn/quantizer", "__init__.py", "from . import debugger" },
    { "horizon_nn/quantizer", "debugger.py", "from vernier.debugger import *" },
};
#define N_PACKAGES ((int)(sizeof packages / sizeof *packages))

static const char *path_of(struct vn_arena *a, const char *folder, int i)
{
    return vn_path_join(a, vn_path_join(a, folder, packages[i].folder), packages[i].file);
}

static int check_ours(const char *path, struct vn_arena *a, struct vn_err *e)
{
    char **lines;
    int n;
    if (!vn_file_exists(path))
        return VN_OK;
    TRY(vn_file_lines(a, path, &lines, &n, e));
    return n && !strcmp(lines[0], MARK)
               ? VN_OK
               : vn_fail(e, VN_E_INPUT,
                         "%s: exists and was not written by this program; nothing is overwritten", path);
}

int vn_compat_write_packages(const char *folder, struct vn_arena *a, struct vn_err *e)
{
    for (int i = 0; i < N_PACKAGES; i++)
        TRY(check_ours(path_of(a, folder, i), a, e));
    for (int i = 0; i < N_PACKAGES; i++) {
        const char *text = vn_arena_fmt(a, MARK "\n%s  # noqa: F401,F403\n", packages[i].line);
        TRY(vn_dir_make(vn_path_join(a, folder, packages[i].folder), e));
        TRY(vn_file_write(path_of(a, folder, i), text, strlen(text), e));
    }
    return VN_OK;
}
