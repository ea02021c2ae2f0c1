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

const struct setting *vn_config_used(const struct config *c, const char *key)
{
    const struct setting *s = vn_config_given(c, key);
    return s && !s->ignored ? s : NULL;
}

int vn_config_doubtful(const struct config *c, const char *const *keys)
{
    for (; *keys; keys++) {
        const struct setting *s = vn_config_given(c, *keys);
        if (s && s->wrong)
            return 1;
    }
    return 0;
}

const char *vn_config_text(const struct config *c, const char *key)
{
    const struct setting *s = vn_config_used(c, key);
    if (s)
        return s->text;
    for (int i = 0; i < vn_keys_count; i++)
        if (!strcmp(vn_keys[i].name, key))
            return vn_keys[i].def;
    return NULL;
}

/* ---- problems and warnings ---- */

#define MOST_PROBLEMS 200 /* a file with more is not a configuration */

int vn_config_note(struct config *c, struct vn_arena *a, int status, const struct vn_err *e)
{
    if (status >= 0 || (status != VN_E_INPUT && status != VN_E_UNSUPPORTED && status != VN_E_IO))
        return status;
    for (int i = 0; i < c->problems.n; i++)
        if (!strcmp(c->problems.v[i].msg, e->msg))
            return VN_OK;
    if (c->problems.n < MOST_PROBLEMS)
        VEC_PUSH(a, &c->problems, *e);
    return VN_OK;
}

void vn_config_warn(struct config *c, struct vn_arena *a, const struct setting *s, const char *fmt, ...)
{
    struct vn_err at = { 0 };
    char msg[800];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    vn_config_fail(c, s, &at, VN_E_INPUT, "%s", msg);
    VEC_PUSH(a, &c->warnings, vn_arena_str(a, at.msg));
}

void vn_config_mean(struct config *c, struct vn_arena *a, const char *key, const char *value)
{
    if (value)
        VEC_PUSH(a, &c->meant, vn_arena_fmt(a, "%s=%s", key, value));
}

const char *vn_config_blamed(const struct config *c, struct vn_arena *a, const char *problem)
{
    for (int i = 0; i < c->settings.n; i++) {
        const struct setting *s = &c->settings.v[i];
        struct vn_err at;
        vn_config_fail(c, s, &at, VN_E_INPUT, "%s", "");
        if (!strncmp(problem, at.msg, strlen(at.msg)))
            return vn_arena_str(a, s->key->name);
    }
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
