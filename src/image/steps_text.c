/* Pipelines as text: the short form, YAML, and back. Both readers set parameters through the table. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "base/file.h"
#include "base/words.h"
#include "image/steps.h"

#define MAX_STEPS 64
#define MAX_WORDS VN_STEP_NUMBERS

/* ---- parameters ---- */

int vn_step_param_find(const struct vn_step_kind *k, const char *name)
{
    for (int i = 0; k->params[i].name; i++)
        if (!strcmp(k->params[i].name, name))
            return i;
    return -1;
}

static int is_word_of(const char *words, const char *w)
{
    const size_t n = strlen(w);
    for (const char *p = words; *p; p += strcspn(p, "|"), p += *p == '|')
        if (strcspn(p, "|") == n && !strncmp(p, w, n))
            return 1;
    return 0;
}

/* Texts and names of stages: what needs no quotes and is a file's name. */
static int is_plain(const char *w)
{
    return isalnum((unsigned char)*w) &&
           !w[strspn(w, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")];
}
#define PLAIN_LETTERS "letters, digits, '_', '.', '-'"

static const char *want(const struct vn_step_param *p, char *buf, size_t n)
{
    if (p->kind == VN_PARAM_WORD)
        snprintf(buf, n, "%s", p->words);
    else if (p->kind == VN_PARAM_BOOL)
        snprintf(buf, n, "true or false");
    else if (p->kind == VN_PARAM_TEXT)
        snprintf(buf, n, PLAIN_LETTERS);
    else if (p->least == p->most)
        snprintf(buf, n, "%d %s from %g to %g", p->most, p->kind == VN_PARAM_INT ? "integers" : "numbers",
                 p->min, p->max);
    else
        snprintf(buf, n, "%d to %d %s from %g to %g", p->least, p->most,
                 p->kind == VN_PARAM_INT ? "integers" : "numbers", p->min, p->max);
    return buf;
}

static int bad_value(const struct vn_pipe_step *s, const struct vn_step_param *p, const char *got,
                     struct vn_err *e)
{
    char buf[400];
    return vn_fail(e, VN_E_INPUT, "step %s: %s: expected %s, got '%s'", s->kind->name, p->name,
                   want(p, buf, sizeof buf), got);
}

static int unknown_param(const struct vn_pipe_step *s, const char *name, struct vn_err *e)
{
    const char *names[VN_STEP_PARAMS + 1];
    char list[400] = "none";
    int n = 0;
    for (; s->kind->params[n].name; n++) {
        names[n] = s->kind->params[n].name;
        snprintf(n ? list + strlen(list) : list, sizeof list - (n ? strlen(list) : 0), "%s%s", n ? ", " : "",
                 names[n]);
    }
    const char *near = vn_nearest(name, names, n);
    return vn_fail(e, VN_E_INPUT, "step %s: unknown parameter '%s'; expected %s%s%s%s", s->kind->name, name,
                   list, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int numbers(struct vn_step_value *v, const struct vn_pipe_step *s, const struct vn_step_param *p,
                   const char *const *words, int n, struct vn_err *e)
{
    if (n < p->least || n > p->most) {
        char got[32];
        snprintf(got, sizeof got, "%d values", n);
        return bad_value(s, p, got, e);
    }
    for (int i = 0; i < n; i++) {
        char *end;
        double x = strtod(words[i], &end);
        if (p->kind == VN_PARAM_REAL && end != words[i] && *end == '/') { /* 1/255 */
            const char *below = end + 1;
            x /= strtod(below, &end);
            end = end == below ? (char *)(uintptr_t)words[i] : end;
        }
        if (end == words[i] || *end || !(x >= p->min && x <= p->max) ||
            (p->kind == VN_PARAM_INT && x != floor(x)))
            return bad_value(s, p, words[i], e);
        v->v[v->n++] = x;
    }
    return VN_OK;
}

static int is_number(const struct vn_step_param *p)
{
    return p->kind == VN_PARAM_INT || p->kind == VN_PARAM_REAL;
}

static int set_value(struct vn_step_value *v, struct vn_arena *a, const struct vn_pipe_step *s,
                     const struct vn_step_param *p, const char *const *words, int n, struct vn_err *e)
{
    *v = (struct vn_step_value){ .word = vn_arena_str(a, n ? words[0] : "") };
    if (is_number(p))
        return numbers(v, s, p, words, n, e);
    if (n != 1)
        return bad_value(s, p, "a list", e);
    if (p->kind == VN_PARAM_BOOL) {
        if (!is_word_of("true|True|1|false|False|0", words[0]))
            return bad_value(s, p, words[0], e);
        v->v[0] = *words[0] == 't' || *words[0] == 'T' || *words[0] == '1';
        v->n = 1;
    }
    const int good = p->kind == VN_PARAM_WORD ? is_word_of(p->words, words[0])
                                              : p->kind == VN_PARAM_BOOL || !*words[0] || is_plain(words[0]);
    return good ? VN_OK : bad_value(s, p, words[0], e);
}

/* A transformer's arguments are collected as text for its own reader. */
static void add_argument(struct vn_pipe_step *s, struct vn_arena *a, const char *param,
                         const char *const *words, int n)
{
    const char *text = n == 1 ? words[0] : "(";
    for (int i = 0; n != 1 && i < n; i++)
        text = vn_arena_fmt(a, "%s%s%s", text, i ? "," : "", words[i]);
    s->text = vn_arena_fmt(a, "%s%s%s%s%s%s", s->text ? s->text : "", s->text ? "," : "", param ? param : "",
                           param ? "=" : "", text, n == 1 ? "" : ")");
}

int vn_step_set(struct vn_pipe_step *s, struct vn_arena *a, const char *param, const char *const *words,
                int n, struct vn_err *e)
{
    if (param && !strcmp(param, "stage")) {
        if (n != 1 || !is_plain(words[0]))
            return vn_fail(e, VN_E_INPUT, "step %s: stage: expected " PLAIN_LETTERS ", got '%s'",
                           s->kind ? s->kind->name : s->transform->name, n == 1 ? words[0] : "a list");
        s->stage = vn_arena_str(a, words[0]);
        return VN_OK;
    }
    if (s->transform) {
        add_argument(s, a, param, words, n);
        return VN_OK;
    }
    const int i = param ? vn_step_param_find(s->kind, param) : s->kind->params[0].name ? 0 : -1;
    if (i < 0)
        return unknown_param(s, param ? param : words[0], e);
    if (s->value[i].given)
        return vn_fail(e, VN_E_INPUT, "step %s: duplicate parameter %s", s->kind->name,
                       s->kind->params[i].name);
    TRY(set_value(&s->value[i], a, s, &s->kind->params[i], words, n, e));
    s->value[i].given = 1;
    return VN_OK;
}

int vn_step_finish(struct vn_pipe_step *s, struct vn_arena *a, struct vn_err *e)
{
    if (s->transform) {
        s->text = s->text ? vn_arena_fmt(a, "%s(%s)", s->transform->name, s->text) : s->transform->name;
        return vn_transform_parse(&s->transform, s->arg, a, s->text, e);
    }
    for (int i = 0; s->kind->params[i].name; i++) {
        const struct vn_step_param *p = &s->kind->params[i];
        if (s->value[i].given)
            continue;
        if (!p->preset) {
            char buf[400];
            return vn_fail(e, VN_E_INPUT, "step %s: %s is missing; expected %s", s->kind->name, p->name,
                           want(p, buf, sizeof buf));
        }
        if (is_number(p) && !*p->preset)
            s->value[i].word = "";
        else
            TRY(set_value(&s->value[i], a, s, p, (const char *const[]){ p->preset }, 1, e));
    }
    return VN_OK;
}

static int start_step(struct vn_pipe_step *s, const char *name, struct vn_err *e)
{
    const char *names[128];
    int kinds, transforms, n = 0;
    *s = (struct vn_pipe_step){ .kind = vn_step_find(name), .transform = NULL };
    if (!s->kind)
        s->transform = vn_transform_find(name);
    if (s->kind || s->transform)
        return VN_OK;
    const struct vn_step_kind *k = vn_step_kinds(&kinds);
    const struct vn_transform *t = vn_transforms(&transforms);
    for (int i = 0; i < kinds && n < 128; i++)
        names[n++] = k[i].name;
    for (int i = 0; i < transforms && n < 128; i++)
        names[n++] = t[i].name;
    const char *near = vn_nearest(name, names, n);
    char list[400] = "";
    for (int i = 0; i < kinds; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "", k[i].name);
    return vn_fail(e, VN_E_INPUT, "unknown step '%s'%s%s%s; expected %s, or a transformer function", name,
                   near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "", list);
}

/* Every stage has a name of its own: the step's, with a number from the second on. */
static int add_step(struct vn_pipeline *p, struct vn_arena *a, struct vn_pipe_step *s, struct vn_err *e)
{
    TRY(vn_step_finish(s, a, e));
    if (p->steps.n == MAX_STEPS)
        return vn_fail(e, VN_E_INPUT, "more than %d steps", MAX_STEPS);
    const char *name = s->kind ? s->kind->name : s->transform->name, *stage = s->stage ? s->stage : name;
    for (int i = 0, count = 1; i < p->steps.n; i++)
        if (!strcmp(p->steps.v[i].stage, stage)) {
            if (s->stage)
                return vn_fail(e, VN_E_INPUT, "step %s: duplicate stage '%s'", name, stage);
            stage = vn_arena_fmt(a, "%s_%d", name, ++count);
            i = -1;
        }
    s->stage = stage;
    VEC_PUSH(a, &p->steps, *s);
    return VN_OK;
}

/* ---- the short form ---- */

static int split(const char **words, char *text, const char *by)
{
    int n = 0;
    char *rest = text;
    for (char *w; n <= MAX_WORDS && (w = strtok_r(NULL, by, &rest));)
        words[n++] = w;
    return n < MAX_WORDS ? n : MAX_WORDS;
}

static int parse_short(struct vn_pipe_step *s, struct vn_arena *a, char *text, struct vn_err *e)
{
    const char *first[MAX_WORDS];
    char *rest = text;
    int n = 0;
    const char *name = strtok_r(NULL, " \t\n", &rest);
    if (!name)
        return vn_fail(e, VN_E_INPUT, "a step without a name");
    if (strchr(name, '(')) { /* a transformer with its arguments */
        char *open = strchr(text, '(');
        if (strlen(rest))
            rest[-1] = ' ';
        *open = 0;
        TRY(start_step(s, text, e));
        *open = '(';
        char *close = strrchr(open, ')');
        if (!s->transform || !close)
            return vn_fail(e, VN_E_INPUT, "step '%s': expected NAME VALUES, or TRANSFORMER(ARGUMENTS)", text);
        *close = 0;
        s->text = open[1] ? vn_arena_str(a, open + 1) : NULL;
        return VN_OK;
    }
    TRY(start_step(s, name, e));
    for (char *w; (w = strtok_r(NULL, " \t\n", &rest));) {
        char *eq = strchr(w, '=');
        const char *values[MAX_WORDS];
        if (eq) {
            *eq = 0;
            const int k = split(values, eq + 1, ",");
            TRY(vn_step_set(s, a, w, values, k, e));
            continue;
        }
        for (const char *v; (v = strsep(&w, ","));)
            if (*v && n < MAX_WORDS)
                first[n++] = v;
    }
    return n ? vn_step_set(s, a, NULL, first, n, e) : VN_OK;
}

int vn_pipeline_is_file(const char *text)
{
    return vn_path_has_suffix(text, ".yaml") || vn_path_has_suffix(text, ".yml");
}

int vn_pipeline_parse(struct vn_pipeline **out, struct vn_arena *a, const char *text, struct vn_err *e)
{
    if (vn_pipeline_is_file(text)) {
        const uint8_t *data;
        size_t bytes;
        TRY(vn_file_map(a, text, &data, &bytes, e));
        return vn_pipeline_yaml(out, a, (const char *)data, bytes, text, e);
    }
    struct vn_pipeline *p = NEW(a, struct vn_pipeline);
    char *rest = vn_arena_str(a, text);
    for (char *word; (word = strsep(&rest, ";"));) {
        word += strspn(word, " \t\n");
        if (!*word)
            continue;
        struct vn_pipe_step s;
        TRY(parse_short(&s, a, word, e));
        TRY(add_step(p, a, &s, e));
    }
    *out = p;
    return VN_OK;
}

/* ---- YAML ---- */

struct reader {
    yaml_parser_t parser;
    yaml_event_t ev;
    struct vn_arena *a;
    const char *path;
    struct vn_err *e;
    int type, line; /* of the last event */
    const char *text; /* of a scalar */
};

static int fail(struct reader *r, int line, const char *what)
{
    return vn_fail(r->e, VN_E_INPUT, "%s:%d: %s", r->path, line, what);
}

static void release(void *p)
{
    struct reader *r = p;
    yaml_event_delete(&r->ev);
    yaml_parser_delete(&r->parser);
}

static int next(struct reader *r)
{
    yaml_event_delete(&r->ev);
    if (!yaml_parser_parse(&r->parser, &r->ev)) {
        if (r->parser.error == YAML_MEMORY_ERROR || !r->parser.problem)
            return vn_fail(r->e, VN_E_NOMEM, "%s: out of memory", r->path);
        return vn_fail(r->e, VN_E_INPUT, "%s:%zu: not YAML: %s", r->path, r->parser.problem_mark.line + 1,
                       r->parser.problem);
    }
    r->type = r->ev.type;
    r->line = (int)r->ev.start_mark.line + 1;
    if (r->type == YAML_SCALAR_EVENT) {
        r->text = vn_arena_strn(r->a, (const char *)r->ev.data.scalar.value, r->ev.data.scalar.length);
        if (strlen(r->text) != r->ev.data.scalar.length)
            return fail(r, r->line, "a zero byte in a value");
    }
    return r->type == YAML_ALIAS_EVENT ? fail(r, r->line, "aliases are not supported") : VN_OK;
}

/* A scalar or a list of scalars; the event that begins it was read. */
static int read_words(struct reader *r, const char **words, int *n)
{
    *n = 0;
    if (r->type == YAML_SCALAR_EVENT) {
        words[(*n)++] = r->text;
        return VN_OK;
    }
    if (r->type != YAML_SEQUENCE_START_EVENT)
        return fail(r, r->line, "expected a value or a list of values");
    for (;;) {
        TRY(next(r));
        if (r->type == YAML_SEQUENCE_END_EVENT)
            return VN_OK;
        if (r->type != YAML_SCALAR_EVENT || *n == MAX_WORDS)
            return fail(r, r->line,
                        r->type == YAML_SCALAR_EVENT ? "expected a list of at most 8 values"
                                                     : "expected a list of scalars");
        words[(*n)++] = r->text;
    }
}

static int at_line(struct reader *r, int line, int status)
{
    return status < 0 ? vn_fail_at(r->e, "%s:%d", r->path, line) : status;
}

/* {param: value, ...} behind a step's name */
static int read_params(struct reader *r, struct vn_pipe_step *s)
{
    const char *words[MAX_WORDS];
    int n;
    for (;;) {
        TRY(next(r));
        if (r->type == YAML_MAPPING_END_EVENT)
            return VN_OK;
        if (r->type != YAML_SCALAR_EVENT)
            return fail(r, r->line, "expected NAME: VALUE");
        const char *param = r->text;
        const int line = r->line;
        TRY(next(r));
        TRY(read_words(r, words, &n));
        TRY(at_line(r, line, vn_step_set(s, r->a, param, words, n, r->e)));
    }
}

/* One entry of the list: NAME, or {NAME: value}, or {NAME: {param: value}}; its first event was read. */
static int read_step(struct reader *r, struct vn_pipeline *p)
{
    struct vn_pipe_step s;
    const char *words[MAX_WORDS];
    const int mapping = r->type == YAML_MAPPING_START_EVENT, line = r->line;
    int n;
    if (mapping)
        TRY(next(r));
    if (r->type != YAML_SCALAR_EVENT || !*r->text)
        return fail(r, r->line, "expected a step: NAME, or NAME: {PARAMETER: VALUE}");
    if (!mapping) /* as in the short form: with arguments in brackets */
        TRY(at_line(r, line,
                    parse_short(&s, r->a, vn_arena_str(r->a, r->text + strspn(r->text, " \t\n")), r->e)));
    else {
        TRY(at_line(r, line, start_step(&s, r->text, r->e)));
        TRY(next(r));
        if (r->type == YAML_MAPPING_START_EVENT)
            TRY(read_params(r, &s));
        else {
            TRY(read_words(r, words, &n));
            if (n != 1 || *words[0])
                TRY(at_line(r, line, vn_step_set(&s, r->a, NULL, words, n, r->e)));
        }
        TRY(next(r));
        if (r->type != YAML_MAPPING_END_EVENT)
            return fail(r, r->line, "expected one step in each entry of the list (a '-' before it)");
    }
    s.line = line;
    return at_line(r, line, add_step(p, r->a, &s, r->e));
}

static int read_document(struct reader *r, struct vn_pipeline *p)
{
    TRY(next(r)); /* stream */
    TRY(next(r)); /* document */
    if (r->type != YAML_DOCUMENT_START_EVENT)
        return fail(r, 1, "expected steps: and a list of steps");
    TRY(next(r));
    const int mapping = r->type == YAML_MAPPING_START_EVENT;
    if (mapping) {
        TRY(next(r));
        if (r->type != YAML_SCALAR_EVENT || strcmp(r->text, "steps"))
            return fail(r, r->line, "expected steps: and a list of steps");
        TRY(next(r));
    }
    if (r->type != YAML_SEQUENCE_START_EVENT)
        return fail(r, r->line, "expected a list of steps");
    for (;;) {
        TRY(next(r));
        if (r->type == YAML_SEQUENCE_END_EVENT)
            break;
        TRY(read_step(r, p));
    }
    TRY(next(r));
    return r->type == (mapping ? YAML_MAPPING_END_EVENT : YAML_DOCUMENT_END_EVENT)
               ? VN_OK
               : fail(r, r->line, "expected nothing after the list of steps");
}

int vn_pipeline_yaml(struct vn_pipeline **out, struct vn_arena *a, const char *text, size_t bytes,
                     const char *path, struct vn_err *e)
{
    struct vn_pipeline *p = NEW(a, struct vn_pipeline);
    struct vn_arena *work = vn_arena_new(); /* the parser is released with it, also when memory runs out */
    struct reader *r = NEW(work, struct reader);
    *r = (struct reader){ .a = a, .path = path, .e = e };
    p->path = vn_arena_str(a, path);
    *out = p;
    vn_arena_defer(work, release, r);
    int status = vn_fail(e, VN_E_NOMEM, "%s: out of memory", path);
    if (yaml_parser_initialize(&r->parser)) {
        yaml_parser_set_input_string(&r->parser, (const unsigned char *)text, bytes);
        status = read_document(r, p);
    }
    vn_arena_free(&work);
    return status;
}

/* ---- and back ---- */

/* As few digits as give the same number again. */
static const char *number_text(double x, struct vn_arena *a)
{
    const char *text = vn_arena_fmt(a, "%.9g", x);
    for (int digits = 10; strtod(text, NULL) != x; digits++)
        text = vn_arena_fmt(a, "%.*g", digits, x);
    return text;
}

static const char *quoted(const char *s, struct vn_arena *a)
{
    const char *text = "\"";
    for (; *s; s++)
        text = vn_arena_fmt(a,
                            *s == '"' || *s == '\\'   ? "%s\\%c"
                            : (unsigned char)*s < ' ' ? "%s\\x%02x"
                                                      : "%s%c",
                            text, *s);
    return vn_arena_fmt(a, "%s\"", text);
}

static const char *value_text(const struct vn_step_param *p, const struct vn_step_value *v,
                              struct vn_arena *a)
{
    if (!is_number(p))
        return v->word;
    const char *text = v->n > 1 ? "[" : "";
    for (int i = 0; i < v->n; i++)
        text = vn_arena_fmt(a, "%s%s%s", text, i ? ", " : "", number_text(v->v[i], a));
    return v->n > 1 ? vn_arena_fmt(a, "%s]", text) : text;
}

/* What was given, and defaults that are not empty; of alternatives (divide, times) only what was given. */
static const char *step_text(const struct vn_pipe_step *s, struct vn_arena *a)
{
    if (s->transform)
        return quoted(s->text, a);
    const char *text = "";
    for (int i = 0; s->kind->params[i].name; i++) {
        const struct vn_step_param *p = &s->kind->params[i];
        const char *v = value_text(p, &s->value[i], a);
        if (*v && (s->value[i].given || p->kind != VN_PARAM_REAL))
            text = vn_arena_fmt(a, "%s%s%s: %s", text, *text ? ", " : "", p->name, v);
    }
    if (strcmp(s->stage, s->kind->name))
        text = vn_arena_fmt(a, "%s%sstage: %s", text, *text ? ", " : "", s->stage);
    return *text ? vn_arena_fmt(a, "%s: {%s}", s->kind->name, text) : s->kind->name;
}

const char *vn_pipeline_text(const struct vn_pipeline *p, struct vn_arena *a)
{
    const char *text = p->steps.n ? "steps:\n" : "steps: []\n";
    for (int i = 0; i < p->steps.n; i++)
        text = vn_arena_fmt(a, "%s  - %s\n", text, step_text(&p->steps.v[i], a));
    return text;
}

const char *vn_pipeline_line(const struct vn_pipeline *p, struct vn_arena *a)
{
    const char *text = "[";
    for (int i = 0; i < p->steps.n; i++)
        text = vn_arena_fmt(a, "%s%s%s", text, i ? ", " : "", step_text(&p->steps.v[i], a));
    return vn_arena_fmt(a, "%s]", text);
}
