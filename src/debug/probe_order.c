/* The order in which the probe runs nodes. A change runs again what lies behind it in this order, needed or
 * not, so side branches come as early as they can: of the nodes that are ready, the one that the fewest
 * others depend on is next. */
#include "debug/probe.h"

/* By node, how many depend on it: sets of bits, a row for each node. */
static int *count_dependents(struct vn_arena *a, const struct graph *g)
{
    const int n = g->nodes.n, words = (n + 63) / 64;
    uint64_t *set = NEW_ARRAY(a, uint64_t, (size_t)n * (size_t)words);
    int *count = NEW_ARRAY(a, int, n);
    for (int i = n - 1; i >= 0; i--) {
        const struct node *node = g->nodes.v[i];
        uint64_t *own = &set[(size_t)i * (size_t)words];
        for (int k = 0; k < node->n_out; k++)
            for (int u = 0; node->out[k] && u < node->out[k]->users.n; u++) {
                const int user = node->out[k]->users.v[u].node->id;
                own[user / 64] |= UINT64_C(1) << user % 64;
                for (int w = 0; w < words; w++)
                    own[w] |= set[(size_t)user * (size_t)words + (size_t)w];
            }
        for (int w = 0; w < words; w++)
            count[i] += __builtin_popcountll(own[w]);
    }
    return count;
}

static int is_ready(const struct node *n, const char *done)
{
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i] && n->in[i]->producer && !done[n->in[i]->producer->id])
            return 0;
    return 1;
}

/* The node to run next; nodes before `from` in the old order are done. */
static int choose(const struct graph *g, const char *done, const int *dependents, int from)
{
    int best = -1;
    for (int i = from; i < g->nodes.n; i++)
        if (!done[i] && (best < 0 || dependents[i] < dependents[best]) && is_ready(g->nodes.v[i], done))
            best = i;
    return best;
}

void vn_probe_order(struct graph *g)
{
    struct vn_arena *a = vn_arena_new();
    vn_graph_index(g);
    const int n = g->nodes.n, *dependents = count_dependents(a, g);
    char *done = NEW_ARRAY(a, char, n);
    struct node **order = NEW_ARRAY(a, struct node *, n);
    for (int i = 0, from = 0; i < n; i++) {
        const int next = choose(g, done, dependents, from);
        done[next] = 1;
        order[i] = g->nodes.v[next];
        while (from < n && done[from])
            from++;
    }
    memcpy(g->nodes.v, order, (size_t)n * sizeof *order);
    vn_arena_free(&a);
    vn_graph_index(g);
}
