/* Command lines that go on from here. */
#include <math.h>

#include "base/shell.h"
#include "flow/config_edit.h"
#include "flow/flow_job.h"

static const char *with_option(struct vn_arena *a, const char *line, const char *option, const char *value)
{
    return value ? vn_arena_fmt(a, "%s %s %s", line, option, vn_shell_word(a, value)) : line;
}

int vn_flow_words(const char **word, struct vn_arena *a, const char *text)
{
    char *save;
    int n = 0;
    for (char *w = strtok_r(vn_arena_str(a, text), ";", &save); w && n < MOST_SETS;
         w = strtok_r(NULL, ";", &save))
        word[n++] = w;
    return n;
}

/* What the user has not left as it was. */
static const char *with_limits(struct vn_arena *a, const char *line, const struct vn_flow_options *o)
{
    struct vn_flow_options usual;
    vn_flow_options_default(&usual);
    const struct {
        const char *option;
        double now, usual;
    } limits[] = {
        { "--samples", o->samples, usual.samples },
        { "--min-cosine", o->min_cosine, usual.min_cosine },
        { "--min-choices", o->min_choices, usual.min_choices },
        { "--max-jitter", o->max_jitter, usual.max_jitter },
        { "--max-drop", o->max_drop, usual.max_drop },
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (limits[i].now != limits[i].usual)
            line = vn_arena_fmt(a, "%s %s %.9g", line, limits[i].option, limits[i].now);
    return line;
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
    line = with_limits(a, line, j->o);
    return j->o->strict ? vn_arena_fmt(a, "%s --strict", line) : line;
}

const char *vn_flow_set(const struct flow_job *j, const char *const *sets, int n)
{
    const char *line = vn_flow_again(j, j->path);
    for (int i = 0; i < n; i++)
        line = with_option(j->arena, line, "--set", sets[i]);
    return with_option(j->arena, line, "--save", vn_config_next_name(j->arena, j->path));
}
