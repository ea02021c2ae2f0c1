/* Detects inputs that are normalised differently from training, from the outputs on a few samples. Where an
 * output chooses one of several classes at many places, a network that sees what it was not trained on often
 * chooses the same one everywhere, undecided. Entropy alone does not tell: pixels in 0..255 make some
 * networks overconfident. So both must hold, and neither under another usual normalization. */
#include <math.h>

#include "convert/network_input.h"
#include "ops/op.h"
#include "session/session.h"
#include "tensor/choice.h"

#define CLASSES 4 /* at least, along the axis of a choice */
#define CHOICES 12 /* at least, over all samples */
#define UNDECIDED 0.1 /* entropy, 1: all classes are equally likely */
#define TIMES_DECIDED 5.0 /* less entropy with another normalization */
#define VARIED 0.9 /* at most this share of the choices is the commonest one */

/* The choices of one output along one axis. */
struct choice {
    int output, axis, classes;
    int64_t n, *votes; /* of each class */
    double entropy; /* sum, of the largest possible */
};

struct choices {
    VEC(struct choice) of;
};

static void count(struct choice *c, const float *x, const struct vn_shape *s)
{
    const struct choice_axis k = vn_choice_axis(s, c->axis);
    for (int64_t i = 0, n = vn_shape_count(s) / c->classes; i < n; i++) {
        c->entropy += vn_choice_entropy(x, &k, i);
        c->votes[vn_choice(x, &k, i)]++;
        c->n++;
    }
}

static double top_share(const struct choice *c)
{
    int64_t most = 0;
    for (int k = 0; k < c->classes; k++)
        most = c->votes[k] > most ? c->votes[k] : most;
    return (double)most / (double)c->n;
}

/* ---- the network behind the preprocess node ---- */

/* An output whose axes behind the batch are classes and places. */
static void add_choices(struct choices *to, const struct vn_port *p, int output, int samples,
                        struct vn_arena *a)
{
    const struct vn_shape s = vn_shape_of(p->rank, p->shape);
    for (int axis = 1; p->dtype == VN_F32 && s.rank >= 3 && axis < s.rank; axis++) {
        const int64_t n = s.d[axis];
        const struct choice c = { output, axis, (int)n, 0, NEW_ARRAY(a, int64_t, n), 0 };
        if (n >= CLASSES && n <= 1 << 16 && vn_shape_count(&s) / n * samples >= CHOICES)
            VEC_PUSH(a, &to->of, c);
    }
}

static int count_output(struct choices *to, const struct vn_session *s, int output, struct vn_arena *a,
                        struct vn_err *e)
{
    struct vn_view v;
    TRY(vn_session_output(s, output, &v, e));
    const struct vn_shape shape = vn_shape_of(v.rank, v.shape);
    float *x = NEW_ARRAY(a, float, vn_view_count(&v));
    vn_view_real(x, &v);
    for (int i = 0; i < to->of.n; i++)
        if (to->of.v[i].output == output && shape.d[to->of.v[i].axis] == to->of.v[i].classes)
            count(&to->of.v[i], x, &shape);
    return VN_OK;
}

static int run_sample(struct choices *to, struct vn_session *s, const struct judge_input *j, int i,
                      const struct norm *m, struct vn_arena *a, struct vn_err *e)
{
    struct vn_tensor *x;
    int n;
    vn_session_outputs(s, &n);
    TRY(vn_network_tensor(&x, j, vn_judged_sample(j, i), m, a, e));
    TRY(vn_session_feed_array(s, 0, VN_F64, x->shape.rank, x->shape.d, NULL, x->data, e));
    TRY(vn_session_run(s, e));
    for (int k = 0; k < n; k++)
        TRY(count_output(to, s, k, a, e));
    return VN_OK;
}

static int run_samples(struct choices *to, struct vn_session *s, const struct judge_input *j,
                       const struct norm *m, struct vn_err *e)
{
    int n, status = VN_OK;
    const struct vn_port *out = vn_session_outputs(s, &n);
    *to = (struct choices){ { 0 } };
    for (int i = 0; i < n; i++)
        add_choices(to, &out[i], i, vn_judged_samples(j), j->c->arena);
    for (int i = 0; to->of.n && i < vn_judged_samples(j) && status == VN_OK; i++) {
        struct vn_arena *a = vn_arena_new();
        status = run_sample(to, s, j, i, m, a, e);
        vn_arena_free(&a);
    }
    return status;
}

/* The network as one of floats, its only input what the preprocess node makes; NULL: it has others. */
static struct graph *behind_pixels(const struct judge_input *j, struct vn_arena *a)
{
    struct graph *g = vn_graph_clone(a, j->c->original);
    struct value *v = vn_graph_find(g, j->start->name);
    if (g->inputs.n != 1)
        return NULL;
    if (v->producer) {
        vn_graph_remove(g, v->producer);
        v->producer = NULL;
        g->inputs.v[0] = v;
    }
    vn_graph_index(g);
    return g;
}

/* ---- the judgement ---- */

static int is_undecided(const struct choice *x)
{
    return x->n && top_share(x) == 1 && x->entropy >= UNDECIDED * (double)x->n;
}

static int any_undecided(const struct choices *c)
{
    int any = 0;
    for (int i = 0; i < c->of.n; i++)
        any |= is_undecided(&c->of.v[i]);
    return any;
}

/* The choice that is undecided with the given normalization and decided with another one; -1: none. */
static int find_contradiction(const struct choices *given, const struct choices *other)
{
    for (int i = 0; i < given->of.n; i++) {
        const struct choice *x = &given->of.v[i], *y = &other->of.v[i];
        if (is_undecided(x) && y->n == x->n && y->entropy * TIMES_DECIDED < x->entropy &&
            top_share(y) <= VARIED)
            return i;
    }
    return -1;
}

static const char *text_undecided(const struct judge_input *j, const struct choice *x, const struct choice *y,
                                  const char *output, const struct norm *better)
{
    return vn_arena_fmt(
        j->c->arena,
        "input %s: with norm_type %s, output %s chooses the same of %d classes at all %lld places of %d "
        "samples, with an entropy of %.2g (1: all are equally likely); for example with %s the entropy would "
        "be %.2g, and %.0f %% of the choices the commonest class. Check norm_type, mean_value and "
        "scale_value",
        j->in->name, vn_word_of(vn_words_norm_type, j->in->norm_type), output, x->classes, (long long)x->n,
        vn_judged_samples(j), x->entropy / (double)x->n, better->text, y->entropy / (double)y->n,
        100 * top_share(y));
}

static int compare(const char **text, struct vn_session *s, const struct judge_input *j,
                   const struct norm *given, struct vn_err *e)
{
    struct choices now, other;
    int n;
    const struct vn_port *out = vn_session_outputs(s, &n);
    TRY(run_samples(&now, s, j, given, e));
    for (int k = 0; any_undecided(&now) && k < vn_usual_norms_count; k++) {
        if (vn_norm_is_other(j, &vn_usual_norms[k]))
            continue;
        TRY(run_samples(&other, s, j, &vn_usual_norms[k], e));
        const int i = find_contradiction(&now, &other);
        if (i < 0)
            continue;
        *text =
            text_undecided(j, &now.of.v[i], &other.of.v[i], out[now.of.v[i].output].name, &vn_usual_norms[k]);
        return VN_OK;
    }
    return VN_OK;
}

static int judge(const char **text, const struct judge_input *j, const struct norm *given, struct vn_arena *a,
                 struct vn_err *e)
{
    struct vn_session **s = vn_session_slot(a);
    struct graph *g = behind_pixels(j, a);
    if (!g)
        return VN_OK;
    TRY(vn_session_open_graph(s, g, NULL, NULL, e));
    return compare(text, *s, j, given, e);
}

int vn_judge_outputs(const char **text, const struct judge_input *j, const struct norm *given,
                     struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    *text = NULL;
    const int status = judge(text, j, given, a, e);
    vn_arena_free(&a);
    return status;
}
