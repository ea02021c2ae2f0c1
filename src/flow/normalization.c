/* Is the float network less decided with the given normalization than with another usual one? Where outputs
 * are probabilities, a network that reads what it was trained on knows best what it sees. */
#include <math.h>

#include "convert/network_input.h"
#include "flow/choices.h"
#include "flow/symptoms.h"
#include "graph/graph.h"

#define SAMPLES 6
#define CERTAIN 1e-3 /* entropy, by that of equally likely classes: below it nothing is undecided */

struct undecided {
    struct flow_job *j;
    struct vn_session *s; /* the float model */
};

static int add_outputs(struct choice_count *c, struct undecided *u, struct vn_arena *a, struct vn_err *e)
{
    int n;
    vn_session_outputs(u->s, &n);
    for (int i = 0; i < n; i++) {
        struct vn_view v;
        TRY(vn_session_output(u->s, i, &v, e));
        const struct vn_shape shape = vn_shape_of(v.rank, v.shape);
        struct vn_tensor *t = vn_tensor_new(a, VN_F32, &shape);
        vn_view_real(t->data, &v);
        if (v.dtype == VN_F32)
            vn_choices_add(c, t, 0, t->data, t->data, a);
    }
    return VN_OK;
}

static int run_sample(struct choice_count *c, struct undecided *u, const struct flow_job *with, int sample,
                      struct vn_arena *a, struct vn_err *e)
{
    const struct vn_shape *s = &vn_session_graph(with->original)->inputs.v[0]->shape;
    float *x = NEW_ARRAY(a, float, vn_shape_count(s));
    TRY(vn_flow_network_input(x, with, sample, 0, ROUTE_TRAINING, a, e));
    TRY(vn_session_feed_values(u->s, &x, e));
    TRY(vn_session_run(u->s, e));
    return add_outputs(c, u, a, e);
}

/* Mean entropy of the choices, 1: all classes are equally likely; NaN: nothing chooses. m NULL: as given. */
static int entropy(double *mean, struct undecided *u, const struct norm *m, struct vn_err *e)
{
    struct input_config in = u->j->config->inputs[0];
    struct config config = *u->j->config;
    struct flow_job with = *u->j;
    struct choice_count c = { 0 };
    const int n = vn_flow_samples(u->j, SAMPLES);
    if (m) {
        memcpy(in.mean, m->mean, sizeof m->mean);
        memcpy(in.scale, m->scale, sizeof m->scale);
        in.n_mean = in.n_scale = m->n;
    }
    config.inputs = &in;
    with.config = &config;
    for (int i = 0; i < n; i++) {
        struct vn_arena *a = vn_arena_new();
        const int status = run_sample(&c, u, &with, vn_flow_sample(u->j, i, n), a, e);
        vn_arena_free(&a);
        TRY(status);
    }
    *mean = c.places ? c.entropy / (double)c.places : NAN;
    return VN_OK;
}

static int fits(const struct norm *m, const struct input_config *in)
{
    return m->scale[0] != 1 && (m->n == 1 || in->type_train != VN_IN_GRAY);
}

static int compare(struct symptoms *s, struct undecided *u, struct vn_err *e)
{
    double given, other, least;
    const struct norm *best = NULL;
    TRY(entropy(&given, u, NULL, e));
    least = given;
    for (int i = 0; !isnan(given) && i < vn_usual_norms_count; i++) {
        if (!fits(&vn_usual_norms[i], &u->j->config->inputs[0]))
            continue;
        TRY(entropy(&other, u, &vn_usual_norms[i], e));
        if (!(other < least))
            continue;
        least = other;
        best = &vn_usual_norms[i];
    }
    if (!best)
        return VN_OK;
    const struct seen seen = { given / fmax(least, CERTAIN), u->j->config->inputs[0].name,
                               vn_session_graph(u->j->original)->inputs.v[0]->name, best->text };
    vn_symptom_see(s, SEEN_UNDECIDED, seen);
    u->j->setting = vn_norm_setting(best, u->j->arena);
    return VN_OK;
}

int vn_flow_look_at_normalization(struct symptoms *s, struct flow_job *j, struct vn_err *e)
{
    const struct graph *g = vn_session_graph(j->original);
    struct vn_session **floats = vn_session_slot(j->work);
    struct vn_session_options o;
    if (j->config->n_inputs != 1 || g->inputs.v[0]->shape.rank != 4 ||
        j->config->inputs[0].type_rt == VN_IN_FEATUREMAP || j->config->output_nodes.n ||
        j->config->calibration_type == CALIBRATION_SKIP)
        return VN_OK;
    vn_session_options_default(&o);
    o.run = j->o->run;
    o.prototxt = j->config->prototxt;
    TRY(vn_flow_inputs(&o.inputs, j, e));
    TRY(vn_session_open(floats, j->config->model, &o, e));
    return compare(s, &(struct undecided){ j, *floats }, e);
}
