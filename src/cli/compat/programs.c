/* Which of the vendor flow's tools the binary is called as. */
#include <string.h>

#include "cli/compat/compat.h"

#define PROGRAM(name) extern const struct tool vn_tool_##name;
#include "cli/compat/programs.def"
#undef PROGRAM

const struct tool *const vn_compat_programs[] = {
#define PROGRAM(name) &vn_tool_##name,
#include "cli/compat/programs.def"
#undef PROGRAM
};
const int vn_compat_programs_count = sizeof vn_compat_programs / sizeof *vn_compat_programs;

const struct tool *vn_compat_program(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    for (int i = 0; i < vn_compat_programs_count; i++)
        if (!strcmp(vn_compat_programs[i]->name, name))
            return vn_compat_programs[i];
    return NULL;
}

struct pieces vn_split(struct vn_arena *a, const char *text, char separator)
{
    VEC(const char *) v = { 0 };
    for (const char *s = text; *s;) {
        const char *end = strchr(s, separator), *next = end ? end + 1 : s + strlen(s);
        end = end ? end : next;
        while (s < end && *s == ' ')
            s++;
        while (end > s && end[-1] == ' ')
            end--;
        if (end > s)
            VEC_PUSH(a, &v, vn_arena_strn(a, s, (size_t)(end - s)));
        s = next;
    }
    return (struct pieces){ v.n, v.v };
}

void vn_word_push(struct words *w, const char *word)
{
    VEC_PUSH(w->arena, &w->v, vn_arena_str(w->arena, word));
}

void vn_word_push_all(struct words *w, const char *theirs, const char *ours)
{
    const char **given;
    const int n = vn_opt_all(theirs, &given);
    for (int i = 0; i < n; i++) {
        vn_word_push(w, ours);
        vn_word_push(w, given[i]);
    }
}

int vn_compat_run(const struct command *c, struct words *w, struct vn_err *e)
{
    static const struct tool vernier = { .name = "vernier", .strict = 1 };
    TRY(vn_line_read(&vernier, c, w->v.n, w->v.v, w->arena, e));
    return c->run(w->arena, e);
}
