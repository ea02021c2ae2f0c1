/* The configuration with the plan's types in node_info, everything else as it was written. */
#include <stdio.h>

#include "base/file.h"
#include "tune/tuner.h"

/* Text that grows. */
struct text {
    struct vn_arena *arena;
    VEC(char) v;
};

static void add(struct text *t, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        VEC_PUSH(t->arena, &t->v, s[i]);
}

static void add_string(struct text *t, const char *s) { add(t, s, strlen(s)); }

static const char *finish(struct text *t)
{
    add(t, "", 1);
    return t->v.v;
}

/* ---- types as YAML ---- */

static void add_member(struct text *t, int *n, const char *key, const char *value)
{
    add_string(t, (*n)++ ? ", " : "{");
    add_string(t, key);
    add_string(t, ": ");
    add_string(t, value);
}

static const char *bits_word(int bits) { return bits == 16 ? "int16" : "int8"; }

static int same_inputs(const struct type_rule *r)
{
    for (int i = 1; i < CONFIG_NODE_INPUTS; i++)
        if (r->in[i] != r->in[0])
            return 0;
    return r->in[0] != 0;
}

static void add_types(struct text *t, const struct type_rule *r)
{
    int n = 0;
    if (r->on)
        add_member(t, &n, "ON", r->on == UNIT_FLOAT ? "CPU" : "BPU");
    if (same_inputs(r))
        add_member(t, &n, "InputType", bits_word(r->in[0]));
    for (int i = 0; i < CONFIG_NODE_INPUTS && !same_inputs(r); i++)
        if (r->in[i])
            add_member(t, &n, vn_arena_fmt(t->arena, "InputType%d", i), bits_word(r->in[i]));
    if (r->out)
        add_member(t, &n, "OutputType", bits_word(r->out));
    add_string(t, "}");
}

/* 'NAME', with quotes doubled. */
static void add_quoted(struct text *t, const char *name)
{
    add_string(t, "'");
    for (; *name; name++) {
        add(t, name, 1);
        if (*name == '\'')
            add_string(t, "'");
    }
    add_string(t, "'");
}

/* flow: between braces, where keys end with a comma. */
static const char *block_of(struct vn_arena *a, const struct type_rules *r, const char *indent, int flow)
{
    struct text t = { .arena = a };
    if (r->rules.n)
        add_string(&t, vn_arena_fmt(a, "%snode_info:%s\n", flow ? "" : indent, flow ? " {" : ""));
    for (int i = 0; i < r->rules.n; i++) {
        add_string(&t, vn_arena_fmt(a, "%s  ", indent));
        add_quoted(&t, r->rules.v[i].name);
        add_string(&t, ": ");
        add_types(&t, &r->rules.v[i]);
        add_string(&t, !flow ? "\n" : i + 1 < r->rules.n ? ",\n" : "},\n");
    }
    if (flow && r->rules.n)
        add_string(&t, indent);
    return finish(&t);
}

/* ---- with what the file has already ---- */

static void lay_over(struct type_rule *under, const struct type_rule *r)
{
    under->out = r->out ? r->out : under->out;
    under->on = r->on ? r->on : under->on;
    for (int i = 0; i < CONFIG_NODE_INPUTS; i++)
        under->in[i] = r->in[i] ? r->in[i] : under->in[i];
    if (under->on == UNIT_FLOAT) {
        memset(under->in, 0, sizeof under->in);
        under->out = 0;
    }
}

static void merge(struct type_rules *all, struct vn_arena *a, const struct type_rule *r)
{
    for (int i = 0; i < all->rules.n; i++)
        if (!strcmp(all->rules.v[i].name, r->name)) {
            lay_over(&all->rules.v[i], r);
            return;
        }
    VEC_PUSH(a, &all->rules, *r);
}

static struct type_rules all_rules(struct vn_arena *a, const struct tuner *t, const unsigned char *type)
{
    const struct config *c = t->c->config;
    const struct setting *given = vn_config_used(c, "node_info");
    struct type_rules all = { 0 }, plan;
    vn_tune_rules(&plan, a, t, type);
    for (int i = 0; i < c->types.n && given; i++)
        if (c->types.v[i].given == given)
            merge(&all, a, &c->types.v[i]);
    for (int i = 0; i < plan.rules.n; i++)
        merge(&all, a, &plan.rules.v[i]);
    return all;
}

/* ---- in the file ---- */

struct place {
    size_t begin, end; /* what is replaced */
    const char *indent;
    int flow; /* between braces */
};

static size_t line_start(const char *text, int line)
{
    const char *at = text;
    for (; line > 1 && strchr(at, '\n'); line--)
        at = strchr(at, '\n') + 1;
    return (size_t)(at - text);
}

static size_t indent_at(const char *text, size_t at) { return strspn(text + at, " "); }

static size_t next_line(const char *text, size_t at)
{
    const char *end = strchr(text + at, '\n');
    return end ? (size_t)(end - text) + 1 : strlen(text);
}

/* Lines of a key: to the next one that is not further in. */
static size_t end_of_key(const char *text, size_t at)
{
    const size_t indent = indent_at(text, at);
    size_t end = next_line(text, at);
    for (size_t line = end; text[line]; line = next_line(text, line)) {
        const char first = text[line + indent_at(text, line)];
        if (first != '\n' && first != '#' && indent_at(text, line) <= indent)
            break;
        if (first != '\n' && indent_at(text, line) > indent)
            end = next_line(text, line);
    }
    return end;
}

/* Braces that are open in front of `at`. */
static int depth_at(const char *text, size_t at)
{
    int depth = 0;
    char quote = 0;
    for (size_t i = 0; i < at; i++) {
        const char c = text[i];
        if (quote || c == '"' || c == '\'')
            quote = quote ? (c == quote ? 0 : quote) : c;
        else if (c == '#' && (!i || strchr(" \n", text[i - 1])))
            i = next_line(text, i) - 1;
        else
            depth += c == '{' ? 1 : c == '}' ? -1 : 0;
    }
    return depth;
}

/* Where the key itself begins. */
static size_t key_start(const char *text, const struct setting *s)
{
    size_t at = line_start(text, s->line);
    for (int column = 1; column < s->column && text[at]; column++)
        do
            at++;
        while ((text[at] & 0xc0) == 0x80);
    return at;
}

static const struct setting *first_setting(const struct config *c, const char *group)
{
    const struct setting *first = NULL;
    for (int i = 0; i < c->settings.n; i++) {
        const struct setting *s = &c->settings.v[i];
        if (!strcmp(s->key->group, group) && (!first || s->line < first->line))
            first = s;
    }
    return first;
}

/* In front of a key. */
static void set_place(struct place *p, const struct tuner *t, const char *text, const struct setting *s)
{
    p->begin = line_start(text, s->line);
    p->indent = vn_arena_strn(t->kept, text + p->begin, indent_at(text, p->begin));
    p->flow = depth_at(text, key_start(text, s)) > 0;
    if (p->flow)
        p->begin = key_start(text, s);
    p->end = p->begin;
}

/* The key, or in front of the first one of model_parameters. */
static int find_place(struct place *p, const struct tuner *t, const char *text, struct vn_err *e)
{
    const struct config *c = t->c->config;
    const struct setting *given = vn_config_given(c, "node_info"),
                         *first = given ? given : first_setting(c, "model_parameters");
    if (!first)
        return vn_fail(e, VN_E_UNSUPPORTED, "%s: no place for node_info: expected model_parameters", c->path);
    set_place(p, t, text, first);
    if (given && p->flow)
        return vn_fail(e, VN_E_UNSUPPORTED, "%s:%d: node_info between braces cannot be rewritten", c->path,
                       given->line);
    p->end = given ? end_of_key(text, p->begin) : p->begin;
    return VN_OK;
}

/* ---- how weights are refined: keys of calibration_parameters ---- */

int vn_tune_can_refine(const struct tuner *t)
{
    static const char *const keys[] = { "effort", "rounding", "sequential_bias" };
    const struct config *c = t->c->config;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (vn_config_given(c, keys[i]))
            return 0;
    return t->held.range_samples && c->calibration_type != CALIBRATION_LOAD &&
           c->calibration_type != CALIBRATION_SKIP && !c->random_data &&
           first_setting(c, "calibration_parameters");
}

static const char *refining(struct vn_arena *a, const struct tuner *t, int ways, struct place p)
{
    static const struct {
        int way;
        const char *key;
    } keys[] = { { VN_REFINE_ROUNDED, "rounding" }, { VN_REFINE_BIASES, "sequential_bias" } };
    struct text text = { .arena = a };
    for (size_t i = 0; i < sizeof keys / sizeof *keys && ways != t->base_ways; i++)
        if (ways & keys[i].way)
            add_string(&text, p.flow ? vn_arena_fmt(a, "%s: 'on', ", keys[i].key)
                                     : vn_arena_fmt(a, "%s%s: 'on'\n", p.indent, keys[i].key));
    return finish(&text);
}

static int is_same(const struct type_rule *x, const struct type_rule *y)
{
    return !strcmp(x->name, y->name) && x->on == y->on && x->out == y->out &&
           !memcmp(x->in, y->in, sizeof x->in);
}

/* Does the file say what it should? Keys can be written in ways that lines do not show. */
static int check(const struct tuner *t, struct vn_arena *a, const char *text, const struct type_rules *want,
                 int ways, struct vn_err *e)
{
    struct config *c;
    int n = 0, same;
    const int status = vn_config_read_memory(&c, a, text, strlen(text), t->c->config->path, e);
    if (status == VN_E_NOMEM)
        return status;
    const struct setting *given = status < 0 ? NULL : vn_config_given(c, "node_info");
    same = status == VN_OK;
    for (int i = 0; same && i < c->types.n; i++)
        if (given && c->types.v[i].given == given) {
            same = same && n < want->rules.n && is_same(&c->types.v[i], &want->rules.v[n]);
            n++;
        }
    if (same && ways != t->base_ways)
        same = (c->rounding == REFINE_ON) == !!(ways & VN_REFINE_ROUNDED) &&
               (c->sequential_bias == REFINE_ON) == !!(ways & VN_REFINE_BIASES);
    return same && n == want->rules.n
               ? VN_OK
               : vn_fail(e, VN_E_UNSUPPORTED,
                         "%s: a plan cannot be written into it: expected keys in lines of their own",
                         t->c->config->path);
}

/* ---- the difference ---- */

static void add_lines(struct text *out, char sign, const char *from, size_t n)
{
    for (size_t at = 0; at < n;) {
        const size_t end = next_line(from, at) < n ? next_line(from, at) : n;
        add(out, &sign, 1);
        add(out, from + at, end - at);
        at = end;
    }
}

/* A part of the file that becomes a block. */
struct edit {
    struct place place;
    const char *block;
};

static void add_difference(struct text *t, const char *old, const struct edit *x)
{
    const size_t n = strlen(x->block), before = x->place.end - x->place.begin;
    if (before == n && !memcmp(old + x->place.begin, x->block, n))
        return;
    add_lines(t, '-', old + x->place.begin, before);
    add_lines(t, '+', x->block, n);
}

/* In the order of the file. */
static void apply(struct text *out, struct text *difference, const char *old, const struct edit *x, int n)
{
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        add(out, old + at, x[i].place.begin - at);
        add_string(out, x[i].block);
        add_difference(difference, old, &x[i]);
        at = x[i].place.end;
    }
    add_string(out, old + at);
}

static int make_yaml(const char **text, struct tuner *t, struct vn_arena *a, const struct tune_plan *plan,
                     struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    struct edit x[2] = { 0 };
    struct text out = { .arena = a }, difference = { .arena = t->kept };
    TRY(vn_file_map(a, t->c->config->path, &data, &bytes, e));
    const char *old = vn_arena_strn(a, (const char *)data, bytes);
    TRY(find_place(&x[0].place, t, old, e));
    const struct type_rules rules = all_rules(a, t, plan->type);
    x[0].block = block_of(a, &rules, x[0].place.indent, x[0].place.flow);
    const int both = plan->ways != t->base_ways;
    if (both) {
        set_place(&x[1].place, t, old, first_setting(t->c->config, "calibration_parameters"));
        x[1].block = refining(a, t, plan->ways, x[1].place);
    }
    if (both && x[1].place.begin < x[0].place.begin) {
        const struct edit first = x[1];
        x[1] = x[0];
        x[0] = first;
    }
    apply(&out, &difference, old, x, 1 + both);
    *text = finish(&out);
    t->difference = finish(&difference);
    return check(t, a, *text, &rules, plan->ways, e);
}

int vn_tune_write_yaml(struct tuner *t, const struct tune_plan *p, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    const char *text;
    int status = make_yaml(&text, t, a, p, e);
    if (status == VN_OK)
        status = vn_file_write(t->yaml, text, strlen(text), e);
    vn_arena_free(&a);
    return status;
}

/* Some type for all groups: whether there is a place for it. */
int vn_tune_check_yaml(struct tuner *t, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    const char *text;
    unsigned char *type = NEW_ARRAY(a, unsigned char, t->groups.n);
    for (int i = 0; i < t->groups.n; i++)
        for (int k = 1; k < VN_TUNE_TYPES; k++)
            if (t->groups.v[i].allowed >> k & 1)
                type[i] = (unsigned char)k;
    const struct tune_plan p = { type, vn_tune_can_refine(t) ? VN_REFINE_WAYS - 1 : t->base_ways };
    const int status = make_yaml(&text, t, a, &p, e);
    vn_arena_free(&a);
    return status;
}
