/* Calibration samples for any product. */
#include "base/file.h"
#include "flow/flow_job.h"

#define RANDOM_SAMPLES 8

int vn_flow_open_samples(struct flow_job *j, struct vn_err *e)
{
    struct vn_session **s = vn_session_slot(j->work);
    struct vn_session_options o;
    vn_session_options_default(&o);
    o.inspect = 1;
    if (j->samples)
        return VN_OK;
    TRY(vn_session_open(s, j->product[ORIGINAL], &o, e));
    j->original = *s;
    const struct graph *g = vn_session_graph(j->original);
    const char **names = NEW_ARRAY(j->work, const char *, g->inputs.n);
    for (int i = 0; i < g->inputs.n; i++)
        names[i] = g->inputs.v[i]->name;
    TRY(vn_config_match_inputs(j->config, j->work, g->inputs.n, names, e));
    return j->config->calibration_type == CALIBRATION_SKIP
               ? vn_samples_random(&j->samples, j->work, j->config, g, RANDOM_SAMPLES, e)
               : vn_samples_open(&j->samples, j->work, j->config, g, e);
}

int vn_flow_open_folder(struct vn_samples **out, struct flow_job *j, const char *folder, struct vn_err *e)
{
    struct config *c = NEW(j->work, struct config);
    *c = *j->config;
    c->inputs = NEW_ARRAY(j->work, struct input_config, c->n_inputs);
    for (int i = 0; i < c->n_inputs; i++) {
        c->inputs[i] = j->config->inputs[i];
        c->inputs[i].cal_dir = c->n_inputs > 1 ? vn_path_join(j->work, folder, c->inputs[i].name) : folder;
    }
    return vn_samples_open(out, j->work, c, vn_session_graph(j->original), e);
}

int vn_flow_samples(const struct flow_job *j, int most)
{
    const int all = vn_samples_count(j->samples);
    return all < most ? all : most;
}

int vn_flow_sample(const struct flow_job *j, int i, int n)
{
    return (int)((int64_t)i * vn_samples_count(j->samples) / n);
}

int vn_flow_inputs(struct vn_input_settings *s, struct flow_job *j, struct vn_err *e)
{
    struct vn_arena *a = j->work;
    const struct graph *g = vn_session_graph(j->original);
    const char **names = NEW_ARRAY(a, const char *, g->inputs.n),
               **shapes = NEW_ARRAY(a, const char *, g->inputs.n);
    (void)e;
    for (int i = 0; i < g->inputs.n; i++) {
        names[i] = g->inputs.v[i]->name;
        shapes[i] = vn_shape_text(&g->inputs.v[i]->shape, vn_arena_alloc(a, VN_SHAPE_TEXT));
    }
    *s = (struct vn_input_settings){ g->inputs.n, names, shapes, j->config->n_values, j->config->values };
    return VN_OK;
}

struct feeding {
    struct flow_job *j;
    int n;
};

static int feed(void *user, struct vn_session *s, int side, int sample, struct vn_err *e)
{
    const struct feeding *f = user;
    struct vn_arena *a = vn_arena_new();
    float **x = NEW_ARRAY(a, float *, vn_session_graph(f->j->original)->inputs.n);
    (void)side;
    int status = vn_samples_load(f->j->samples, vn_flow_sample(f->j, sample, f->n), a, x, e);
    if (status == VN_OK)
        status = vn_session_feed_values(s, x, e);
    vn_arena_free(&a);
    return status;
}

int vn_flow_compare(struct vn_comparison **c, struct flow_job *j, const char *left, const char *right,
                    int samples, int outputs_only, struct vn_err *e)
{
    struct feeding f = { j, samples };
    struct vn_compare_options o;
    vn_compare_options_default(&o);
    o.left = left;
    o.right = right;
    o.with.run = j->o->run;
    o.with.listener = j->o->listener;
    return vn_compare_fed(c, &o, &(struct compare_feeder){ samples, feed, &f, outputs_only }, e);
}

int vn_flow_float_settings(struct vn_input_settings *s, struct flow_job *j)
{
    const struct config *c = j->config;
    const char **names = NEW_ARRAY(j->work, const char *, c->n_inputs),
               **shapes = NEW_ARRAY(j->work, const char *, c->n_inputs);
    *s = (struct vn_input_settings){ 0, names, shapes, c->n_values, c->values };
    for (int i = 0; i < c->n_inputs; i++)
        if (c->inputs[i].name && c->inputs[i].shape) {
            names[s->n_shapes] = c->inputs[i].name;
            shapes[s->n_shapes++] = c->inputs[i].shape;
        }
    return VN_OK;
}
