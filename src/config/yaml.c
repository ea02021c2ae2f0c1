/* YAML to a flat list of settings, each checked against the table of keys. */
#include "config/yaml.h"

#include "config/settings.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#define MAX_DEPTH 16

struct reader {
    struct config *c;
    struct vn_arena *arena;
    yaml_parser_t parser;
    int *line; /* of each key of vn_keys that was seen, with or without a value */
    struct vn_err *e;
};

static int fail_at(const struct config *c, const yaml_mark_t *m, struct vn_err *e, const char *fmt, ...)
{
    char msg[800];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    return vn_fail(e, VN_E_INPUT, "%s:%zu:%zu: %s", c->path, m->line + 1, m->column + 1, msg);
}

static const struct key *find_key(const char *group, const char *name)
{
    for (int i = 0; i < vn_keys_count; i++)
        if (!strcmp(vn_keys[i].group, group) && !strcmp(vn_keys[i].name, name))
            return &vn_keys[i];
    return NULL;
}

static const char *group_of(const char *name)
{
    for (int i = 0; i < vn_keys_count; i++)
        if (!strcmp(vn_keys[i].name, name))
            return vn_keys[i].group;
    return NULL;
}

/* Records a syntax problem; parsing continues after it. */
#define NOTED(r, x) NOTE((r)->c, (r)->arena, x, (r)->e)

static int seen_before(const struct reader *r, const struct key *k) { return r->line[k - vn_keys] != 0; }

/* Says so; *key: the one that was meant, so that nothing else is said for want of it. */
static int unknown_key(const struct key **key, const struct reader *r, const yaml_mark_t *m,
                       const char *group, const char *name)
{
    const char *words[128];
    int n = 0;
    for (int i = 0; i < vn_keys_count && n < 128; i++)
        words[n++] = vn_keys[i].name;
    const char *elsewhere = group_of(name), *near = vn_nearest(name, words, n);
    *key = elsewhere ? find_key(elsewhere, name) : near ? find_key(group_of(near), near) : NULL;
    if (elsewhere)
        return fail_at(r->c, m, r->e, "key '%s' belongs under %s, not under %s", name, elsewhere, group);
    vn_config_mean(r->c, r->arena, name, *key && !seen_before(r, *key) ? near : ""); /* it has no effect */
    return fail_at(r->c, m, r->e, "unknown key '%s' under %s%s%s%s", name, group,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static const char *const groups[] = { "model_parameters", "input_parameters", "calibration_parameters",
                                      "compiler_parameters", "custom_op" };
#define N_GROUPS 5

static int next(struct reader *r, yaml_event_t *ev)
{
    if (yaml_parser_parse(&r->parser, ev))
        return VN_OK;
    if (r->parser.error == YAML_MEMORY_ERROR || !r->parser.problem) /* some of its failures do not say so */
        return vn_fail(r->e, VN_E_NOMEM, "%s: out of memory", r->c->path);
    return vn_fail(r->e, VN_E_INPUT, "%s:%zu:%zu: not YAML: %s", r->c->path, r->parser.problem_mark.line + 1,
                   r->parser.problem_mark.column + 1, r->parser.problem);
}

/* Everything up to the end of the outermost of `depth` collections that are open. */
static int skip_trees(struct reader *r, int depth)
{
    while (depth) {
        yaml_event_t ev;
        TRY(next(r, &ev));
        const int type = ev.type;
        const yaml_mark_t mark = ev.start_mark;
        yaml_event_delete(&ev);
        depth += (type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT) -
                 (type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT);
        if (depth > MAX_DEPTH)
            return fail_at(r->c, &mark, r->e, "nested deeper than %d", MAX_DEPTH);
        if (type == YAML_ALIAS_EVENT)
            return fail_at(r->c, &mark, r->e, "aliases are not supported");
    }
    return VN_OK;
}

/* The value of a key that is not known. */
static int skip_value(struct reader *r)
{
    yaml_event_t ev;
    TRY(next(r, &ev));
    const int type = ev.type;
    const yaml_mark_t mark = ev.start_mark;
    yaml_event_delete(&ev);
    if (type == YAML_ALIAS_EVENT)
        return fail_at(r->c, &mark, r->e, "aliases are not supported");
    return skip_trees(r, type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT);
}

/* The rest of a mapping of at most `levels` levels, into leaves. */
static int read_leaves(struct reader *r, struct setting *s, int levels)
{
    const char *first = NULL, *key = NULL;
    for (int depth = 1; depth;) {
        yaml_event_t ev;
        TRY(next(r, &ev));
        const int type = ev.type;
        const yaml_mark_t mark = ev.start_mark;
        const char *text =
            type == YAML_SCALAR_EVENT
                ? vn_arena_strn(r->arena, (const char *)ev.data.scalar.value, ev.data.scalar.length)
                : NULL;
        const int whole = !text || strlen(text) == ev.data.scalar.length;
        yaml_event_delete(&ev);
        if (type == YAML_MAPPING_END_EVENT) {
            depth--;
            first = NULL;
        } else if (type == YAML_MAPPING_START_EVENT && key && depth < levels) {
            depth++;
            first = key;
            key = NULL;
        } else if (!text || !*text || !whole) {
            NOTED(r, fail_at(r->c, &mark, r->e, "%s: expected %s", s->key->name,
                             levels == 1 ? "{NAME: WORD}" : "{NODE: {KEY: WORD}}"));
            s->ignored = s->wrong = 1;
            const int opened = type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT;
            return skip_trees(r, depth + opened);
        } else if (!key) {
            key = text;
        } else {
            const struct leaf l = { .first = first ? first : key,
                                    .second = first ? key : NULL,
                                    .text = text,
                                    .line = (int)mark.line + 1,
                                    .column = (int)mark.column + 1 };
            VEC_PUSH(r->arena, &s->leaves, l);
            key = NULL;
        }
    }
    return VN_OK;
}

static const char *whole_text(const struct reader *r, const yaml_event_t *ev)
{
    const char *text = vn_arena_strn(r->arena, (const char *)ev->data.scalar.value, ev->data.scalar.length);
    return strlen(text) == ev->data.scalar.length ? text : NULL;
}

/* A value that is not one word: of a key that has a tree, into its leaves. */
static int read_collection(struct reader *r, struct setting *s, int type, const yaml_mark_t *mark)
{
    const struct key *key = s->key;
    const int mapping = type == YAML_MAPPING_START_EVENT,
              tree = key->type == KEY_TREE || key->type == KEY_MAP;
    if (!tree || (key->type == KEY_MAP && !mapping)) {
        NOTED(r, fail_at(r->c, mark, r->e, "%s: expected %s, got a %s", key->name,
                         tree ? "{NAME: WORD}" : "one value", mapping ? "mapping" : "list"));
        s->ignored = s->wrong = 1;
    } else if (mapping && (key->type == KEY_MAP || key->state == KEY_WORKS)) {
        return read_leaves(r, s, key->type == KEY_MAP ? 1 : 2);
    }
    return skip_trees(r, 1);
}

/* `meant`: the key that a misspelt one seems to be; its value is not used. */
static int read_value(struct reader *r, const struct key *key, int meant, const yaml_mark_t *at)
{
    yaml_event_t ev;
    TRY(next(r, &ev));
    const int type = ev.type;
    const yaml_mark_t mark = ev.start_mark;
    struct setting s = { .key = key, .line = (int)at->line + 1, .column = (int)at->column + 1 };
    s.ignored = s.wrong = meant;
    if (type == YAML_SCALAR_EVENT)
        s.text = whole_text(r, &ev);
    yaml_event_delete(&ev);
    if (type == YAML_ALIAS_EVENT)
        return fail_at(r->c, &mark, r->e, "aliases are not supported");
    if (type == YAML_SCALAR_EVENT && !s.text) {
        s.ignored = s.wrong = 1;
        NOTED(r, fail_at(r->c, &mark, r->e, "%s: a zero byte in the value", key->name));
    } else if (type != YAML_SCALAR_EVENT)
        TRY(read_collection(r, &s, type, &mark));
    int *first = &r->line[key - vn_keys];
    if (*first) {
        NOTED(r, fail_at(r->c, at, r->e, "duplicate key '%s'; first on line %d", key->name, *first));
        return VN_OK;
    }
    *first = s.line;
    if (s.text && !*s.text)
        return VN_OK; /* "key:" with nothing behind it: as if absent */
    VEC_PUSH(r->arena, &r->c->settings, s);
    return VN_OK;
}

static int read_group(struct reader *r, const char *group)
{
    for (;;) {
        yaml_event_t ev;
        TRY(next(r, &ev));
        const int type = ev.type;
        const yaml_mark_t mark = ev.start_mark;
        const char *name =
            type == YAML_SCALAR_EVENT ? vn_arena_str(r->arena, (const char *)ev.data.scalar.value) : NULL;
        yaml_event_delete(&ev);
        if (type == YAML_MAPPING_END_EVENT)
            return VN_OK;
        if (!name)
            return fail_at(r->c, &mark, r->e, "expected a key of %s", group);
        const struct key *key = find_key(group, name);
        const int known = key != NULL, before = r->c->settings.n;
        if (!known)
            NOTED(r, unknown_key(&key, r, &mark, group, name));
        const int meant = !known && key && strcmp(key->name, name);
        TRY(!key || (meant && seen_before(r, key)) ? skip_value(r) : read_value(r, key, meant, &mark));
        if (!known && !meant && r->c->settings.n > before)
            vn_config_mean(r->c, r->arena, name, r->c->settings.v[before].text);
    }
}

/* The group's number; of a misspelt one the number of what was meant, N_GROUPS where that is not clear. */
static int find_group(int *g, struct reader *r, const char *name, const yaml_mark_t *m)
{
    for (*g = 0; *g < N_GROUPS; ++*g)
        if (!strcmp(groups[*g], name))
            return VN_OK;
    const char *near = vn_nearest(name, groups, N_GROUPS), *inside = group_of(name);
    if (inside)
        return fail_at(r->c, m, r->e, "key '%s' belongs under %s", name, inside);
    for (int i = 0; near && i < N_GROUPS; i++)
        *g = groups[i] == near ? i : *g;
    vn_config_mean(r->c, r->arena, name, near);
    return fail_at(r->c, m, r->e, "unknown group '%s'%s%s%s", name, near ? "; did you mean '" : "",
                   near ? near : "", near ? "'?" : "");
}

static int read_group_value(struct reader *r, const char *group)
{
    yaml_event_t ev;
    TRY(next(r, &ev));
    const int type = ev.type, empty = type == YAML_SCALAR_EVENT && ev.data.scalar.length == 0;
    const yaml_mark_t mark = ev.start_mark;
    yaml_event_delete(&ev);
    if (type == YAML_MAPPING_START_EVENT)
        return read_group(r, group);
    if (!empty)
        NOTED(r, fail_at(r->c, &mark, r->e, "group '%s': expected keys below it", group));
    return skip_trees(r, type == YAML_SEQUENCE_START_EVENT);
}

static int read_groups(struct reader *r)
{
    int seen[N_GROUPS + 1] = { 0 };
    for (;;) {
        yaml_event_t ev;
        int g;
        TRY(next(r, &ev));
        const int type = ev.type;
        const yaml_mark_t mark = ev.start_mark;
        const char *name =
            type == YAML_SCALAR_EVENT ? vn_arena_str(r->arena, (const char *)ev.data.scalar.value) : NULL;
        yaml_event_delete(&ev);
        if (type == YAML_MAPPING_END_EVENT)
            return VN_OK;
        if (!name)
            return fail_at(r->c, &mark, r->e, "expected the name of a group, e.g. model_parameters");
        NOTED(r, find_group(&g, r, name, &mark));
        if (g < N_GROUPS && seen[g]++) {
            NOTED(r, fail_at(r->c, &mark, r->e, "duplicate group '%s'", name));
            g = N_GROUPS;
        }
        TRY(g == N_GROUPS ? skip_value(r) : read_group_value(r, groups[g]));
    }
}

static int read_document(struct reader *r)
{
    static const int opening[] = { YAML_STREAM_START_EVENT, YAML_DOCUMENT_START_EVENT,
                                   YAML_MAPPING_START_EVENT };
    for (int i = 0; i < 3; i++) {
        yaml_event_t ev;
        TRY(next(r, &ev));
        const int type = ev.type;
        const yaml_mark_t mark = ev.start_mark;
        yaml_event_delete(&ev);
        if (type != opening[i])
            return fail_at(r->c, &mark, r->e,
                           "expected a mapping with model_parameters, input_parameters, "
                           "calibration_parameters and compiler_parameters");
    }
    TRY(read_groups(r));
    for (int i = 0; i < 2; i++) { /* the ends of the document and of the stream */
        yaml_event_t ev;
        TRY(next(r, &ev));
        const int type = ev.type;
        const yaml_mark_t mark = ev.start_mark;
        yaml_event_delete(&ev);
        if (type == YAML_DOCUMENT_START_EVENT)
            return fail_at(r->c, &mark, r->e, "expected one document, got a second");
    }
    return VN_OK;
}

int vn_yaml_settings(struct config *c, struct vn_arena *a, const char *text, size_t bytes, struct vn_err *e)
{
    struct reader r = { .c = c, .arena = a, .line = NEW_ARRAY(a, int, vn_keys_count), .e = e };
    if (!yaml_parser_initialize(&r.parser))
        return vn_fail(e, VN_E_NOMEM, "%s: out of memory", c->path);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, bytes);
    const int status = read_document(&r);
    yaml_parser_delete(&r.parser);
    return status;
}
