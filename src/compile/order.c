/* The order of instructions, for less working memory. Of those whose operands are there, the one comes next
 * that leaves the least memory in use. Whatever the order, each instruction computes the same. */
#include "compile/compile.h"

struct edge {
    int to, next;
};

/* What is known of a tensor while dependencies are collected. */
struct touched {
    int writer; /* the last; -1: none yet */
    int readers; /* since then: first of a list in `edges`; -1: none */
};

struct order {
    const struct prog *p;
    int n;
    VEC(struct edge) edges;
    int *first; /* of an instruction's list of those that wait for it; -1: none */
    int *waits; /* for how many others an instruction still waits; -1: it was taken */
    int *reads; /* of a tensor that are still to come; outputs have one more */
    char *live;
};

static void add_edge(struct order *o, int *list, int to)
{
    const struct edge e = { to, *list };
    VEC_PUSH(o->p->arena, &o->edges, e);
    *list = o->edges.n - 1;
}

static void add_wait(struct order *o, int from, int to)
{
    if (from < 0 || from == to)
        return;
    add_edge(o, &o->first[from], to);
    o->waits[to]++;
}

/* A reader waits for the last writer; a writer for it, too (several may fill one tensor), and for the readers
 * of what was there. */
static void find_waits(struct order *o)
{
    struct touched *t = NEW_ARRAY(o->p->arena, struct touched, o->p->tensors.n);
    for (int i = 0; i < o->p->tensors.n; i++)
        t[i] = (struct touched){ -1, -1 };
    for (int i = 0; i < o->n; i++) {
        const struct prog_instr *x = &o->p->instrs.v[i];
        for (int k = 0; k < x->n_in; k++) {
            add_wait(o, t[x->in[k]].writer, i);
            add_edge(o, &t[x->in[k]].readers, i);
            o->reads[x->in[k]]++;
        }
        add_wait(o, t[x->out].writer, i);
        for (int e = t[x->out].readers; e >= 0; e = o->edges.v[e].next)
            add_wait(o, o->edges.v[e].to, i);
        t[x->out] = (struct touched){ i, -1 };
    }
}

static int is_shared_memory(const struct order *o, int t) { return o->p->tensors.v[t].place == BIN_ARENA; }

/* Bytes more in use behind instruction i than in front of it. */
static double growth(const struct order *o, int i)
{
    const struct prog_instr *x = &o->p->instrs.v[i];
    double bytes =
        is_shared_memory(o, x->out) && !o->live[x->out] ? (double)o->p->tensors.v[x->out].bytes : 0;
    for (int k = 0; k < x->n_in; k++) {
        int times = 0, before = 0;
        for (int j = 0; j < x->n_in; j++) {
            times += x->in[j] == x->in[k];
            before += j < k && x->in[j] == x->in[k];
        }
        if (!before && is_shared_memory(o, x->in[k]) && o->reads[x->in[k]] == times)
            bytes -= (double)o->p->tensors.v[x->in[k]].bytes;
    }
    return bytes;
}

/* The best that can run, among `window` instructions from `from` on. */
static int choose(const struct order *o, int from, int window)
{
    int best = -1;
    double least = 0;
    for (int i = from; i < o->n && i - from < window; i++) {
        const double bytes = o->waits[i] == 0 ? growth(o, i) : 0;
        if (o->waits[i] == 0 && (best < 0 || bytes < least)) {
            best = i;
            least = bytes;
        }
    }
    return best;
}

static void take(struct order *o, int i)
{
    const struct prog_instr *x = &o->p->instrs.v[i];
    o->waits[i] = -1;
    o->live[x->out] = 1;
    for (int k = 0; k < x->n_in; k++)
        o->reads[x->in[k]]--;
    for (int e = o->first[i]; e >= 0; e = o->edges.v[e].next)
        o->waits[o->edges.v[e].to]--;
}

static struct order new_order(const struct prog *p)
{
    struct order o = { .p = p, .n = p->instrs.n };
    o.first = NEW_ARRAY(p->arena, int, o.n);
    o.waits = NEW_ARRAY(p->arena, int, o.n);
    o.reads = NEW_ARRAY(p->arena, int, p->tensors.n);
    o.live = NEW_ARRAY(p->arena, char, p->tensors.n);
    for (int i = 0; i < o.n; i++)
        o.first[i] = -1;
    for (int i = 0; i < p->inputs.n; i++)
        o.live[p->inputs.v[i].tensor] = 1;
    for (int i = 0; i < p->outputs.n; i++)
        o.reads[p->outputs.v[i].tensor]++;
    find_waits(&o);
    return o;
}

/* The first that was not taken can always run: the program's own order is one. */
static struct prog_instr *reordered(const struct prog *p, int window)
{
    struct order o = new_order(p);
    struct prog_instr *v = NEW_ARRAY(p->arena, struct prog_instr, o.n);
    for (int n = 0, from = 0; n < o.n; n++) {
        while (o.waits[from] < 0)
            from++;
        const int i = choose(&o, from, window);
        v[n] = p->instrs.v[i];
        take(&o, i);
    }
    return v;
}

/* The least of several: from farther one does not always see better. */
void vn_compile_order(struct prog *p, const struct compile_options *o)
{
    const int n = p->instrs.n;
    int economy = o->economy;
    if (!economy || n < 2)
        return;
    uint64_t *offset = NEW_ARRAY(p->arena, uint64_t, p->tensors.n);
    struct prog_instr *const own = p->instrs.v, *best = own;
    size_t least = vn_compile_plan(p, o, offset);
    for (; economy; economy /= 2) {
        p->instrs.v = own;
        p->instrs.v = reordered(p, 1 + (int)((double)(n - 1) * economy / 100));
        const size_t bytes = vn_compile_plan(p, o, offset);
        if (bytes < least) {
            least = bytes;
            best = p->instrs.v;
        }
    }
    p->instrs.v = best;
}
