/* quant_config: a JSON object, or the path of a file with one: types as rules, and methods.
 *
 *     {"model_config": {"all_node_type": TYPE, "activation": {...}, "weight": {"bias_correction": ...}},
 *      "op_config": {"Conv": {"qtype": TYPE}}, "node_config": {"NODE": {"qtype": TYPE}},
 *      "subgraph_config": {"NAME": {"inputs": [NODE], "outputs": [NODE], "qtype": TYPE}}}
 *
 * TYPE is int8, int16 or float32. Members of activation and weight take a value or a list, which is a
 * search. */
#include "config/quant_config.h"

#include "base/file.h"
#include "config/json_text.h"
#include "config/settings.h"
#include "config/types.h"

struct reader {
    struct config *c;
    struct vn_arena *arena;
    const struct setting *s;
    struct vn_err *e;
};

#define FAIL(r, ...) vn_config_fail((r)->c, (r)->s, (r)->e, VN_E_INPUT, __VA_ARGS__)

typedef int member_fn(struct reader *r, const char *where, const char *key, const json_t *value);

static int each(struct reader *r, const char *where, const json_t *object, member_fn *fn)
{
    if (!json_is_object(object))
        return FAIL(r, "%s: expected an object", where);
    json_t *o = (json_t *)(uintptr_t)object; /* jansson's iterators take it so; nothing is changed */
    for (void *i = json_object_iter(o); i; i = json_object_iter_next(o, i))
        NOTE(r->c, r->arena, fn(r, where, json_object_iter_key(i), json_object_iter_value(i)), r->e);
    return VN_OK;
}

static int unsupported(struct reader *r, const char *where, const char *key)
{
    return vn_config_fail(r->c, r->s, r->e, VN_E_UNSUPPORTED, "%s: '%s' is not supported yet", where, key);
}

/* ---- types ---- */

/* Of vendor hardware. */
static int is_foreign(const char *type)
{
    static const char *const words[] = { "int4", "float16", "bfloat16", "dual-int16", "int16-ec" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(type, words[i]))
            return 1;
    return !strncmp(type, "mx", 2);
}

static int read_type(struct reader *r, const char *where, const json_t *value, enum unit *on, int *bits)
{
    const char *text = json_string_value(value);
    *on = text && !strcmp(text, "float32") ? UNIT_FLOAT : UNIT_ANY;
    *bits = text ? vn_config_bits(text) : 0;
    if (*on || *bits)
        return VN_OK;
    if (json_is_array(value))
        return FAIL(r,
                    "%s: expected int8, int16 or float32, got a list; use vernier tune to search for types",
                    where);
    return FAIL(r, "%s: expected int8, int16 or float32%s%s%s", where, text ? ", got '" : "",
                text ? text : "",
                !text              ? ""
                : is_foreign(text) ? "', a type of vendor hardware"
                                   : "'");
}

static int set_type(struct reader *r, const char *where, const json_t *value, enum type_level level,
                    const char *name)
{
    enum unit on;
    int bits;
    TRY(read_type(r, where, value, &on, &bits));
    vn_config_add_type(r->c, r->arena, r->s, level, name, bits)->on = on;
    return VN_OK;
}

static int op_member(struct reader *r, const char *where, const char *key, const json_t *value)
{
    return strcmp(key, "qtype") ? unsupported(r, where, key)
                                : set_type(r, where, value, LEVEL_KIND, vn_arena_str(r->arena, where));
}

static int node_member(struct reader *r, const char *where, const char *key, const json_t *value)
{
    return strcmp(key, "qtype") ? unsupported(r, where, key)
                                : set_type(r, where, value, LEVEL_NODE, vn_arena_str(r->arena, where));
}

static int op_entry(struct reader *r, const char *where, const char *key, const json_t *value)
{
    (void)where;
    return each(r, key, value, op_member);
}

static int node_entry(struct reader *r, const char *where, const char *key, const json_t *value)
{
    (void)where;
    return each(r, key, value, node_member);
}

/* ---- subgraphs ---- */

static struct subgraph *last_subgraph(struct reader *r) { return &r->c->subgraphs.v[r->c->subgraphs.n - 1]; }

static int add_name(struct reader *r, const char *where, const char *key, const json_t *value)
{
    struct subgraph *g = last_subgraph(r);
    const char *name = json_string_value(value);
    if (!name)
        return FAIL(r, "%s: %s: expected names of nodes or tensors", where, key);
    name = vn_arena_str(r->arena, name);
    if (!strcmp(key, "inputs"))
        VEC_PUSH(r->arena, &g->from, name);
    else
        VEC_PUSH(r->arena, &g->to, name);
    return VN_OK;
}

static int subgraph_member(struct reader *r, const char *where, const char *key, const json_t *value)
{
    if (!strcmp(key, "qtype"))
        return read_type(r, where, value, &last_subgraph(r)->on, &last_subgraph(r)->bits);
    if (strcmp(key, "inputs") && strcmp(key, "outputs"))
        return unsupported(r, where, key);
    if (!json_is_array(value))
        return add_name(r, where, key, value);
    for (size_t i = 0; i < json_array_size(value); i++)
        TRY(add_name(r, where, key, json_array_get(value, i)));
    return VN_OK;
}

static int subgraph_entry(struct reader *r, const char *where, const char *key, const json_t *value)
{
    (void)where;
    const struct subgraph empty = { .name = vn_arena_str(r->arena, key), .given = r->s };
    const int before = r->c->problems.n;
    VEC_PUSH(r->arena, &r->c->subgraphs, empty);
    TRY(each(r, key, value, subgraph_member));
    const struct subgraph *g = last_subgraph(r);
    if (r->c->problems.n > before || (g->from.n && g->to.n && (g->on || g->bits)))
        return VN_OK;
    return FAIL(r, "%s: expected inputs, outputs and qtype", key);
}

/* ---- methods ---- */

/* A member of activation or weight; what has a key takes lists. */
struct method_member {
    const char *name;
    enum { MEMBER_BOOL, MEMBER_NUMBER, MEMBER_TYPE } kind;
    enum search_key key; /* SEARCH_KEYS: checked, and has no effect */
    double lo, hi; /* of numbers */
    const char *want, *idle;
};
static const char one_histogram[] = "kl searches among 4096 bins";
static const struct method_member activation[] = {
    { "calibration_type", MEMBER_TYPE, SEARCH_TYPE, .want = "max, kl or mse" },
    { "max_percentile", MEMBER_NUMBER, SEARCH_PERCENTILE, 0.5, 1, .want = "0.5 to 1" },
    { "per_channel", MEMBER_BOOL, SEARCH_PER_CHANNEL, .want = "true or false" },
    { "asymmetric", MEMBER_BOOL, SEARCH_ASYMMETRIC, .want = "true or false" },
    { "num_bin", MEMBER_NUMBER, SEARCH_KEYS, 129, 1 << 24, "at least 129", one_histogram },
    { "max_num_bin", MEMBER_NUMBER, SEARCH_KEYS, 258, 1 << 24, "at least 258", one_histogram },
    { NULL },
};
static const char all_samples[] = "means come from all samples";
static const struct method_member weight[] = {
    { "bias_correction", MEMBER_BOOL, SEARCH_BIAS_CORRECTION, .want = "true, false or an object" },
    { NULL },
};
static const struct method_member correction[] = {
    { "num_sample", MEMBER_NUMBER, SEARCH_KEYS, 1, 1e9, "at least 1", all_samples },
    { "metric", MEMBER_TYPE, SEARCH_KEYS, .want = "a metric", .idle = all_samples },
    { NULL },
};

static int is_metric(const char *text)
{
    static const char *const words[] = { "cosine-similarity", "mse", "mae", "mre", "sqnr", "chebyshev" };
    for (size_t i = 0; text && i < sizeof words / sizeof *words; i++)
        if (!strcmp(text, words[i]))
            return 1;
    return 0;
}

/* 0: not what the member takes. */
static int read_value(double *x, const struct method_member *m, const json_t *value)
{
    const char *text = json_string_value(value);
    const struct config_word *w = text ? vn_word_find(vn_words_calibration_type, text) : NULL;
    *x = m->kind == MEMBER_NUMBER ? json_number_value(value) : json_is_true(value);
    if (m->kind == MEMBER_BOOL)
        return json_is_boolean(value);
    if (m->kind == MEMBER_NUMBER)
        return json_is_number(value) && *x >= m->lo && *x <= m->hi;
    if (m->key == SEARCH_KEYS)
        return is_metric(text);
    *x = w ? w->value : 0;
    return w && (w->value == CALIBRATION_MAX || w->value == CALIBRATION_KL || w->value == CALIBRATION_MSE);
}

static int add_value(struct reader *r, const char *where, const struct method_member *m, const json_t *value)
{
    double x;
    if (!read_value(&x, m, value))
        return FAIL(r, "%s: %s: expected %s", where, m->name, m->want);
    if (m->key == SEARCH_KEYS) {
        vn_config_warn(r->c, r->arena, r->s, "%s: %s has no effect: %s", where, m->name, m->idle);
        return VN_OK;
    }
    struct search_list *l = &r->c->search[m->key];
    if (l->n == SEARCH_MOST)
        return FAIL(r, "%s: %s: expected at most %d values", where, m->name, SEARCH_MOST);
    l->v[l->n++] = x;
    return VN_OK;
}

static int add_values(struct reader *r, const char *where, const struct method_member *m, const json_t *value)
{
    if (!json_is_array(value))
        return add_value(r, where, m, value);
    if (!json_array_size(value))
        return FAIL(r, "%s: %s: the list is empty", where, m->name);
    for (size_t i = 0; i < json_array_size(value); i++)
        TRY(add_value(r, where, m, json_array_get(value, i)));
    return VN_OK;
}

static int method_member(struct reader *r, const struct method_member *m, const char *where, const char *key,
                         const json_t *value)
{
    for (; m->name; m++)
        if (!strcmp(m->name, key))
            return add_values(r, where, m, value);
    return unsupported(r, where, key);
}

static int activation_member(struct reader *r, const char *where, const char *key, const json_t *value)
{
    return method_member(r, activation, where, key, value);
}

static int correction_member(struct reader *r, const char *where, const char *key, const json_t *value)
{
    return method_member(r, correction, where, key, value);
}

/* An object gives what the correction stands on, so it is wanted. */
static int weight_member(struct reader *r, const char *where, const char *key, const json_t *value)
{
    if (strcmp(key, weight->name) || !json_is_object(value))
        return method_member(r, weight, where, key, value);
    TRY(add_value(r, where, weight, json_true()));
    return each(r, key, value, correction_member);
}

static int model_member(struct reader *r, const char *where, const char *key, const json_t *value)
{
    (void)where;
    if (!strcmp(key, "all_node_type"))
        return set_type(r, key, value, LEVEL_ALL, NULL);
    if (!strcmp(key, "activation"))
        return each(r, key, value, activation_member);
    return strcmp(key, "weight") ? unsupported(r, where, key) : each(r, key, value, weight_member);
}

/* ---- groups ---- */

static int group_member(struct reader *r, const char *where, const char *key, const json_t *value)
{
    static const struct {
        const char *name;
        member_fn *fn;
    } groups[] = { { "model_config", model_member },
                   { "op_config", op_entry },
                   { "subgraph_config", subgraph_entry },
                   { "node_config", node_entry } };
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (!strcmp(key, groups[i].name))
            return each(r, key, value, groups[i].fn);
    return unsupported(r, where, key);
}

static int read_text(struct reader *r)
{
    struct config *c = r->c;
    struct vn_arena *a = r->arena;
    struct vn_err *e = r->e;
    const struct setting *s = r->s;
    const char *text = s->text, *path = "its text";
    size_t bytes = strlen(text);
    if (text[strspn(text, " \t\r\n")] != '{') {
        const uint8_t *data;
        path = vn_file_exists(text) ? text : vn_path_join(a, c->folder, text);
        if (vn_file_map(a, path, &data, &bytes, e) < 0) {
            const struct vn_err why = *e;
            return vn_config_fail(c, s, e, why.code, "%s", why.msg);
        }
        text = (const char *)data;
    }
    json_t *root;
    if (vn_json_parse(&root, a, text, bytes, path, e) < 0) {
        const struct vn_err why = *e;
        return vn_config_fail(c, s, e, why.code, "%s", why.msg);
    }
    return each(r, "quant_config", root, group_member);
}

/* ---- what follows from methods ---- */

static int tries_max(const struct config *c)
{
    const struct search_list *l = &c->search[SEARCH_TYPE];
    for (int i = 0; i < l->n; i++)
        if (l->v[i] == CALIBRATION_MAX)
            return 1;
    return !l->n && (c->calibration_type == CALIBRATION_MAX || c->combinations > 1);
}

static void count_combinations(struct config *c)
{
    c->combinations = 1;
    for (int i = 0; i < SEARCH_KEYS; i++)
        c->combinations *= c->search[i].n ? c->search[i].n : 1;
}

/* A single value counts as the key of the YAML file. */
static void take_single_values(struct config *c)
{
    int *const flags[SEARCH_KEYS] = { [SEARCH_PER_CHANNEL] = &c->per_channel,
                                      [SEARCH_ASYMMETRIC] = &c->asymmetric,
                                      [SEARCH_BIAS_CORRECTION] = &c->bias_correction };
    const struct search_list *l = c->search;
    for (int i = 0; i < SEARCH_KEYS; i++)
        if (flags[i] && l[i].n)
            *flags[i] = l[i].n == 1 && l[i].v[0] != 0;
    if (l[SEARCH_TYPE].n == 1)
        c->calibration_type = (enum calibration_type)l[SEARCH_TYPE].v[0];
    if (l[SEARCH_PERCENTILE].n == 1)
        c->max_percentile = l[SEARCH_PERCENTILE].v[0];
}

static void forget(struct config *c)
{
    memset(c->search, 0, sizeof c->search);
    c->combinations = 1;
}

static int resolve_methods(struct reader *r)
{
    struct config *c = r->c;
    count_combinations(c);
    if (c->combinations > 1 && c->random_data) {
        vn_config_warn(c, r->arena, r->s, "lists have no effect: calibration_type %s has no data to judge by",
                       vn_word_of(vn_words_calibration_type, (int)c->calibration_type));
        forget(c);
    }
    if (c->combinations > CONFIG_MOST_COMBINATIONS)
        return FAIL(r, "expected at most %d combinations of the lists' values, got %d",
                    CONFIG_MOST_COMBINATIONS, c->combinations);
    if (c->search[SEARCH_TYPE].n && (c->random_data || c->calibration_type == CALIBRATION_LOAD)) {
        vn_config_warn(c, r->arena, r->s,
                       "activation: calibration_type has no effect with %s of the YAML file",
                       vn_word_of(vn_words_calibration_type, (int)c->calibration_type));
        c->search[SEARCH_TYPE].n = 0;
    }
    if (c->search[SEARCH_PERCENTILE].n && !tries_max(c)) {
        vn_config_warn(c, r->arena, r->s,
                       "activation: max_percentile has no effect: calibration_type is %s, expected max",
                       vn_word_of(vn_words_calibration_type, (int)c->calibration_type));
        c->search[SEARCH_PERCENTILE].n = 0;
    }
    take_single_values(c);
    count_combinations(c);
    return VN_OK;
}

int vn_config_quant_config(struct config *c, struct vn_arena *a, struct vn_err *e)
{
    struct reader r = { c, a, vn_config_used(c, "quant_config"), e };
    c->combinations = 1;
    if (!r.s)
        return VN_OK;
    const int before = c->problems.n;
    NOTE(c, a, read_text(&r), e);
    if (c->problems.n == before)
        NOTE(c, a, resolve_methods(&r), e);
    return VN_OK;
}
