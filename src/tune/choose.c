/* The exact choice: a type for each group, so that predicted losses are least within limits of predicted
 * time and size. Groups do not depend on each other in the prediction: dynamic programming over groups, with
 * the limits in steps. */
#include <math.h>

#include "tune/tuner.h"

#define STEPS 8000 /* of the time */
#define SIZE_STEPS 100
/* What gains next to nothing is not worth its cost: of the loss, for twice the time or size. */
#define WORTH 0.02

/* ---- prediction ---- */

double vn_tune_group_loss(const struct tune_group *g, int type)
{
    const double *n = g->noise;
    const double left[VN_TUNE_TYPES] = { [VN_TUNE_INT8] = n[CHANGE_TENSORS] + n[CHANGE_WEIGHTS],
                                         [VN_TUNE_INT16] = n[CHANGE_WIDE] + n[CHANGE_WEIGHTS],
                                         [VN_TUNE_INT16_WEIGHTS] = n[CHANGE_WIDE],
                                         [VN_TUNE_FLOAT] = g->stays_quantized ? n[CHANGE_TENSORS] : 0 };
    return left[type];
}

struct prediction vn_tune_predict(const struct tuner *t, const unsigned char *type)
{
    struct prediction p = { 0 };
    for (int i = 0; i < t->groups.n; i++) {
        const struct tune_group *g = &t->groups.v[i];
        p.loss += vn_tune_group_loss(g, type[i]);
        p.ns += g->ns[type[i]];
        p.bytes += g->bytes[type[i]];
    }
    return p;
}

/* ---- dynamic programming ---- */

/* best[at] of the groups so far: at = steps of time * (size steps + 1) + steps of size. */
struct table {
    int steps, size_steps;
    double per_step, per_size_step;
    double *best, *next;
    unsigned char *taken; /* [group][at] */
};

static size_t cells(const struct table *t) { return ((size_t)t->steps + 1) * ((size_t)t->size_steps + 1); }

/* What the cheapest types of all groups cost: some cost less than int8. */
static double cheapest(const struct tune_group *g, const double *cost)
{
    double least = 0;
    for (int k = 1; k < VN_TUNE_TYPES; k++)
        if (g->allowed >> k & 1 && cost[k] < least)
            least = cost[k];
    return least;
}

static double total_of(const struct tuner *t, int bytes,
                       double (*of)(const struct tune_group *, const double *))
{
    double sum = 0;
    for (int i = 0; i < t->groups.n; i++)
        sum += of(&t->groups.v[i], bytes ? t->groups.v[i].bytes : t->groups.v[i].ns);
    return sum;
}

static double dearest(const struct tune_group *g, const double *cost)
{
    double most = 0;
    for (int k = 1; k < VN_TUNE_TYPES; k++)
        if (g->allowed >> k & 1 && cost[k] > most)
            most = cost[k];
    return most;
}

/* Of the cost above the cheapest; beyond the table: it does not fit. */
static int steps_of(double cost, double per_step, int most)
{
    const double steps = per_step > 0 ? cost / per_step : cost > 0 ? INFINITY : 0;
    return steps > most + 0.5 ? most + 1 : (int)lround(steps);
}

double vn_tune_objective(const struct tuner *t, struct prediction p)
{
    return p.loss + WORTH * (p.ns / t->base_ns + p.bytes / t->base_bytes);
}

static double objective(const struct tuner *t, const struct tune_group *g, int type)
{
    return vn_tune_objective(t,
                             (struct prediction){ vn_tune_group_loss(g, type), g->ns[type], g->bytes[type] });
}

static void add_group(struct table *b, const struct tuner *t, const struct tune_group *g,
                      unsigned char *taken)
{
    const size_t n = cells(b);
    const double ns = cheapest(g, g->ns), bytes = cheapest(g, g->bytes);
    for (size_t i = 0; i < n; i++)
        b->next[i] = INFINITY;
    for (int k = 0; k < VN_TUNE_TYPES; k++) {
        const int time = steps_of(g->ns[k] - ns, b->per_step, b->steps),
                  size = steps_of(g->bytes[k] - bytes, b->per_size_step, b->size_steps);
        const double loss = objective(t, g, k);
        if (!(g->allowed >> k & 1) || time > b->steps || size > b->size_steps)
            continue;
        for (int i = time; i <= b->steps; i++)
            for (int j = size; j <= b->size_steps; j++) {
                const size_t at = (size_t)i * ((size_t)b->size_steps + 1) + (size_t)j,
                             from = at - (size_t)time * ((size_t)b->size_steps + 1) - (size_t)size;
                if (b->best[from] + loss < b->next[at]) {
                    b->next[at] = b->best[from] + loss;
                    taken[at] = (unsigned char)k;
                }
            }
    }
    double *swap = b->best;
    b->best = b->next;
    b->next = swap;
}

static void trace_back(unsigned char *type, const struct tuner *t, const struct table *b)
{
    int time = b->steps, size = b->size_steps;
    for (int i = t->groups.n - 1; i >= 0; i--) {
        const struct tune_group *g = &t->groups.v[i];
        const size_t at = (size_t)time * ((size_t)b->size_steps + 1) + (size_t)size;
        type[i] = b->taken[(size_t)i * cells(b) + at];
        time -= steps_of(g->ns[type[i]] - cheapest(g, g->ns), b->per_step, b->steps);
        size -= steps_of(g->bytes[type[i]] - cheapest(g, g->bytes), b->per_size_step, b->size_steps);
    }
}

/* Above the cheapest; without a limit, what everything costs. */
static double room(const struct tuner *t, int bytes, double limit)
{
    const double least = total_of(t, bytes, cheapest), most = total_of(t, bytes, dearest);
    return fmax(fmin(limit, most) - least, 0);
}

void vn_tune_choose(unsigned char *type, const struct tuner *t, struct choice_limits l)
{
    struct vn_arena *a = vn_arena_new();
    struct table b = { .steps = STEPS, .size_steps = isinf(l.bytes) ? 0 : SIZE_STEPS };
    b.steps = b.size_steps ? STEPS / 8 : STEPS;
    b.per_step = room(t, 0, l.ns) / b.steps;
    b.per_size_step = b.size_steps ? room(t, 1, l.bytes) / b.size_steps : INFINITY;
    b.best = NEW_ARRAY(a, double, cells(&b));
    b.next = NEW_ARRAY(a, double, cells(&b));
    b.taken = NEW_ARRAY(a, unsigned char, (size_t)t->groups.n *cells(&b));
    for (int i = 0; i < t->groups.n; i++)
        add_group(&b, t, &t->groups.v[i], &b.taken[(size_t)i * cells(&b)]);
    memset(type, 0, (size_t)t->groups.n);
    if (isfinite(b.best[cells(&b) - 1]))
        trace_back(type, t, &b);
    vn_arena_free(&a);
}
