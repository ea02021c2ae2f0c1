#include "graph/reason.h"

#include <assert.h>
#include <stdio.h>

static const struct {
    const char *id, *format, *remedy; /* format NULL: of a problem */
} reasons[REASON_COUNT] = {
    { "none", "", NULL },
#define REASON(id, format, remedy) { #id, format, remedy },
#define PROBLEM(id, remedy) { #id, NULL, remedy },
#include "graph/reasons.def"
#undef REASON
#undef PROBLEM
};

static int placeholders(const char *format)
{
    int n = 0;
    for (const char *p = format; (p = strstr(p, "%s")); p += 2)
        n++;
    return n;
}

static const struct vn_reason *copy(struct vn_arena *a, enum reason_id id, int n, const char *const *args)
{
    const char **own = NEW_ARRAY(a, const char *, n ? n : 1);
    for (int i = 0; i < n; i++)
        own[i] = vn_arena_str(a, args[i]);
    const struct vn_reason r = { id, n, own };
    return vn_arena_copy(a, &r, sizeof r);
}

const struct vn_reason *vn_reason_new(struct vn_arena *a, enum reason_id id, const char *const *args)
{
    int n = 0;
    while (args && args[n])
        n++;
    assert(reasons[id].format && n == placeholders(reasons[id].format));
    return copy(a, id, n, args);
}

const struct vn_reason *vn_reason_parse(struct vn_arena *a, const char *id, int n, const char *const *args,
                                        const char *text)
{
    for (int i = REASON_NONE + 1; id && i < REASON_COUNT; i++)
        if (reasons[i].format && !strcmp(reasons[i].id, id) && placeholders(reasons[i].format) == n)
            return copy(a, (enum reason_id)i, n, args);
    return copy(a, REASON_other, 1, &text);
}

int vn_reason_equal(const struct vn_reason *a, const struct vn_reason *b)
{
    if (a->id != b->id)
        return 0;
    for (int i = 0; i < a->n; i++)
        if (strcmp(a->args[i], b->args[i]))
            return 0;
    return 1;
}

const char *vn_reason_id(const struct vn_reason *r) { return reasons[r->id].id; }

int vn_reason_args(const struct vn_reason *r, const char *const **args)
{
    *args = r->args;
    return r->n;
}

const char *vn_reason_remedy(const struct vn_reason *r) { return reasons[r->id].remedy; }

static int known(const struct vn_err *e) { return e->reason > REASON_NONE && e->reason < REASON_COUNT; }

const char *vn_problem_id(const struct vn_err *e) { return known(e) ? reasons[e->reason].id : NULL; }
const char *vn_problem_remedy(const struct vn_err *e) { return known(e) ? reasons[e->reason].remedy : NULL; }

/* Append n characters, as far as they fit. */
static size_t put(char *text, size_t bytes, size_t used, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (used + i + 1 < bytes)
            text[used + i] = s[i];
    return used + n;
}

int vn_reason_text(char *text, size_t bytes, const struct vn_reason *r)
{
    size_t used = 0;
    const char *p = reasons[r->id].format;
    for (int i = 0; i < r->n; i++) {
        const char *arg = strstr(p, "%s");
        used = put(text, bytes, used, p, (size_t)(arg - p));
        used = put(text, bytes, used, r->args[i], strlen(r->args[i]));
        p = arg + 2;
    }
    used = put(text, bytes, used, p, strlen(p));
    if (bytes)
        text[used < bytes ? used : bytes - 1] = 0;
    return (int)used;
}

const char *vn_reason_string(struct vn_arena *a, const struct vn_reason *r)
{
    const size_t bytes = (size_t)vn_reason_text(NULL, 0, r) + 1;
    char *text = vn_arena_alloc(a, bytes);
    vn_reason_text(text, bytes, r);
    return text;
}
