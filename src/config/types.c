/* Types of nodes: node_info, run_on_cpu, run_on_bpu, set_node_data_type and the words set_... of optimization
 * become rules. */
#include "config/types.h"

#include <stdlib.h>
#include <strings.h>

#include "config/settings.h"

static struct type_rule *add_rule(struct config *c, struct vn_arena *a, const struct setting *s,
                                  enum type_level level, const char *name)
{
    const struct type_rule r = {
        .level = level, .name = name, .given = s, .line = s->line, .column = s->column
    };
    VEC_PUSH(a, &c->types, r);
    return &c->types.v[c->types.n - 1];
}

static void set_inputs(struct type_rule *r, int bits)
{
    for (int i = 0; i < CONFIG_NODE_INPUTS; i++)
        r->in[i] = bits;
}

int vn_config_bits(const char *word) { return !strcmp(word, "int8") ? 8 : !strcmp(word, "int16") ? 16 : 0; }

struct type_rule *vn_config_add_type(struct config *c, struct vn_arena *a, const struct setting *s,
                                     enum type_level level, const char *name, int bits)
{
    struct type_rule *r = add_rule(c, a, s, level, name);
    set_inputs(r, bits);
    r->out = bits;
    return r;
}

/* ---- words of optimization ---- */

int vn_config_type_word(struct config *c, struct vn_arena *a, const struct setting *s, const char *word)
{
    static const struct {
        const char *end;
        int in, out;
    } forms[] = { { "_input_int8", 8, 0 },
                  { "_input_int16", 16, 0 },
                  { "_output_int8", 0, 8 },
                  { "_output_int16", 0, 16 } };
    if (!strcmp(word, "set_all_nodes_int16")) {
        vn_config_add_type(c, a, s, LEVEL_ALL, NULL, 16);
        return 1;
    }
    if (!strcmp(word, "run_fast")) {
        vn_config_add_type(c, a, s, LEVEL_ALL, NULL, 0)->on = UNIT_INTEGER;
        return 1;
    }
    const size_t n = strlen(word);
    for (size_t i = 0; i < sizeof forms / sizeof *forms && !strncmp(word, "set_", 4); i++) {
        const size_t k = strlen(forms[i].end);
        if (n <= k + 4 || strcmp(word + n - k, forms[i].end))
            continue;
        struct type_rule *r = add_rule(c, a, s, LEVEL_KIND, vn_arena_strn(a, word + 4, n - k - 4));
        set_inputs(r, forms[i].in);
        r->out = forms[i].out;
        r->on = UNIT_INTEGER;
        r->word = word;
        return 1;
    }
    return 0;
}

/* ---- 'NODE:int16;NODE:int8' ---- */

static int add_pair(struct config *c, struct vn_arena *a, const struct setting *s, const char *word,
                    int inputs_too, struct vn_err *e)
{
    const char *colon = strrchr(word, ':'); /* names may hold colons */
    const char **parts;
    const int one = colon && vn_config_split(a, colon + 1, ';', &parts) == 1;
    const int bits = one ? vn_config_bits(parts[0]) : 0;
    if (!bits || colon == word)
        return vn_config_fail(c, s, e, VN_E_INPUT,
                              "expected NODE:int8 or NODE:int16, separated by ';', got '%s'", word);
    vn_config_split(a, vn_arena_strn(a, word, (size_t)(colon - word)), ';', &parts);
    struct type_rule *r = add_rule(c, a, s, LEVEL_NODE, parts[0]);
    set_inputs(r, inputs_too ? bits : 0);
    r->out = bits;
    return VN_OK;
}

static int add_pairs(struct config *c, struct vn_arena *a, const struct setting *s, int inputs_too,
                     struct vn_err *e)
{
    const char **words;
    const int n = s && s->text ? vn_config_split(a, s->text, ';', &words) : 0;
    for (int i = 0; i < n; i++)
        NOTE(c, a, add_pair(c, a, s, words[i], inputs_too, e), e);
    return VN_OK;
}

/* ---- {NODE: {ON: BPU, InputType: int16, OutputType: int8}} ---- */

static int bad_leaf(const struct config *c, const struct setting *s, const struct leaf *l, struct vn_err *e,
                    const char *want)
{
    const struct type_rule at = { .given = s, .line = l->line, .column = l->column };
    return vn_config_fail_rule(c, &at, e, VN_E_INPUT, "%s: expected %s, got '%s%s%s'", l->first, want,
                               l->second ? l->second : "", l->second ? ": " : "", l->text);
}

static int apply_leaf(const struct config *c, const struct setting *s, const struct leaf *l,
                      struct type_rule *r, struct vn_err *e)
{
    const int bits = vn_config_bits(l->text);
    char *end;
    if (!l->second)
        return bad_leaf(c, s, l, e, "{ON: ..., InputType: ..., OutputType: ...}");
    if (!strcasecmp(l->second, "ON")) {
        if (strcasecmp(l->text, "BPU") && strcasecmp(l->text, "CPU"))
            return bad_leaf(c, s, l, e, "ON: BPU or ON: CPU");
        r->on = strcasecmp(l->text, "BPU") ? UNIT_FLOAT : UNIT_INTEGER;
        return VN_OK;
    }
    const int input = !strncmp(l->second, "InputType", 9), output = !strcmp(l->second, "OutputType");
    if (!input && !output)
        return bad_leaf(c, s, l, e, "ON, InputType, InputType0, ... or OutputType");
    if (!bits)
        return bad_leaf(c, s, l, e, "int8 or int16");
    if (output) {
        r->out = bits;
        return VN_OK;
    }
    if (!l->second[9]) {
        set_inputs(r, bits);
        return VN_OK;
    }
    const long i = strtol(l->second + 9, &end, 10);
    if (l->second[9] < '0' || l->second[9] > '9' || *end || i >= CONFIG_NODE_INPUTS)
        return bad_leaf(c, s, l, e, "InputType with an index from 0 to 15");
    r->in[i] = bits;
    return VN_OK;
}

static int add_tree(struct config *c, struct vn_arena *a, const struct setting *s, struct vn_err *e)
{
    struct type_rule *r = NULL;
    for (int i = 0; i < s->leaves.n; i++) {
        const struct leaf *l = &s->leaves.v[i];
        if (!r || strcmp(r->name, l->first)) {
            r = add_rule(c, a, s, LEVEL_NODE, l->first);
            r->line = l->line;
            r->column = l->column;
        }
        NOTE(c, a, apply_leaf(c, s, l, r, e), e);
        if (r->on == UNIT_FLOAT && (r->out || r->in[0]))
            NOTE(c, a, bad_leaf(c, s, l, e, "no types with ON: CPU"), e);
    }
    return VN_OK;
}

/* ---- auto, or auto latency_ratio=1.1 ---- */

#define USUAL_LATENCY_RATIO 1.2

static int is_auto(const struct setting *s)
{
    return s && s->text && !strncmp(s->text, "auto", 4) && (!s->text[4] || s->text[4] == ' ');
}

static int read_limit(struct config *c, const struct setting *s, const char *word, struct vn_err *e)
{
    const struct {
        const char *name;
        double *to, least;
    } limits[] = { { "latency_ratio=", &c->plan.latency_ratio, 1 },
                   { "size_ratio=", &c->plan.size_ratio, 1 },
                   { "max_drop=", &c->plan.max_drop, 0 } };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        const size_t n = strlen(limits[i].name);
        char *end;
        if (strncmp(word, limits[i].name, n) != 0)
            continue;
        const double x = strtod(word + n, &end);
        if (end > word + n && !*end && x > 0 && x >= limits[i].least && x <= 100) {
            *limits[i].to = x;
            return VN_OK;
        }
    }
    return vn_config_fail(c, s, e, VN_E_INPUT,
                          "expected auto, with latency_ratio=R, size_ratio=R (1 to 100) or max_drop=P (above "
                          "0, to 100), got '%s'",
                          word);
}

static int read_plan(struct config *c, struct vn_arena *a, const struct setting *s, struct vn_err *e)
{
    const char **words;
    const int n = vn_config_split(a, s->text, ' ', &words);
    c->plan.wanted = 1;
    for (int i = 1; i < n; i++)
        if (*words[i])
            TRY(read_limit(c, s, words[i], e));
    if (!c->plan.latency_ratio && !c->plan.size_ratio && !c->plan.max_drop)
        c->plan.latency_ratio = USUAL_LATENCY_RATIO;
    return VN_OK;
}

/* ---- lists of nodes ---- */

static void add_units(struct config *c, struct vn_arena *a, const char *key, enum unit on)
{
    const struct setting *s = vn_config_used(c, key);
    const char **words;
    const int n = s && s->text ? vn_config_split(a, s->text, ';', &words) : 0;
    for (int i = 0; i < n; i++)
        add_rule(c, a, s, LEVEL_NODE, words[i])->on = on;
}

int vn_config_types(struct config *c, struct vn_arena *a, struct vn_err *e)
{
    const struct setting *info = vn_config_used(c, "node_info");
    add_units(c, a, "run_on_cpu", UNIT_FLOAT);
    add_units(c, a, "run_on_bpu", UNIT_INTEGER);
    TRY(add_pairs(c, a, vn_config_used(c, "set_node_data_type"), 0, e));
    if (is_auto(info))
        return vn_config_note(c, a, read_plan(c, a, info, e), e);
    TRY(add_pairs(c, a, info, 1, e));
    return info ? add_tree(c, a, info, e) : VN_OK;
}
