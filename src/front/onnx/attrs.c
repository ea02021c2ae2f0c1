/* Attributes: from the file into an operator's struct and back, as its table says. */
#include <stdio.h>

#include "front/onnx/draft.h"

static const int onnx_types[] = {
    [ATTR_INT] = ONNX_INT,       [ATTR_INTS] = ONNX_INTS,       [ATTR_FLOAT] = ONNX_FLOAT,
    [ATTR_FLOATS] = ONNX_FLOATS, [ATTR_ENUM] = ONNX_STRING,     [ATTR_STRING] = ONNX_STRING,
    [ATTR_TENSOR] = ONNX_TENSOR, [ATTR_STRINGS] = ONNX_STRINGS, [ATTR_BRANCH] = ONNX_GRAPH,
};

/* Attributes outside the tables that may stand in any node: they change nothing. */
static const char *const tolerated[] = { "doc_string" };

static int is_tolerated(const char *name)
{
    for (size_t i = 0; i < sizeof tolerated / sizeof *tolerated; i++)
        if (!strcmp(tolerated[i], name))
            return 1;
    return 0;
}

static const struct attr_spec *find_spec(const struct op_def *op, const char *name)
{
    for (const struct attr_spec *s = op->attrs; s && s->kind != ATTR_END; s++)
        if (!strcmp(s->onnx, name))
            return s;
    return NULL;
}

struct context {
    const struct draft *d;
    const struct draft_node *node;
    struct vn_err *e;
};

static int check_bounds(const struct context *c, const struct attr_spec *s, int64_t x)
{
    if (x < s->min || x > s->max)
        return vn_onnx_node_fail(c->d, c->node, c->e, VN_E_INPUT,
                                 "attribute %s is %lld, expected %lld to %lld", s->onnx, (long long)x,
                                 (long long)s->min, (long long)s->max);
    return VN_OK;
}

static int get_ints(const struct context *c, const struct attr_spec *s, struct ints *out,
                    const struct wire_list *l)
{
    const int64_t *x = l->v;
    for (int i = 0; i < l->n; i++)
        TRY(check_bounds(c, s, x[i]));
    *out = (struct ints){ l->n, x };
    return VN_OK;
}

static int get_choice(const struct context *c, const struct attr_spec *s, int *out, const char *text)
{
    char list[256] = "";
    for (int i = 0; s->choices[i]; i++) {
        if (!strcmp(s->choices[i], text)) {
            *out = i;
            return VN_OK;
        }
        const size_t n = strlen(list);
        snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", s->choices[i]);
    }
    return vn_onnx_node_fail(c->d, c->node, c->e, VN_E_UNSUPPORTED,
                             "attribute %s is '%.100s', expected one of: %s", s->onnx, text, list);
}

static int get_tensor(const struct context *c, const struct attr_spec *s, const struct vn_tensor **out,
                      const struct onnx_tensor *t)
{
    struct external_files none = { .arena = c->d->arena };
    const char *what =
        vn_arena_fmt(c->d->arena, "%s: node %s: attribute %s", c->d->path, c->node->name, s->onnx);
    if (!t)
        return vn_fail(c->e, VN_E_INPUT, "%s: has no value", what);
    return vn_onnx_tensor_read(out, t, &none, what, c->e);
}

static const char *text_of(const struct context *c, struct wire_bytes b)
{
    return vn_arena_strn(c->d->arena, (const char *)b.p, b.n);
}

static int get_attr(const struct context *c, const struct attr_spec *s, char *place,
                    const struct onnx_attr *x)
{
    if (x->ref_attr_name)
        return vn_onnx_node_fail(c->d, c->node, c->e, VN_E_INPUT,
                                 "attribute %s refers to a function's attribute", s->onnx);
    if (x->type != onnx_types[s->kind])
        return vn_onnx_node_fail(c->d, c->node, c->e, VN_E_INPUT, "attribute %s is %s, expected %s", s->onnx,
                                 vn_onnx_attr_type_name(x->type),
                                 vn_onnx_attr_type_name(onnx_types[s->kind]));
    switch (s->kind) {
    case ATTR_INT: *(int64_t *)place = x->i; return check_bounds(c, s, x->i);
    case ATTR_INTS: return get_ints(c, s, (struct ints *)place, &x->ints);
    case ATTR_FLOAT: *(float *)place = x->f; return VN_OK;
    case ATTR_FLOATS: *(struct floats *)place = (struct floats){ x->floats.n, x->floats.v }; return VN_OK;
    case ATTR_ENUM: return get_choice(c, s, (int *)place, text_of(c, x->s));
    case ATTR_STRING: *(const char **)place = text_of(c, x->s); return VN_OK;
    case ATTR_TENSOR: return get_tensor(c, s, (const struct vn_tensor **)place, x->t);
    case ATTR_STRINGS: {
        const char **list = NEW_ARRAY(c->d->arena, const char *, x->strings.n);
        for (int i = 0; i < x->strings.n; i++)
            list[i] = text_of(c, ((const struct wire_bytes *)x->strings.v)[i]);
        *(struct texts *)place = (struct texts){ x->strings.n, list };
        return VN_OK;
    }
    case ATTR_BRANCH: return vn_onnx_branch((const struct branch **)place, c->d, c->node, x->g, c->e);
    case ATTR_END: break;
    }
    return VN_OK;
}

static int check_required(const struct context *c, const struct op_def *op)
{
    for (const struct attr_spec *s = op->attrs; s && s->kind != ATTR_END; s++)
        if (s->required && !vn_onnx_attr(&c->node->raw, s->onnx))
            return vn_onnx_node_fail(c->d, c->node, c->e, VN_E_INPUT, "attribute %s is missing", s->onnx);
    return VN_OK;
}

int vn_onnx_attrs_read(struct node *n, const struct draft *d, const struct draft_node *raw, struct vn_err *e)
{
    const struct context c = { d, raw, e };
    if (vn_node_custom(n))
        return vn_onnx_custom_read(n, d, raw, e);
    const struct onnx_attr *attrs = raw->raw.attrs.v;
    for (int i = 0; i < raw->raw.attrs.n; i++) {
        const struct onnx_attr *x = &attrs[i];
        if (!x->name)
            return vn_onnx_node_fail(d, raw, e, VN_E_INPUT, "attribute %d has no name", i);
        if (vn_onnx_attr(&raw->raw, x->name) != x)
            return vn_onnx_node_fail(d, raw, e, VN_E_INPUT, "duplicate attribute %s", x->name);
        const struct attr_spec *s = find_spec(n->op, x->name);
        if (s)
            TRY(get_attr(&c, s, (char *)n->attrs + s->offset, x));
        else if (!is_tolerated(x->name))
            return vn_because(
                e, REASON_unsupported,
                vn_onnx_node_fail(d, raw, e, VN_E_UNSUPPORTED, "attribute %.100s is not supported", x->name));
    }
    return check_required(&c, n->op);
}

/* ---- writing: lists, strings and tensors where present; numbers and choices where they differ from the
 * default ---- */

static void put_floats(struct onnx_node *out, const char *name, const struct floats *x, struct vn_arena *a)
{
    if (x->n)
        vn_onnx_add_attr(a, out, name, ONNX_FLOATS)->floats =
            (struct wire_list){ (void *)(uintptr_t)x->v, x->n, x->n };
}

static void put_tensor(struct onnx_node *out, const char *name, const struct vn_tensor *t, struct vn_arena *a)
{
    if (!t)
        return;
    struct onnx_attr *x = vn_onnx_add_attr(a, out, name, ONNX_TENSOR);
    x->t = NEW(a, struct onnx_tensor);
    vn_onnx_tensor_write(x->t, NULL, t, a);
}

static void put_texts(struct onnx_node *out, const char *name, const struct texts *list, struct vn_arena *a)
{
    struct onnx_attr *x = list->n ? vn_onnx_add_attr(a, out, name, ONNX_STRINGS) : NULL;
    for (int i = 0; i < list->n; i++) {
        struct wire_bytes *b = vn_wire_append(a, &x->strings, sizeof *b);
        *b = (struct wire_bytes){ (const uint8_t *)list->v[i], strlen(list->v[i]) };
    }
}

static void put_attr(struct onnx_node *out, const struct attr_spec *s, const char *place, struct vn_arena *a)
{
    const struct ints *ints = (const void *)place;
    const char *const *text = (const void *)place;
    switch (s->kind) {
    case ATTR_INT:
        if (s->required || *(const int64_t *)place != (int64_t)s->def)
            vn_onnx_add_int(a, out, s->onnx, *(const int64_t *)place);
        break;
    case ATTR_INTS:
        if (ints->n || s->required)
            vn_onnx_add_ints(a, out, s->onnx, ints->n, ints->v);
        break;
    case ATTR_FLOAT:
        if (s->required || *(const float *)place != (float)s->def)
            vn_onnx_add_attr(a, out, s->onnx, ONNX_FLOAT)->f = *(const float *)place;
        break;
    case ATTR_FLOATS: put_floats(out, s->onnx, (const void *)place, a); break;
    case ATTR_ENUM:
        if (s->required || *(const int *)place != (int)s->def)
            vn_onnx_add_string(a, out, s->onnx, s->choices[*(const int *)place]);
        break;
    case ATTR_STRING:
        if (*text)
            vn_onnx_add_string(a, out, s->onnx, *text);
        break;
    case ATTR_TENSOR: put_tensor(out, s->onnx, *(const struct vn_tensor *const *)place, a); break;
    case ATTR_STRINGS: put_texts(out, s->onnx, (const void *)place, a); break;
    case ATTR_BRANCH: /* gone before anything is written */
    case ATTR_END: break;
    }
}

void vn_onnx_attrs_write(struct onnx_node *out, const struct node *n, struct vn_arena *a)
{
    for (const struct attr_spec *s = n->op->attrs; s && s->kind != ATTR_END; s++)
        put_attr(out, s, (const char *)n->attrs + s->offset, a);
}
