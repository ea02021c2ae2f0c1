/* A form becomes a list of terms in the order of the text, so the inputs of a node's term come after it.
 * Matching walks the list: each term is given its value, commutative nodes try both orders, and the walk goes
 * back where something does not fit. */
#include "passes/match.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>

#include "ops/normal.h"

#define TERMS 64
#define ARGS 4

enum kind { TERM_VALUE, TERM_CONST, TERM_NUMBER, TERM_NODE };
struct term {
    enum kind kind;
    int letter; /* capture 0..25; -1: none */
    double number;
    const struct op_def *op;
    int n_args, arg[ARGS]; /* terms */
};
struct form {
    int n;
    struct term term[TERMS];
};

/* ---- text to terms; what is wrong with the text is our own mistake ---- */

static const char *skip_space(const char *p)
{
    while (*p == ' ')
        p++;
    return p;
}

static int parse_term(struct form *f, const char **text);

static void parse_node(struct form *f, int at, const char **text)
{
    char name[64];
    const char *p = *text + 1;
    const size_t n = strcspn(p, " )");
    assert(n < sizeof name);
    memcpy(name, p, n);
    name[n] = 0;
    f->term[at].kind = TERM_NODE;
    f->term[at].op = vn_op_find(name, NULL);
    assert(f->term[at].op);
    for (p = skip_space(p + n); *p != ')'; p = skip_space(p)) {
        assert(f->term[at].n_args < ARGS);
        f->term[at].arg[f->term[at].n_args++] = parse_term(f, &p);
    }
    *text = p + 1;
}

/* One term and what belongs to it; gives its place. */
static int parse_term(struct form *f, const char **text)
{
    const char *p = skip_space(*text);
    const int at = f->n++;
    struct term *t = &f->term[at];
    assert(at < TERMS);
    *t = (struct term){ .letter = -1 };
    if (islower((unsigned char)p[0]) && p[1] == '=') {
        t->letter = p[0] - 'a';
        p += 2;
    }
    if (*p == '(') {
        parse_node(f, at, &p);
    } else if (*p == '#' || islower((unsigned char)*p)) {
        t->kind = *p == '#' ? TERM_CONST : TERM_VALUE;
        p += *p == '#';
        t->letter = *p++ - 'a';
    } else {
        char *end;
        t->kind = TERM_NUMBER;
        t->number = strtod(p, &end);
        assert(end > p);
        p = end;
    }
    *text = p;
    return at;
}

/* ---- matching ---- */

struct state {
    const struct form *f;
    struct match m;
    struct value *at[TERMS]; /* what each term is compared with */
};

#define SAME_NUMBER 1e-6 /* float32 constants, written with 7 digits or more */

static int is_number(const struct value *v, double x)
{
    const int64_t n = vn_pass_is_const(v) ? vn_shape_count(&v->shape) : 0;
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(vn_tensor_f64(v->data, i) - x) <= SAME_NUMBER * fabs(x)))
            return 0;
    return n > 0;
}

static int inputs_given(const struct node *n)
{
    int k = n->n_in;
    while (k && !n->in[k - 1])
        k--;
    return k;
}

static int only_first_output(const struct node *n)
{
    for (int i = 1; i < n->n_out; i++)
        if (n->out[i] && vn_graph_uses(n->out[i]))
            return 0;
    return n->out[0] != NULL;
}

static int is_of(const struct term *t, const struct node *n) { return n->op == t->op; }

static int fits_node(const struct term *t, const struct value *v)
{
    const struct node *n = v->producer;
    return n && is_of(t, n) && v->port == 0 && inputs_given(n) == t->n_args && only_first_output(n) &&
           v->dtype == VN_F32 && !v->bounded;
}

/* The matched nodes, each once, the root aside. */
static void collect(struct state *s)
{
    s->m.n_inner = 0;
    for (int i = 1; i < s->f->n; i++) {
        struct node *n = s->f->term[i].kind == TERM_NODE ? s->at[i]->producer : NULL;
        int known = !n || n == s->m.root;
        for (int k = 0; !known && k < s->m.n_inner; k++)
            known = s->m.inner[k] == n;
        if (!known) {
            assert(s->m.n_inner < MATCH_NODES);
            s->m.inner[s->m.n_inner++] = n;
        }
    }
}

static int uses_by(const struct node *n, const struct value *v)
{
    int uses = 0;
    for (int i = 0; i < n->n_in; i++)
        uses += n->in[i] == v;
    return uses;
}

/* Does anything else read what is computed inside? */
static int is_closed(struct state *s)
{
    collect(s);
    for (int i = 0; i < s->m.n_inner; i++) {
        const struct value *v = s->m.inner[i]->out[0];
        int uses = uses_by(s->m.root, v);
        for (int k = 0; k < s->m.n_inner; k++)
            uses += uses_by(s->m.inner[k], v);
        if (uses != vn_graph_uses(v))
            return 0;
    }
    return 1;
}

static int match_from(struct state *s, int i);

static int match_inputs(struct state *s, int i, int swapped)
{
    const struct term *t = &s->f->term[i];
    for (int k = 0; k < t->n_args; k++)
        s->at[t->arg[k]] = s->at[i]->producer->in[swapped ? t->n_args - 1 - k : k];
    return match_from(s, i + 1);
}

static int match_term(struct state *s, int i)
{
    const struct term *t = &s->f->term[i];
    struct value *v = s->at[i];
    switch (t->kind) {
    case TERM_NUMBER: return is_number(v, t->number) && match_from(s, i + 1);
    case TERM_CONST: return vn_pass_is_const(v) && match_from(s, i + 1);
    case TERM_VALUE: return match_from(s, i + 1);
    case TERM_NODE: break;
    }
    return fits_node(t, v) &&
           (match_inputs(s, i, 0) || (t->n_args == 2 && t->op->commutative && match_inputs(s, i, 1)));
}

/* Terms i and on. As deep as the form is long. */
static int match_from(struct state *s, int i)
{
    if (i == s->f->n)
        return is_closed(s);
    const struct term *t = &s->f->term[i];
    if (!s->at[i])
        return 0;
    if (t->letter < 0)
        return match_term(s, i);
    struct value *before = s->m.value[t->letter];
    if (before && before != s->at[i])
        return 0;
    s->m.value[t->letter] = s->at[i];
    if (match_term(s, i))
        return 1;
    s->m.value[t->letter] = before;
    return 0;
}

/* ---- what is left to look at in captures ---- */

int vn_match_number(const struct match *m, char letter, double *x)
{
    const struct value *v = vn_match_value(m, letter);
    if (!vn_dtype_is_float(v->dtype) || vn_shape_count(&v->shape) != 1)
        return 0;
    *x = vn_tensor_f64(v->data, 0);
    return isfinite(*x);
}

int vn_match_keeps_shape(const struct match *m, char letter)
{
    return vn_shape_equal(&vn_match_value(m, letter)->shape, &m->root->out[0]->shape);
}

int vn_match_trailing_axes(const struct match *m, char x, char axes)
{
    const struct value *a = vn_match_value(m, axes);
    const int rank = vn_match_value(m, x)->shape.rank;
    const int64_t n = vn_shape_count(&a->shape);
    uint32_t mask = 0;
    if (n < 1 || n > rank || vn_dtype_is_float(a->dtype))
        return -1;
    for (int64_t i = 0; i < n; i++) {
        const int axis = vn_shape_axis(&vn_match_value(m, x)->shape, vn_tensor_i64(a->data, i));
        mask |= axis < 0 ? 0 : 1u << axis;
    }
    return mask == (((1u << n) - 1) << (rank - n)) ? rank - (int)n : -1;
}

/* ---- replacing ---- */

struct value *vn_match_const(struct match *m, const char *what, const struct vn_shape *s, double fill)
{
    struct vn_tensor *t = vn_tensor_new(m->g->arena, VN_F32, s);
    for (int64_t i = 0; i < vn_shape_count(s); i++)
        ((float *)t->data)[i] = (float)fill;
    return vn_graph_const(m->g, vn_arena_fmt(m->g->arena, "%s_%s", m->root->name, what), t);
}

struct value *vn_match_scalar(struct match *m, const char *what, double x)
{
    return vn_match_const(m, what, &(struct vn_shape){ 0 }, x);
}

struct node *vn_match_replace(struct match *m, const struct op_def *op, int n_in, struct value *const *in)
{
    struct value *y = m->root->out[0];
    struct node *n = vn_graph_node_before(m->g, m->root, op, m->root->name, n_in, in, 1, &y);
    for (int i = 0; i < m->n_inner; i++) {
        vn_graph_note_folded(m->g, m->inner[i]->out[0]->name, n->name);
        vn_graph_remove(m->g, m->inner[i]);
    }
    vn_graph_remove(m->g, m->root);
    return n;
}

/* Means without their axes as 1 would broadcast along others. */
static int keeps_axes(const struct value *mean)
{
    return !mean || mean->shape.rank == mean->producer->in[0]->shape.rank;
}

int vn_match_normal(struct match *m, const struct op_def *op, int axis)
{
    const struct vn_shape *x = &vn_match_value(m, 'x')->shape;
    double epsilon;
    if (axis < 0 || !keeps_axes(vn_match_value(m, 'm')) || !keeps_axes(vn_match_value(m, 'v')) ||
        vn_match_trailing_axes(m, 'x', 'a') != axis || !vn_match_number(m, 'e', &epsilon) || epsilon < 0 ||
        !vn_match_keeps_shape(m, 'x'))
        return 0;
    const struct vn_shape row = vn_shape_of(x->rank - axis, x->d + axis);
    if (vn_shape_count(&row) < 1 ||
        vn_shape_count(&row) > VN_NORM_MOST) /* longer rows have no integer form */
        return 0;
    struct value *in[2] = { vn_match_value(m, 'x'), vn_match_const(m, "scale", &row, 1) };
    struct trailing_attrs *a = vn_match_replace(m, op, 2, in)->attrs;
    a->axis = axis - x->rank;
    a->epsilon = (float)epsilon;
    return 1;
}

static int fuse_at(const struct pattern *p, const struct form *f, struct graph *g, struct node *n)
{
    struct state s = { .f = f, .m = { .g = g, .root = n } };
    s.at[0] = n->out[0];
    return is_of(&f->term[0], n) && match_from(&s, 0) && p->fuse(&s.m);
}

int vn_pattern_run(const struct pattern *p, struct graph *g)
{
    int changes = 0;
    for (int k = 0; p->forms[k]; k++) {
        struct form f = { 0 };
        const char *text = p->forms[k];
        parse_term(&f, &text);
        assert(!*text);
        for (int i = 0; i < g->nodes.n; i++)
            if (fuse_at(p, &f, g, g->nodes.v[i])) {
                changes++;
                i = -1 + (i > MATCH_NODES ? i - MATCH_NODES : 0); /* the nodes in front have moved up */
            }
    }
    return changes;
}
