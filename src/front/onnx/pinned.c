/* Inputs that are pinned to a value become constants. */
#include <stdlib.h>

#include "front/onnx/draft.h"

/* What stands behind "NAME="; NULL: not pinned. */
static const char *text_of(const struct vn_onnx_options *o, const char *name)
{
    const size_t n = strlen(name);
    for (int i = 0; o && i < o->n_values; i++)
        if (!strncmp(o->values[i], name, n) && o->values[i][n] == '=')
            return o->values[i] + n + 1;
    return NULL;
}

struct numbers {
    VEC(double) of;
};

static int parse(struct numbers *x, const struct draft *d, const char *name, const char *text,
                 struct vn_err *e)
{
    char *end;
    for (const char *p = text;; p = end + 1) {
        VEC_PUSH(d->arena, &x->of, strtod(p, &end));
        if (end == p || (*end && *end != ','))
            return vn_fail(e, VN_E_INPUT, "%s: input '%s': expected numbers separated by ',', got '%s'",
                           d->path, name, text);
        if (!*end)
            return VN_OK;
    }
}

/* Axes that the file leaves open: the last of them takes the numbers, others are 1. */
static void settle(struct vn_shape *s, int n)
{
    if (s->rank < 0)
        *s = vn_shape_of(n > 1, (const int64_t[]){ n });
    int64_t known = 1, *open = NULL;
    for (int i = 0; i < s->rank; i++)
        if (s->d[i] < 0) {
            s->d[i] = 1;
            open = &s->d[i];
        } else
            known *= s->d[i];
    if (open && known > 0 && n % known == 0)
        *open = n / known;
}

int vn_onnx_pin(int *pinned, struct draft *d, struct draft_input *in, const struct vn_onnx_options *o,
                struct vn_err *e)
{
    const char *text = text_of(o, in->name);
    struct numbers x = { { 0 } };
    char shape[VN_SHAPE_TEXT];
    *pinned = text != NULL;
    if (!text)
        return VN_OK;
    TRY(parse(&x, d, in->name, text, e));
    settle(&in->shape, x.of.n);
    const int64_t n = vn_shape_count(&in->shape);
    if (n > 1 << 24 || (x.of.n != 1 && x.of.n != n))
        return vn_fail(e, VN_E_INPUT, "%s: input '%s' of shape %s: expected one number or one each, got %d",
                       d->path, in->name, vn_shape_text(&in->shape, shape), x.of.n);
    struct vn_tensor *t = vn_tensor_new(d->arena, in->dtype, &in->shape);
    for (int64_t i = 0; i < n; i++)
        vn_tensor_set_f64(t, i, x.of.v[x.of.n > 1 ? i : 0]);
    vn_map_set(d->constants, in->name, t);
    vn_say(o->listener, VN_LOG_INFO, "input '%s' is pinned to %s", in->name, text);
    return VN_OK;
}

static int is_input(const struct onnx_graph *g, const char *name)
{
    const struct onnx_value_info *v = g->inputs.v;
    for (int i = 0; i < g->inputs.n; i++)
        if (v[i].name && !strcmp(v[i].name, name))
            return 1;
    return 0;
}

int vn_onnx_check_values(const struct draft *d, const struct onnx_graph *g, const struct vn_onnx_options *o,
                         struct vn_err *e)
{
    for (int i = 0; o && i < o->n_values; i++) {
        const char *text = o->values[i], *eq = strchr(text, '=');
        if (!eq)
            return vn_fail(e, VN_E_INPUT, "%s: input_value: expected NAME=NUMBER, got '%s'", d->path, text);
        const char *name = vn_arena_strn(d->arena, text, (size_t)(eq - text));
        const int found = is_input(g, name) && !vn_map_get(d->constants, name);
        if (o->value_marks)
            o->value_marks[i] |= found;
        else if (!found)
            return vn_fail(e, VN_E_INPUT, "%s: input_value is set for '%s', which is not an input", d->path,
                           name);
    }
    return VN_OK;
}
