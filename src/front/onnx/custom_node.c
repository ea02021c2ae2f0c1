/* Nodes of the user's own types: their attributes as one text (vernier/custom_op.h), and back. */
#include <vernier/custom_op.h>

#include "front/onnx/write.h"
#include "ops/op.h"

const struct op_def *vn_onnx_custom_op(const struct onnx_node *n)
{
    return n->op_type && vn_custom_find(n->op_type) ? vn_op_find(CUSTOM_TYPE, CUSTOM_DOMAIN) : NULL;
}

/* A string in one word: what is no visible character, and %, as %XX. */
static const char *escaped(struct vn_arena *a, const uint8_t *p, size_t n)
{
    static const char hex[] = "0123456789ABCDEF";
    char *out = NEW_ARRAY(a, char, 3 * n + 1), *q = out;
    for (size_t i = 0; i < n; i++) {
        if (p[i] > ' ' && p[i] < 127 && p[i] != '%') {
            *q++ = (char)p[i];
            continue;
        }
        *q++ = '%';
        *q++ = hex[p[i] >> 4];
        *q++ = hex[p[i] & 15];
    }
    *q = 0;
    return out;
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* " value" i of an attribute; NULL: it has no more, or none of this kind. */
static const char *value_text(struct vn_arena *a, const struct onnx_attr *x, int i)
{
    const struct wire_bytes *s = &x->s;
    switch (x->type) {
    case ONNX_INT: return i ? NULL : vn_arena_fmt(a, " %lld", (long long)x->i);
    case ONNX_FLOAT: return i ? NULL : vn_arena_fmt(a, " %u", bits_of(x->f));
    case ONNX_STRING: return i ? NULL : vn_arena_fmt(a, " %s", escaped(a, s->p, s->n));
    case ONNX_INTS:
        return i >= x->ints.n ? NULL : vn_arena_fmt(a, " %lld", (long long)((const int64_t *)x->ints.v)[i]);
    case ONNX_FLOATS:
        return i >= x->floats.n ? NULL : vn_arena_fmt(a, " %u", bits_of(((const float *)x->floats.v)[i]));
    case ONNX_STRINGS:
        if (i >= x->strings.n)
            return NULL;
        s = (const struct wire_bytes *)x->strings.v + i;
        return vn_arena_fmt(a, " %s", escaped(a, s->p, s->n));
    default: return NULL;
    }
}

static const char kinds[] = { [ONNX_INT] = 'i',    [ONNX_INTS] = 'i',   [ONNX_FLOAT] = 'f',
                              [ONNX_FLOATS] = 'f', [ONNX_STRING] = 's', [ONNX_STRINGS] = 's' };

typedef VEC(char) chars;

static void append(struct vn_arena *a, chars *to, const char *text)
{
    for (; *text; text++)
        VEC_PUSH(a, to, *text);
}

/* Its name is one word? */
static int is_word(const char *name)
{
    for (const char *p = name; *p; p++)
        if ((unsigned char)*p <= ' ')
            return 0;
    return *name != 0;
}

static int add_attribute(chars *to, const struct draft *d, const struct draft_node *n,
                         const struct onnx_attr *x, struct vn_err *e)
{
    const char *one, *name = x->name ? x->name : "";
    if (!is_word(name) || x->ref_attr_name || x->type < 0 || x->type >= (int64_t)sizeof kinds ||
        !kinds[x->type])
        return vn_onnx_node_fail(
            d, n, e, VN_E_UNSUPPORTED,
            "attribute '%.60s' is %s; custom operators take integers, floats and strings", name,
            vn_onnx_attr_type_name(x->type));
    append(d->arena, to, vn_arena_fmt(d->arena, "%s %c", name, kinds[x->type]));
    for (int i = 0; (one = value_text(d->arena, x, i)); i++)
        append(d->arena, to, one);
    append(d->arena, to, "\n");
    return VN_OK;
}

int vn_onnx_custom_read(struct node *node, const struct draft *d, const struct draft_node *n,
                        struct vn_err *e)
{
    struct custom_attrs *p = node->attrs;
    chars text = { 0 };
    for (int i = 0; i < n->raw.attrs.n; i++)
        TRY(add_attribute(&text, d, n, (const struct onnx_attr *)n->raw.attrs.v + i, e));
    VEC_PUSH(d->arena, &text, 0);
    const char *domain = n->raw.domain ? n->raw.domain : "";
    if ((*domain && !is_word(domain)) || !is_word(n->raw.op_type))
        return vn_onnx_node_fail(d, n, e, VN_E_UNSUPPORTED, "its type or domain has blanks");
    p->domain = vn_arena_str(d->arena, domain);
    p->type = vn_arena_str(d->arena, n->raw.op_type);
    p->attributes = text.v;
    p->source = vn_arena_copy(d->arena, &n->raw.attrs, sizeof n->raw.attrs);
    return VN_OK;
}

void vn_onnx_custom_write(struct onnx_node *out, const struct node *n)
{
    const struct custom_attrs *p = n->attrs;
    out->op_type = p->type;
    out->domain = p->domain;
    out->attrs = *(const struct wire_list *)p->source;
}

static int is_listed(const struct onnx_model *m, const char *domain)
{
    const struct onnx_opset *x = m->opsets.v;
    for (int i = 0; i < m->opsets.n; i++)
        if (!strcmp(x[i].domain ? x[i].domain : "", domain))
            return 1;
    return 0;
}

void vn_onnx_custom_domains(struct model_writer *w)
{
    for (int i = 0; i < w->g->nodes.n; i++) {
        const struct custom_attrs *p = vn_node_custom(w->g->nodes.v[i]);
        if (p && !is_listed(&w->model, p->domain))
            *(struct onnx_opset *)vn_wire_append(w->arena, &w->model.opsets, sizeof(struct onnx_opset)) =
                (struct onnx_opset){ p->domain, 1 };
    }
}
