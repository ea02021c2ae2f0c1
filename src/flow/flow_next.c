/* Command lines that go on from here. */
#include <math.h>

#include "base/shell.h"
#include "flow/config_edit.h"
#include "flow/flow_job.h"

static const char *with_option(struct vn_arena *a, const char *line, const char *option, const char *value)
{
    return value ? vn_arena_fmt(a, "%s %s %s", line, option, vn_shell_word(a, value)) : line;
}

const char *vn_flow_again(const struct flow_job *j, const char *config)
{
    struct vn_arena *a = j->arena;
    const char *line = vn_arena_fmt(a, "vernier flow -c %s", vn_shell_word(a, config));
    line = with_option(a, line, "--reference", j->o->reference);
    line = with_option(a, line, "--task", j->o->task);
    for (int i = 0; i < j->o->n_task_sets; i++)
        line = with_option(a, line, "--task-set", j->o->task_sets[i]);
    if (!isnan(j->o->expect))
        line = vn_arena_fmt(a, "%s --expect %g", line, j->o->expect);
    line = with_option(a, line, "--test", j->o->test);
    line = with_option(a, line, "--frames", j->o->frames);
    line = with_option(a, line, "--dumps", j->o->dumps);
    return j->o->strict ? vn_arena_fmt(a, "%s --strict", line) : line;
}

const char *vn_flow_set(const struct flow_job *j, const char *const *sets, int n)
{
    const char *line = vn_flow_again(j, j->path);
    for (int i = 0; i < n; i++)
        line = with_option(j->arena, line, "--set", sets[i]);
    return with_option(j->arena, line, "--save", vn_config_next_name(j->arena, j->path));
}
