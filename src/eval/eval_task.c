/* The task of an evaluation: a flat YAML file, and options over it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/file.h"
#include "base/guard.h"
#include "eval/evaluate.h"

enum kind { KIND_TEXT, KIND_LIST, KIND_PATH, KIND_INT, KIND_REAL };

static const struct task_key {
    const char *name;
    enum kind kind;
    size_t offset;
    double lo, hi;
    const char *preset;
} keys[] = {
#define EVAL_KEY(kind, field, option, value, lo, hi, preset, help) \
    { #field, KIND_##kind, offsetof(struct eval_task, field), lo, hi, preset },
#include <vernier/eval_keys.def>
#undef EVAL_KEY
};
#define N_KEYS ((int)(sizeof keys / sizeof *keys))

static int wrong_number(const struct task_key *k, const char *text, const char *where, struct vn_err *e)
{
    return vn_fail(e, VN_E_USAGE, "%s: %s: expected %s from %g to %g, got '%s'", where, k->name,
                   k->kind == KIND_INT ? "an integer" : "a number", k->lo, k->hi, text);
}

static int assign(struct eval_task *t, struct vn_arena *a, const struct task_key *k, const char *text,
                  const char *where, struct vn_err *e)
{
    void *field = (char *)t + k->offset;
    if (k->kind == KIND_TEXT || k->kind == KIND_LIST || k->kind == KIND_PATH) {
        *(const char **)field = text && a ? vn_arena_str(a, text) : text;
        return VN_OK;
    }
    char *end;
    const double v = strtod(text, &end);
    if (end == text || *end || !(v >= k->lo && v <= k->hi) || (k->kind == KIND_INT && v != rint(v)))
        return wrong_number(k, text, where, e);
    if (k->kind == KIND_INT)
        *(int *)field = (int)v;
    else
        *(double *)field = v;
    return VN_OK;
}

void vn_eval_task_default(struct eval_task *t)
{
    memset(t, 0, sizeof *t);
    for (int i = 0; i < N_KEYS; i++)
        assign(t, NULL, &keys[i], keys[i].preset, "default", NULL);
}

int vn_eval_task_set(struct eval_task *t, struct vn_arena *a, const char *key, const char *text,
                     const char *where, struct vn_err *e)
{
    const char *names[N_KEYS];
    for (int i = 0; i < N_KEYS; i++) {
        if (!strcmp(keys[i].name, key))
            return assign(t, a, &keys[i], text, where, e);
        names[i] = keys[i].name;
    }
    const char *near = vn_nearest(key, names, N_KEYS);
    return vn_fail(e, VN_E_USAGE, "%s: unknown key '%s'%s%s%s", where, key, near ? "; did you mean '" : "",
                   near ? near : "", near ? "'?" : "");
}

int vn_eval_choice(int *out, const char *key, const char *text, const char *no, const char *yes,
                   struct vn_err *e)
{
    *out = !strcmp(text, yes);
    return *out || !strcmp(text, no)
               ? VN_OK
               : vn_fail(e, VN_E_USAGE, "%s: expected %s or %s, got '%s'", key, no, yes, text);
}

int vn_eval_numbers(double *v, int max, int *n, const char *text, const char *what, struct vn_err *e)
{
    const char *p = text;
    for (*n = 0; p[strspn(p, " ,")]; (*n)++) {
        char *end;
        p += strspn(p, " ,");
        const double x = strtod(p, &end);
        if (end == p || !isfinite(x) || (*end && *end != ' ' && *end != ','))
            return vn_fail(e, VN_E_USAGE, "%s: expected numbers, got '%s'", what, text);
        if (*n == max)
            return vn_fail(e, VN_E_USAGE, "%s: expected at most %d numbers, got '%s'", what, max, text);
        v[*n] = x;
        p = end;
    }
    return *n ? VN_OK : vn_fail(e, VN_E_USAGE, "%s: expected a number", what);
}

/* ---- YAML ---- */

struct reader {
    struct eval_task *task;
    struct vn_arena *arena;
    const char *path, *key, *list; /* the key that waits for its value; the list that was begun */
    struct vn_map *seen;
    int depth, in_list;
    struct vn_err *e;
};

static int fail_at(const struct reader *r, const yaml_event_t *ev, const char *what)
{
    return vn_fail(r->e, VN_E_INPUT, "%s:%zu:%zu: %s", r->path, ev->start_mark.line + 1,
                   ev->start_mark.column + 1, what);
}

static int set_value(struct reader *r, const yaml_event_t *ev, const char *text)
{
    const char *where =
        vn_arena_fmt(r->arena, "%s:%zu:%zu", r->path, ev->start_mark.line + 1, ev->start_mark.column + 1);
    const int status = vn_eval_task_set(r->task, r->arena, r->key, text, where, r->e);
    r->key = NULL;
    return status == VN_E_USAGE ? r->e->code = VN_E_INPUT : status;
}

/* Between entries of a list. */
static const char *separator(const char *key)
{
    for (int i = 0; i < N_KEYS; i++)
        if (!strcmp(keys[i].name, key))
            return keys[i].kind == KIND_LIST ? ";" : " ";
    return " ";
}

static int scalar(struct reader *r, const yaml_event_t *ev)
{
    const char *text = vn_arena_strn(r->arena, (const char *)ev->data.scalar.value, ev->data.scalar.length);
    if (strlen(text) != ev->data.scalar.length || ev->data.scalar.length > 4096)
        return fail_at(r, ev, "expected text of at most 4096 characters");
    if (r->in_list) {
        r->list = vn_arena_fmt(r->arena, "%s%s%s", r->list, *r->list ? separator(r->key) : "", text);
        return strlen(r->list) > 65536 ? fail_at(r, ev, "the list is too long") : VN_OK;
    }
    if (r->key)
        return set_value(r, ev, text);
    if (vn_map_get(r->seen, text))
        return fail_at(r, ev, vn_arena_fmt(r->arena, "duplicate key '%s'", text));
    vn_map_set(r->seen, text, r);
    r->key = text;
    return VN_OK;
}

/* A mapping of words to words or lists of words; nothing deeper. */
static int event(struct reader *r, const yaml_event_t *ev)
{
    switch (ev->type) {
    case YAML_SCALAR_EVENT: return r->depth ? scalar(r, ev) : fail_at(r, ev, "expected keys and values");
    case YAML_MAPPING_START_EVENT:
        return r->depth++ ? fail_at(r, ev, "expected a word, a number or a list") : VN_OK;
    case YAML_SEQUENCE_START_EVENT:
        r->list = "";
        return !r->depth || r->in_list++ || !r->key
                   ? fail_at(r, ev, "expected keys and values, and in lists numbers or words")
                   : VN_OK;
    case YAML_SEQUENCE_END_EVENT: r->in_list = 0; return set_value(r, ev, r->list + (*r->list == ' '));
    case YAML_ALIAS_EVENT: return fail_at(r, ev, "aliases are not supported");
    default: return VN_OK;
    }
}

static int parse(struct reader *r, yaml_parser_t *p)
{
    for (int type = 0; type != YAML_STREAM_END_EVENT;) {
        yaml_event_t ev;
        if (!yaml_parser_parse(p, &ev))
            return p->error == YAML_MEMORY_ERROR || !p->problem
                       ? vn_fail(r->e, VN_E_NOMEM, "%s: out of memory", r->path)
                       : vn_fail(r->e, VN_E_INPUT, "%s:%zu:%zu: not YAML: %s", r->path,
                                 p->problem_mark.line + 1, p->problem_mark.column + 1, p->problem);
        type = ev.type;
        const int status = event(r, &ev);
        yaml_event_delete(&ev);
        TRY(status);
    }
    return VN_OK;
}

static void delete_parser(void *p) { yaml_parser_delete(p); }

int vn_eval_task_read(struct eval_task *t, struct vn_arena *a, const char *path, struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    TRY(vn_file_map(a, path, &data, &bytes, e));
    yaml_parser_t *p = NEW(a, yaml_parser_t);
    if (!yaml_parser_initialize(p))
        return vn_fail(e, VN_E_NOMEM, "%s: out of memory", path);
    vn_arena_defer(a, delete_parser, p);
    yaml_parser_set_input_string(p, data, bytes);
    struct reader r = { .task = t, .arena = a, .path = path, .seen = vn_map_new(a), .e = e };
    return parse(&r, p);
}

static int read_only(const char *path, struct vn_err *e)
{
    struct eval_task t;
    struct vn_arena *work = vn_arena_new();
    vn_eval_task_default(&t);
    const int status = vn_eval_task_read(&t, work, path, e);
    vn_arena_free(&work);
    return status;
}

int vn_eval_task_check(const char *path, struct vn_err *e)
{
    int status = VN_OK;
    if (path)
        VN_GUARDED(status, e, read_only(path, e));
    return status;
}
