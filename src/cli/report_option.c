/* --report FILE.html, --overlay FILE.json: the result of a command as a page, or drawn over a network. */
#include "cli/cli.h"

/* How the command opens its artefacts. */
static int read_open(struct vn_session_options *o, struct vn_arena *a, struct vn_err *e)
{
    vn_session_options_default(o);
    o->prototxt = vn_opt("--proto");
    return vn_opt_inputs(&o->inputs, a, e);
}

int vn_opt_report(const struct vn_html_report *r, struct vn_err *e)
{
    const char *path = vn_opt("--report");
    struct vn_html_report full = *r;
    struct vn_session_options open;
    full.overlay = vn_opt("--overlay");
    if (!path && !full.overlay)
        return VN_OK;
    struct vn_arena *a = vn_arena_new();
    int status = read_open(&open, a, e);
    full.line = vn_line_text(a);
    full.open = &open;
    if (status == VN_OK)
        status = vn_html_write(path, &full, e);
    vn_arena_free(&a);
    return status;
}
