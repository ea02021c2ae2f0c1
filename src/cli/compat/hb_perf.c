/* hb_perf BIN: a page with the speed of a program, as measured on this machine. */
#include "cli/compat/compat.h"

static const struct option_def options[] = {
    { "--model-name", 'm', "NAME", 0, 0, "only this model of a pack" },
    { "--packed", 'p', NULL, 0, 0, "the file must be a pack (packs are recognized without it)" },
    { 0 },
};

static int show(const struct speed *x, struct vn_arena *a, struct vn_err *e)
{
    const char *folder = vn_arena_fmt(a, "hb_perf_result/%s", x->name);
    TRY(vn_compat_write_speed(x, folder, a, e));
    printf("%s/%s.html and %s/%s.json written\n", folder, x->name, folder, x->name);
    if (!x->detailed)
        printf("bpu model don't have per-layer perf info.\nif you need per-layer perf info please enable"
               "[compiler_parameters.debug:True] when use makertbin.\n");
    printf("FPS=%.2f, latency = %.1f us (measured on this CPU, one thread)\n", 1000 / x->ms, x->ms * 1e3);
    return VN_OK;
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    const char **file;
    struct compat_models m = { 0 };
    vn_words(&file);
    TRY(vn_compat_models(&m, a, 1, file, vn_opt("--model-name"), e));
    if (vn_opt("--packed") && !m.v[0].pick)
        return vn_fail(e, VN_E_INPUT, "%s: expected a pack", file[0]);
    for (int i = 0; i < m.n; i++) {
        struct vn_session *s;
        struct speed x = { .name = m.v[i].name };
        TRY(vn_compat_open(&s, &m.v[i], e));
        int status = vn_compat_measure(&x, s, a, e);
        if (status == VN_OK)
            status = show(&x, a, e);
        vn_session_close(&s); /* names of nodes are the session's */
        TRY(status);
    }
    return EXIT_DONE;
}

static const struct command perf = {
    "", "FILE.bin", "measure a .bin and write the results as a page to hb_perf_result/MODEL", options, 1,
    1,  run
};
static const struct command *const commands[] = { &perf };
const struct tool vn_tool_hb_perf = { "hb_perf", "", commands, 1, 0, NULL };
