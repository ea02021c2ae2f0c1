/* The tools of the flow's later generation: what to use in their place. */
#include "cli/compat/compat.h"

static const struct option_def options[] = { { 0 } };

static int refuse(struct vn_arena *a, struct vn_err *e)
{
    (void)a;
    return vn_fail(e, VN_E_UNSUPPORTED, "not started");
}

static const struct command none = { "", "", "", options, 0, -1, refuse };
static const struct command *const commands[] = { &none };

const struct tool vn_tool_hb_compile = { .name = "hb_compile",
                                         .commands = commands,
                                         .n_commands = 1,
                                         .instead =
                                             "vernier check FILE.onnx, or vernier convert -c FILE.yaml "
                                             "(hb_mapper checker and makertbin do the same)" },
                  vn_tool_hb_analyzer = { .name = "hb_analyzer",
                                          .commands = commands,
                                          .n_commands = 1,
                                          .instead = "vernier debug sensitivity, or vernier perf --profile" },
                  vn_tool_hbm_runtime = { .name = "hbm_runtime",
                                          .commands = commands,
                                          .n_commands = 1,
                                          .instead = "vernier run FILE.bin" };
