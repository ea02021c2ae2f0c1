/* What was given in the file: looked up, blamed, taken apart. */
#include "config/settings.h"

#include <ctype.h>
#include <stdarg.h>

const struct setting *vn_config_given(const struct config *c, const char *key)
{
    for (int i = 0; i < c->settings.n; i++)
        if (!strcmp(c->settings.v[i].key->name, key))
            return &c->settings.v[i];
    return NULL;
}

int vn_config_fail(const struct config *c, const struct setting *s, struct vn_err *e, int code,
                   const char *fmt, ...)
{
    char msg[800];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    if (!s)
        return vn_fail(e, code, "%s: %s", c->path, msg);
    return vn_fail(e, code, "%s:%d:%d: %s: %s", c->path, s->line, s->column, s->key->name, msg);
}

int vn_config_fail_rule(const struct config *c, const struct type_rule *r, struct vn_err *e, int code,
                        const char *fmt, ...)
{
    char msg[800];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    return vn_fail(e, code, "%s:%d:%d: %s: %s", c->path, r->line, r->column, r->given->key->name, msg);
}

static const char *trimmed(struct vn_arena *a, const char *s, size_t n)
{
    while (n && isspace((unsigned char)*s)) {
        s++;
        n--;
    }
    while (n && isspace((unsigned char)s[n - 1]))
        n--;
    return vn_arena_strn(a, s, n);
}

int vn_config_split(struct vn_arena *a, const char *text, char sep, const char ***out)
{
    VEC(const char *) v = { 0 };
    for (const char *p = text;;) {
        const char *end = strchr(p, sep);
        const char *word = trimmed(a, p, end ? (size_t)(end - p) : strlen(p));
        if (*word || end)
            VEC_PUSH(a, &v, word);
        if (!end)
            break;
        p = end + 1;
    }
    while (v.n && !*v.v[v.n - 1]) /* a trailing separator */
        v.n--;
    *out = v.v;
    return v.n;
}
