/* quant_config: a JSON object, or the path of a file with one, as more rules about types.
 *
 *     {"model_config": {"all_node_type": TYPE, "activation": {"max_percentile": P, "asymmetric": BOOL}, "weight": {"bias_correction": BOOL}},
 *      "op_config": {"Conv": {"qtype": TYPE}}, "node_config": {"NODE": {"qtype": TYPE}}}          TYPE: int8, int16, float32 */
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

static int set_type(struct reader *r, const char *where, const json_t *value, enum type_level level, const char *name)
{
    const char *text = json_string_value(value);
    if (text && !strcmp(text, "float32")) {
        vn_config_add_type(r->c, r->arena, r->s, level, name, 0)->on = UNIT_FLOAT;
        return VN_OK;
    }
    const int bits = text ? vn_config_bits(text) : 0;
    if (!bits)
        return FAIL(r, "%s: expected int8, int16 or float32%s%s%s", where,
                    text                   ? ", got '"
                    : json_is_array(value) ? "; lists (a search) are not supported yet"
                                           : "",
                    text ? text : "", text ? "'" : "");
    vn_config_add_type(r->c, r->arena, r->s, level, name, bits);
    return VN_OK;
}

static int op_member(struct reader *r, const char *where, const char *key, const json_t *value)
{
    return strcmp(key, "qtype") ? unsupported(r, where, key) : set_type(r, where, value, LEVEL_KIND, vn_arena_str(r->arena, where));
}

static int node_member(struct reader *r, const char *where, const char *key, const json_t *value)
{
    return strcmp(key, "qtype") ? unsupported(r, where, key) : set_type(r, where, value, LEVEL_NODE, vn_arena_str(r->arena, where));
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

static int activation_member(struct reader *r, const char *where, const char *key, const json_t *value)
{
    if (!strcmp(key, "asymmetric") && json_is_boolean(value)) {
        r->c->asymmetric = json_is_true(value);
        return VN_OK;
    }
    if (!strcmp(key, "max_percentile") && json_is_number(value)) {
        const double p = json_number_value(value);
        if (!(p >= 0.5 && p <= 1))
            return FAIL(r, "%s: max_percentile: expected 0.5 to 1", where);
        if (r->c->calibration_type == CALIBRATION_MAX)
            r->c->max_percentile = p;
        else
            vn_config_warn(r->c, r->arena, r->s,
                           "%s: max_percentile has no effect: calibration_type is %s, expected max", where,
                           vn_word_of(vn_words_calibration_type, r->c->calibration_type));
        return VN_OK;
    }
    return unsupported(r, where, key);
}

static int weight_member(struct reader *r, const char *where, const char *key, const json_t *value)
{
    if (strcmp(key, "bias_correction") || !json_is_boolean(value))
        return unsupported(r, where, key);
    r->c->bias_correction = json_is_true(value);
    return VN_OK;
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

static int group_member(struct reader *r, const char *where, const char *key, const json_t *value)
{
    static const struct {
        const char *name;
        member_fn *fn;
    } groups[] = { { "model_config", model_member }, { "op_config", op_entry }, { "node_config", node_entry } };
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

int vn_config_quant_config(struct config *c, struct vn_arena *a, struct vn_err *e)
{
    struct reader r = { c, a, vn_config_used(c, "quant_config"), e };
    if (r.s)
        NOTE(c, a, read_text(&r), e);
    return VN_OK;
}
