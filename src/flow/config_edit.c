#include "flow/config_edit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "config/config.h"

struct lines {
    VEC(const char *) v;
};

static size_t indent_of(const char *line) { return strspn(line, " "); }

static int is_key(const char *line, const char *key)
{
    const size_t n = strlen(key);
    line += indent_of(line);
    return !strncmp(line, key, n) && line[n + strspn(line + n, " ")] == ':';
}

/* Lines that belong to the value of line i. */
static int value_end(const struct lines *l, int i)
{
    int end = i + 1;
    while (end < l->v.n &&
           (indent_of(l->v.v[end]) > indent_of(l->v.v[i]) && l->v.v[end][indent_of(l->v.v[end])] != '#'))
        end++;
    return end;
}

static const char *quoted(struct vn_arena *a, const char *value)
{
    const char *out = "'";
    for (; *value; value++)
        out = vn_arena_fmt(a, *value == '\'' ? "%s''" : "%s%c", out, *value);
    return vn_arena_fmt(a, "%s'", out);
}

/* Lines from..end become `line`; NULL: they go. */
static void replace(struct lines *l, struct vn_arena *a, int from, int end, const char *line)
{
    struct lines out = { 0 };
    for (int i = 0; i < from; i++)
        VEC_PUSH(a, &out.v, l->v.v[i]);
    if (line)
        VEC_PUSH(a, &out.v, line);
    for (int i = end; i < l->v.n; i++)
        VEC_PUSH(a, &out.v, l->v.v[i]);
    *l = out;
}

static const struct key *find_key(const char *name)
{
    for (int i = 0; i < vn_keys_count; i++)
        if (!strcmp(vn_keys[i].name, name))
            return &vn_keys[i];
    return NULL;
}

static int is_name(const char *word)
{
    for (int i = 0; i < vn_keys_count; i++)
        if (!strcmp(vn_keys[i].name, word) || !strcmp(vn_keys[i].group, word))
            return 1;
    return 0;
}

/* The line of a key in the group, or (inside 0) anywhere else; its end where there is none. */
static int find_line(const struct lines *l, const char *name, const char *group, int inside)
{
    size_t below = 0; /* indent of the keys of a group */
    for (int i = 0, here = 0; i < l->v.n; i++) {
        const char *line = l->v.v[i];
        const size_t indent = indent_of(line);
        if (!line[indent] || line[indent] == '#')
            continue;
        if (!indent)
            here = is_key(line, group);
        below = indent && below ? below : indent;
        if (here == inside && indent <= below && is_key(line, name))
            return i;
    }
    return l->v.n;
}

/* What is no key is renamed to one, or (empty) taken out. */
static int rename_key(struct lines *l, struct vn_arena *a, const char *name, const char *to)
{
    const int i = find_line(l, name, "", 0);
    if (i == l->v.n || (*to && !is_name(to)))
        return 0;
    const char *line = l->v.v[i];
    const int indent = (int)indent_of(line);
    if (*to)
        replace(l, a, i, i + 1, vn_arena_fmt(a, "%*s%s%s", indent, "", to, line + indent + strlen(name)));
    else
        replace(l, a, i, value_end(l, i), NULL);
    return 1;
}

static void add_key(struct lines *l, struct vn_arena *a, const char *group, const char *line)
{
    int i = 0;
    while (i < l->v.n && (indent_of(l->v.v[i]) || !is_key(l->v.v[i], group)))
        i++;
    if (i == l->v.n)
        VEC_PUSH(a, &l->v, vn_arena_fmt(a, "%s:", group));
    const size_t indent = i + 1 < l->v.n && indent_of(l->v.v[i + 1]) ? indent_of(l->v.v[i + 1]) : 2;
    replace(l, a, i + 1, i + 1, vn_arena_fmt(a, "%*s%s", (int)indent, "", line));
}

static int set_key(struct lines *l, struct vn_arena *a, const char *set, struct vn_err *e)
{
    const char *equals = strchr(set, '=');
    const char *name = equals ? vn_arena_strn(a, set, (size_t)(equals - set)) : set;
    const struct key *key = find_key(name);
    if (equals && !key && rename_key(l, a, name, equals + 1))
        return VN_OK;
    if (!equals || !key)
        return vn_fail(e, VN_E_USAGE, "--set: expected KEY=VALUE with a key of the configuration, got '%s'",
                       set);
    for (int i; (i = find_line(l, name, key->group, 0)) < l->v.n;)
        replace(l, a, i, value_end(l, i), NULL);
    const int i = find_line(l, name, key->group, 1);
    const char *line = equals[1] ? vn_arena_fmt(a, "%s: %s", name, quoted(a, equals + 1)) : NULL;
    if (i < l->v.n)
        replace(l, a, i, value_end(l, i),
                line ? vn_arena_fmt(a, "%*s%s", (int)indent_of(l->v.v[i]), "", line) : NULL);
    else if (line)
        add_key(l, a, key->group, line);
    return VN_OK;
}

int vn_config_edit(const char **text, struct vn_arena *a, const char *path, const char *const *sets, int n,
                   struct vn_err *e)
{
    struct lines l = { 0 };
    char **lines;
    int count;
    TRY(vn_file_lines(a, path, &lines, &count, e));
    for (int i = 0; i < count; i++)
        VEC_PUSH(a, &l.v, lines[i]);
    for (int i = 0; i < n; i++)
        TRY(set_key(&l, a, sets[i], e));
    size_t bytes = 1;
    for (int i = 0; i < l.v.n; i++)
        bytes += strlen(l.v.v[i]) + 1;
    char *out = vn_arena_alloc(a, bytes), *at = out;
    for (int i = 0; i < l.v.n; i++)
        at += sprintf(at, "%s\n", l.v.v[i]);
    *text = out;
    return VN_OK;
}

const char *vn_config_next_name(struct vn_arena *a, const char *path)
{
    const char *stem = vn_path_stem(a, path), *folder = vn_path_folder(a, path), *name;
    const char *mark = strrchr(stem, '_');
    int number = 1;
    if (mark && mark[1] && strspn(mark + 1, "0123456789") == strlen(mark + 1) && strlen(mark + 1) < 6) {
        number = atoi(mark + 1);
        stem = vn_arena_strn(a, stem, (size_t)(mark - stem));
    }
    do
        name = vn_path_join(a, folder, vn_arena_fmt(a, "%s_%d.yaml", stem, ++number));
    while (vn_file_exists(name));
    return name;
}
