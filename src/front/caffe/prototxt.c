#include "front/caffe/prototxt.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/config.h"

/* ---- tokens ---- */

enum token { TOK_END, TOK_WORD, TOK_STRING, TOK_SIGN, TOK_BAD };

struct lexer {
    struct vn_arena *arena;
    const char *p, *end, *path;
    int line;
    enum token kind;
    char sign; /* TOK_SIGN */
    const char *text; /* TOK_WORD, TOK_STRING */
    int at_line; /* where the token starts */
    struct vn_err *e;
};

struct characters {
    char *v;
    int n, cap;
};

static int fail(const struct lexer *x, const char *what)
{
    return vn_fail(x->e, VN_E_INPUT, "%s:%d: %s", x->path, x->at_line, what);
}

static void skip_space(struct lexer *x)
{
    for (; x->p < x->end; x->p++) {
        if (*x->p == '#')
            while (x->p < x->end && *x->p != '\n')
                x->p++;
        if (x->p == x->end || !isspace((unsigned char)*x->p))
            break;
        x->line += *x->p == '\n';
    }
}

static int is_word(char c) { return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '+'; }

static int hex_digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* The character behind a backslash, in any of its spellings; -1: none that is known. */
static int escaped(struct lexer *x)
{
    static const char names[] = "abfnrtv\\'\"?", values[] = "\a\b\f\n\r\t\v\\'\"?";
    const char c = *x->p++, *known = strchr(names, c);
    int code = 0, n = 0;
    if (c && known)
        return values[known - names];
    if (c == 'x' || c == 'X') {
        for (; n < 2 && x->p < x->end && isxdigit((unsigned char)*x->p); n++)
            code = code * 16 + hex_digit(*x->p++);
        return n ? code : -1;
    }
    for (x->p--; n < 3 && x->p < x->end && *x->p >= '0' && *x->p <= '7'; n++)
        code = code * 8 + *x->p++ - '0';
    return n ? code & 255 : -1;
}

/* One quoted piece behind what `s` holds already. */
static int quoted(struct lexer *x, struct characters *s)
{
    const char quote = *x->p++;
    while (x->p < x->end && *x->p != quote) {
        int c = (unsigned char)*x->p++;
        if (c == '\n')
            return fail(x, "unterminated string on this line");
        if (c == '\\') {
            if (x->p == x->end)
                break;
            c = escaped(x);
        }
        if (c <= 0)
            return fail(x, c < 0 ? "unknown escape in a string" : "zero byte in a string");
        VEC_PUSH(x->arena, s, (char)c);
    }
    if (x->p == x->end)
        return fail(x, "unterminated string");
    x->p++;
    return VN_OK;
}

static int is_quote(const struct lexer *x) { return x->p < x->end && (*x->p == '"' || *x->p == '\''); }

/* Strings that follow each other are one. */
static int string(struct lexer *x)
{
    struct characters s = { 0 };
    while (is_quote(x)) {
        TRY(quoted(x, &s));
        skip_space(x);
    }
    VEC_PUSH(x->arena, &s, 0);
    x->text = s.v;
    return VN_OK;
}

static int next(struct lexer *x)
{
    skip_space(x);
    x->at_line = x->line;
    x->kind = TOK_END;
    if (x->p == x->end)
        return VN_OK;
    if (is_quote(x)) {
        x->kind = TOK_STRING;
        return string(x);
    }
    const char *from = x->p;
    if (*x->p == '-')
        x->p++;
    while (x->p < x->end && (is_word(*x->p) || (*x->p == '-' && tolower((unsigned char)x->p[-1]) == 'e' &&
                                                !isalpha((unsigned char)*from))))
        x->p++;
    if (x->p > from) {
        x->kind = TOK_WORD;
        x->text = vn_arena_strn(x->arena, from, (size_t)(x->p - from));
        return VN_OK;
    }
    x->kind = TOK_SIGN;
    x->sign = *x->p++;
    return strchr("{}<>[]:,;", x->sign) && x->sign
               ? VN_OK
               : fail(x, vn_arena_fmt(x->arena, "unexpected byte 0x%02x", (unsigned char)x->sign));
}

static int is_sign(const struct lexer *x, char c) { return x->kind == TOK_SIGN && x->sign == c; }
static int opens(const struct lexer *x) { return is_sign(x, '{') || is_sign(x, '<'); }

static const char *token_text(const struct lexer *x)
{
    if (x->kind == TOK_END)
        return "the end of the file";
    return x->kind == TOK_SIGN ? vn_arena_fmt(x->arena, "'%c'", x->sign)
                               : vn_arena_fmt(x->arena, "'%.40s'", x->text);
}

static int unexpected(const struct lexer *x, const char *want)
{
    return fail(x, vn_arena_fmt(x->arena, "expected %s, got %s", want, token_text(x)));
}

/* ---- the tree ---- */

struct parser {
    struct lexer x;
    struct {
        struct text_node *node;
        char close; /* 0: the file */
        const char *list; /* inside [ ]: the field's name */
    } stack[TEXT_MAX_DEPTH];
    int depth;
};

static struct text_node *add_child(struct parser *p, const char *name)
{
    struct text_node *n = NEW(p->x.arena, struct text_node), *top = p->stack[p->depth - 1].node;
    n->name = name;
    n->line = p->x.at_line;
    VEC_PUSH(p->x.arena, &top->of, n);
    return n;
}

/* The token is the beginning of a value. */
static int value(struct parser *p, const char *name)
{
    if (!opens(&p->x)) {
        if (p->x.kind != TOK_WORD && p->x.kind != TOK_STRING)
            return unexpected(&p->x, vn_arena_fmt(p->x.arena, "a value of %.60s", name));
        struct text_node *n = add_child(p, name);
        n->text = p->x.text;
        n->quoted = p->x.kind == TOK_STRING;
        return VN_OK;
    }
    if (p->depth == TEXT_MAX_DEPTH)
        return fail(&p->x, "messages are nested too deeply");
    const char close = p->x.sign == '{' ? '}' : '>';
    struct text_node *n = add_child(p, name);
    p->stack[p->depth].node = n;
    p->stack[p->depth].close = close;
    p->stack[p->depth++].list = NULL;
    return VN_OK;
}

/* The token is a field's name. */
static int field(struct parser *p)
{
    const char *name = p->x.text;
    if (p->x.kind != TOK_WORD || !(isalpha((unsigned char)*name) || *name == '_'))
        return unexpected(&p->x, "a field name");
    TRY(next(&p->x));
    const int colon = is_sign(&p->x, ':');
    if (colon)
        TRY(next(&p->x));
    if (colon && is_sign(&p->x, '[')) {
        p->stack[p->depth - 1].list = name;
        return VN_OK;
    }
    if (!colon && !opens(&p->x))
        return unexpected(&p->x, vn_arena_fmt(p->x.arena, "':' or '{' after %.60s", name));
    return value(p, name);
}

static int step(struct parser *p)
{
    const char *list = p->stack[p->depth - 1].list;
    const char close = list ? ']' : p->stack[p->depth - 1].close;
    if (p->x.kind == TOK_END)
        return fail(
            &p->x,
            vn_arena_fmt(
                p->x.arena,
                "missing '%c' at the end of the file: the message that starts on line %d is not closed",
                close, p->stack[p->depth - 1].node->line));
    if (is_sign(&p->x, ',') || is_sign(&p->x, ';'))
        return VN_OK;
    if (close && is_sign(&p->x, close)) {
        if (list)
            p->stack[p->depth - 1].list = NULL;
        else
            p->depth--;
        return VN_OK;
    }
    return list ? value(p, list) : field(p);
}

int vn_text_parse(struct text_node **root, struct vn_arena *a, const char *data, size_t bytes,
                  const char *path, struct vn_err *e)
{
    struct parser p = {
        .x = { .arena = a, .p = data, .end = data + bytes, .path = path, .line = 1, .at_line = 1, .e = e },
        .depth = 1
    };
    if (bytes > INT_MAX / 4)
        return vn_fail(e, VN_E_INPUT, "%s: %zu bytes exceed the limit of a prototxt", path, bytes);
    p.stack[0].node = *root = NEW(a, struct text_node);
    p.stack[0].node->line = 1;
    for (;;) {
        TRY(next(&p.x));
        if (p.x.kind == TOK_END && p.depth == 1 && !p.stack[0].list)
            return VN_OK;
        TRY(step(&p));
    }
}

/* ---- tables ---- */

const struct text_field *vn_text_field(const struct text_message *m, const char *name)
{
    for (const struct text_field *f = m->fields; f->kind; f++)
        if (!strcmp(f->name, name))
            return f;
    return NULL;
}

void vn_text_defaults(void *out, const struct text_message *m)
{
    memset(out, 0, m->size);
    for (const struct text_field *f = m->fields; f->kind; f++) {
        char *place = (char *)out + f->offset;
        if (f->kind == TEXT_FLOAT)
            *(double *)place = f->def;
        else if (f->kind == TEXT_INT || f->kind == TEXT_BOOL || f->kind == TEXT_ENUM)
            *(int64_t *)place = (int64_t)f->def;
    }
}

struct reading {
    struct vn_arena *a;
    struct text_listener *l;
    int problems;
};

static void report(struct reading *r, const struct text_node *n, const char *text)
{
    r->problems++;
    r->l->count++;
    r->l->problem(r->l->user, n->line, text);
}

static void wrong(struct reading *r, const struct text_node *n, const char *want)
{
    report(r, n,
           vn_arena_fmt(r->a, "%s: expected %s, got %s%.60s%s", n->name, want, n->text ? "'" : "",
                        n->text ? n->text : "a message", n->text ? "'" : ""));
}

static int64_t get_int(struct reading *r, const struct text_field *f, const struct text_node *n)
{
    char *end = NULL;
    const long long x = n->text && !n->quoted ? strtoll(n->text, &end, 0) : 0;
    if (end && end != n->text && !*end && x >= f->min && x <= f->max)
        return x;
    wrong(r, n, vn_arena_fmt(r->a, "an integer from %.0f to %.0f", f->min, f->max));
    return (int64_t)f->min;
}

static double get_float(struct reading *r, const struct text_node *n)
{
    char *end = NULL;
    const double x = n->text && !n->quoted ? strtod(n->text, &end) : 0;
    if (end && end != n->text && (!*end || !strcmp(end, "f")) && fabs(x) <= 3.4028234663852886e38)
        return (double)(float)x;
    wrong(r, n, "a number");
    return 0;
}

static int64_t get_bool(struct reading *r, const struct text_node *n)
{
    static const char *const words[] = { "false", "true", "False", "True", "f", "t", "0", "1" };
    for (int i = 0; n->text && !n->quoted && i < 8; i++)
        if (!strcmp(n->text, words[i]))
            return i & 1;
    wrong(r, n, "true or false");
    return 0;
}

/* A name, or its number. */
static int64_t get_enum(struct reading *r, const struct text_field *f, const struct text_node *n)
{
    char *list = vn_arena_str(r->a, "one of");
    for (int i = 0; f->choices[i]; i++) {
        if (n->text &&
            (!strcmp(n->text, f->choices[i]) || !strcmp(n->text, vn_arena_fmt(r->a, "%d", i + (int)f->min))))
            return i;
        list = vn_arena_fmt(r->a, "%s%s %s", list, i ? "," : "", f->choices[i]);
    }
    wrong(r, n, list);
    return (int64_t)f->def;
}

static const char *get_string(struct reading *r, const struct text_node *n)
{
    if (n->text && n->quoted)
        return n->text;
    wrong(r, n, "a string in quotes");
    return "";
}

static void read_message(struct reading *r, void *out, const struct text_message *m,
                         const struct text_node *n);

static void read_single(struct reading *r, char **single, const struct text_field *f,
                        const struct text_node *n)
{
    if (!*single)
        vn_text_defaults(*single = vn_arena_alloc(r->a, f->message->size), f->message);
    read_message(r, *single, f->message, n);
}

static void read_repeated(struct reading *r, struct text_list *list, const struct text_field *f,
                          const struct text_node *n)
{
    if (list->n == list->cap)
        list->v = vn_vec_grow(r->a, list->v, list->n, &list->cap, f->message->size);
    char *one = (char *)list->v + (size_t)list->n++ * f->message->size;
    vn_text_defaults(one, f->message);
    read_message(r, one, f->message, n);
}

static void read_nested(struct reading *r, char *place, const struct text_field *f, const struct text_node *n)
{
    if (n->text)
        wrong(r, n, "a message in { }");
    else if (f->kind == TEXT_MESSAGE)
        read_single(r, (char **)place, f, n);
    else
        read_repeated(r, (struct text_list *)place, f, n);
}

static void read_field(struct reading *r, char *place, const struct text_field *f, const struct text_node *n)
{
    switch (f->kind) {
    case TEXT_INT: *(int64_t *)place = get_int(r, f, n); break;
    case TEXT_FLOAT: *(double *)place = get_float(r, n); break;
    case TEXT_BOOL: *(int64_t *)place = get_bool(r, n); break;
    case TEXT_ENUM: *(int64_t *)place = get_enum(r, f, n); break;
    case TEXT_STRING: *(const char **)place = get_string(r, n); break;
    case TEXT_INTS: VEC_PUSH(r->a, (struct text_ints *)place, get_int(r, f, n)); break;
    case TEXT_FLOATS: VEC_PUSH(r->a, (struct text_floats *)place, get_float(r, n)); break;
    case TEXT_STRINGS: VEC_PUSH(r->a, (struct text_strings *)place, get_string(r, n)); break;
    case TEXT_MESSAGE:
    case TEXT_MESSAGES: read_nested(r, place, f, n); break;
    case TEXT_ANY:
    case TEXT_END: break;
    }
}

static void unknown(struct reading *r, const struct text_message *m, const struct text_node *n)
{
    const char *names[128];
    int count = 0;
    for (const struct text_field *f = m->fields; f->kind && count < 128; f++)
        names[count++] = f->name;
    const char *near = r->l->count < TEXT_ADVISED ? vn_nearest(n->name, names, count) : NULL;
    report(r, n,
           near ? vn_arena_fmt(r->a, "unknown field '%.60s'; nearest: '%s'", n->name, near)
                : vn_arena_fmt(r->a, "unknown field '%.60s'", n->name));
}

static void read_message(struct reading *r, void *out, const struct text_message *m,
                         const struct text_node *n)
{
    for (int i = 0; i < n->of.n; i++) {
        const struct text_field *f = vn_text_field(m, n->of.v[i]->name);
        if (f)
            read_field(r, (char *)out + f->offset, f, n->of.v[i]);
        else
            unknown(r, m, n->of.v[i]);
    }
}

int vn_text_read(void *out, const struct text_message *m, const struct text_node *n, struct vn_arena *a,
                 struct text_listener *l)
{
    struct reading r = { a, l, 0 };
    read_message(&r, out, m, n);
    return r.problems;
}

int vn_text_read_field(void *out, const struct text_field *f, const struct text_node *n, struct vn_arena *a,
                       struct text_listener *l)
{
    struct reading r = { a, l, 0 };
    read_field(&r, (char *)out + f->offset, f, n);
    return r.problems;
}

void vn_text_unknown(const struct text_message *m, const struct text_node *n, struct vn_arena *a,
                     struct text_listener *l)
{
    struct reading r = { a, l, 0 };
    unknown(&r, m, n);
}
