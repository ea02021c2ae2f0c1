/* What only moves or converts at the very beginning and end of a network can be left to the program around
 * it. */
#include "ops/op.h"
#include "passes/pass.h"

static int can_go(const struct node *n) { return n->op->elements != ELEMENTS_OTHER; }

/* The input stands for what its only reader made of it. */
static struct node *trim_head(struct graph *g, struct value *v)
{
    struct node *n = vn_graph_sole_user(v);
    if (!n || !can_go(n) || n->in[0] != v || vn_graph_is_output(n->out[0]))
        return NULL;
    struct value *y = n->out[0];
    v->shape = y->shape;
    v->dtype = y->dtype;
    vn_graph_replace(g, y, v, 0);
    vn_graph_remove(g, n);
    return n;
}

/* The output stands for what the last node read. */
static struct node *trim_tail(struct graph *g, struct value *y)
{
    struct node *n = y->producer;
    struct value *x = n && vn_graph_uses(y) == 1 && can_go(n) ? n->in[0] : NULL;
    if (!x || !x->producer || vn_graph_uses(x) != 1)
        return NULL;
    y->shape = x->shape;
    y->dtype = x->dtype;
    vn_graph_note_folded(g, x->name, x->producer->name);
    vn_graph_set_output(x->producer, x->port, y);
    vn_graph_remove(g, n);
    return n;
}

int vn_trim_ends(struct graph *g, const struct vn_listener *l)
{
    int removed = 0;
    for (int again = 1; again;) {
        again = 0;
        for (int i = 0; !again && i < g->inputs.n + g->outputs.n; i++) {
            const int head = i < g->inputs.n;
            struct value *v = head ? g->inputs.v[i] : g->outputs.v[i - g->inputs.n];
            const struct node *n = head ? trim_head(g, v) : trim_tail(g, v);
            if (!n)
                continue;
            char shape[VN_SHAPE_TEXT];
            vn_say(l, VN_LOG_WARNING, "%s (%s) is removed: %s '%s' is now %s %s", n->name, n->op->onnx,
                   head ? "input" : "output", v->name, vn_dtype_name(v->dtype),
                   vn_shape_text(&v->shape, shape));
            removed++;
            again = 1;
        }
    }
    vn_graph_index(g);
    return removed;
}
