/* Operators of the user's libraries (vernier/custom_op.h). */
#include <vernier/custom_op.h>

#include <string.h>

#include "runtime/model.h"

/* The copy of the constant: three texts, one after the other. */
struct operator_texts {
    const char *domain, *type, *attributes;
};

static struct operator_texts texts_of(const struct rt_step *s)
{
    struct operator_texts t = { .domain = s->own };
    t.type = t.domain + strlen(t.domain) + 1;
    t.attributes = t.type + strlen(t.type) + 1;
    return t;
}

static size_t own(const struct rt_step *s) { return s->in[0]->bytes; }

/* "domain\ntype\nattributes", padded with zeros: at least one. */
static int take_texts(struct rt_step *s, struct vn_err *e)
{
    const struct rt_tensor *t = s->in[0];
    char *text = s->own;
    WANT(s, e, t->place == BIN_CONST && t->dtype == VN_I32 && t->bytes,
         "its operator is not a constant text");
    memcpy(text, t->data, t->bytes);
    WANT(s, e, !text[t->bytes - 1], "the name of its operator has no end");
    for (int i = 0; i < 2; i++) {
        text = strchr(text, '\n');
        WANT(s, e, text, "the name of its operator is incomplete");
        *text++ = 0;
    }
    return VN_OK;
}

static void view(struct vn_custom_tensor *v, const struct rt_tensor *t, int data)
{
    *v = (struct vn_custom_tensor){ .dtype = t->dtype, .rank = t->rank, .data = data ? t->data : NULL };
    memcpy(v->shape, t->dims, sizeof v->shape);
}

static int call(const struct rt_step *s, enum vn_custom_task task, struct vn_custom_tensor *out, char *why,
                size_t room)
{
    const struct instr_CUSTOM *p = s->params;
    struct vn_custom_tensor in[RT_MAX_IN];
    const struct operator_texts t = texts_of(s);
    struct vn_custom_call c = { .task = task,
                                .n_in = s->n_in - 1,
                                .n_out = p->n_out,
                                .in = in,
                                .out = out,
                                .domain = t.domain,
                                .type = t.type,
                                .attributes = t.attributes,
                                .node = s->node };
    for (int k = 0; k < c.n_in; k++) {
        view(&in[k], s->in[k + 1], task == VN_CUSTOM_RUN);
        if (!(p->present >> k & 1))
            in[k] = (struct vn_custom_tensor){ .rank = -1 };
    }
    const int status = vn_custom_find(t.type)(&c);
    c.why[sizeof c.why - 1] = 0;
    if (status)
        snprintf(why, room, "custom operator %.60s: %s", t.type, *c.why ? c.why : "it failed");
    return status;
}

static int is_shape_of(const struct vn_custom_tensor *v, const struct rt_tensor *t)
{
    return v->dtype == t->dtype && v->rank == t->rank &&
           !memcmp(v->shape, t->dims, sizeof *v->shape * (size_t)t->rank);
}

static int prepare(struct vn_model *m, struct rt_step *s, struct vn_err *e)
{
    const struct instr_CUSTOM *p = s->params;
    struct vn_custom_tensor out[VN_CUSTOM_MAX_OUT] = { { .dtype = VN_F32 } };
    for (int k = 1; k <= s->n_in; k++) {
        const struct rt_tensor *t = k < s->n_in ? s->in[k] : s->out;
        WANT(s, e, (t->dtype == VN_F32 || t->dtype == VN_I64) && !t->channels_last, "wrong types");
    }
    WANT(s, e, p->n_out > 0 && p->n_out <= VN_CUSTOM_MAX_OUT && p->port >= 0 && p->port < p->n_out,
         "no such output");
    TRY(take_texts(s, e));
    const struct operator_texts t = texts_of(s);
    if (!vn_custom_find(t.type))
        return vn_fail(e, VN_E_UNSUPPORTED,
                       "node %s requires the custom operator %s%s%s, which no loaded library implements: "
                       "pass one that does by --custom-op or VERNIER_CUSTOM_OPS",
                       s->node, t.domain, *t.domain ? "." : "", t.type);
    for (int k = 0; k < p->n_out; k++)
        out[k].dtype = VN_F32;
    if (call(s, VN_CUSTOM_SHAPES, out, m->why_text, sizeof m->why_text))
        return vn_fail(e, VN_E_INPUT, "%s: %s", s->node, m->why_text);
    WANT(s, e, is_shape_of(&out[p->port], s->out),
         "the shape of its result differs from the one that its operator computes");
    return VN_OK;
}

static void run(struct vn_model *m, const struct rt_step *s)
{
    const struct instr_CUSTOM *p = s->params;
    struct vn_custom_tensor out[VN_CUSTOM_MAX_OUT] = { { .dtype = VN_NONE } };
    char why[sizeof m->why_text];
    view(&out[p->port], s->out, 1);
    if (call(s, VN_CUSTOM_RUN, out, why, sizeof why) && !m->failed) {
        memcpy(m->why_text, why, sizeof why);
        m->failed = s;
        m->why = m->why_text;
    }
}

const struct rt_instr rt_instr_CUSTOM = { "CUSTOM", own, prepare, run, NULL };
