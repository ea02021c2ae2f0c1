/* input_batch: the program takes several images at once. That it gives for each what a program of one gives
 * is tried out. */
#include <math.h>

#include "convert/stages.h"
#include "session/session.h"

#define TOLERANCE 1e-5 /* of the largest magnitude: float32 sums in another order */

static int fail_key(const struct vn_conversion *c, const char *key, struct vn_err *e)
{
    const struct vn_err why = *e;
    return vn_config_fail(c->config, vn_config_given(c->config, key), e, why.code, "%s", why.msg);
}

static int check_names(const struct vn_conversion *c, struct vn_err *e)
{
    const struct name_list *s = &c->config->separate;
    for (int i = 0; i < s->n; i++) {
        int known = 0;
        for (int k = 0; k < c->quantized->inputs.n; k++)
            known |= !strcmp(c->quantized->inputs.v[k]->name, s->v[i]);
        if (!known) {
            vn_fail(e, VN_E_INPUT, "the model has no input '%s'", s->v[i]);
            return fail_key(c, "separate_name", e);
        }
    }
    return VN_OK;
}

/* ---- the same random images for both ---- */

struct batch_test {
    struct vn_session *one, *many;
    int batch;
};

/* Input `i` of the single network: where its images begin among the inputs of the other one. */
static int first_input(const struct batch_test *t, int i, int *separate)
{
    int n, at = 0;
    const struct vn_port *one = vn_session_inputs(t->one, &n);
    for (int k = 0; k < i; k++)
        at += vn_session_input(t->many, one[k].name) >= 0 ? 1 : t->batch;
    *separate = vn_session_input(t->many, one[i].name) < 0;
    return at;
}

static int feed_image(const struct batch_test *t, int i, int image, struct vn_err *e)
{
    int n, separate;
    const struct vn_port *p = &vn_session_inputs(t->one, &n)[i];
    const int at = first_input(t, i, &separate);
    const struct vn_tensor *x = vn_session_fed(t->many, separate ? at + image : at);
    const size_t bytes = (size_t)vn_shape_count(&x->shape) * vn_dtype_size(x->dtype) / (size_t)t->batch;
    const char *data = (const char *)x->data + (separate ? 0 : (size_t)image * bytes);
    return vn_session_feed_array(t->one, i, x->dtype, p->rank, p->shape, NULL, data, e);
}

/* The largest difference of an output, of its largest magnitude. */
static double difference(const struct vn_view *one, const struct vn_view *many, int image)
{
    const int64_t n = vn_view_count(one);
    double most = 0, worst = 0;
    for (int64_t i = 0; i < n; i++) {
        const double want = vn_view_at(one, i), got = vn_view_at(many, image * n + i);
        most = isfinite(want) ? fmax(most, fabs(want)) : most;
        if (got != want && !(isnan(got) && isnan(want)))
            worst = fmax(worst, isfinite(got - want) ? fabs(got - want) : INFINITY);
    }
    return most > 0 ? worst / most : worst;
}

static int compare_image(const struct batch_test *t, int image, struct vn_err *e)
{
    int n_in, n_out;
    vn_session_inputs(t->one, &n_in);
    const struct vn_port *out = vn_session_outputs(t->one, &n_out);
    for (int i = 0; i < n_in; i++)
        TRY(feed_image(t, i, image, e));
    TRY(vn_session_run(t->one, e));
    for (int i = 0; i < n_out; i++) {
        struct vn_view one, many;
        TRY(vn_session_output(t->one, i, &one, e));
        TRY(vn_session_output(t->many, i, &many, e));
        if (vn_view_count(&many) != vn_view_count(&one) * t->batch ||
            difference(&one, &many, image) > TOLERANCE)
            return vn_fail(e, VN_E_UNSUPPORTED,
                           "output %s differs between a batch of %d images and single images", out[i].name,
                           t->batch);
    }
    return VN_OK;
}

static int try_out(const struct vn_conversion *c, const struct graph *many, struct vn_err *e)
{
    struct vn_session **one = vn_session_slot(c->arena), **all = vn_session_slot(c->arena);
    struct vn_session_options o;
    vn_session_options_default(&o);
    o.run = c->run;
    TRY(vn_session_open_graph(one, c->turned, NULL, &o, e));
    TRY(vn_session_open_graph(all, many, NULL, &o, e));
    TRY(vn_session_feed_random(*all, 1, e));
    TRY(vn_session_run(*all, e));
    const struct batch_test t = { *one, *all, c->config->batch };
    TRY(compare_image(&t, 0, e));
    TRY(compare_image(&t, 1, e));
    return compare_image(&t, t.batch - 1, e);
}

int vn_convert_make_batch(struct vn_conversion *c, struct vn_err *e)
{
    const struct config *cfg = c->config;
    c->program = c->turned;
    if (cfg->batch <= 1)
        return VN_OK;
    const struct batch_spec b = { cfg->batch, cfg->separate_batch, cfg->separate.n, cfg->separate.v };
    struct graph *many = vn_graph_clone(c->arena, c->turned);
    TRY(check_names(c, e));
    if (vn_set_batch(many, &b, e) < 0 || try_out(c, many, e) < 0)
        return fail_key(c, "input_batch", e);
    INFO(c, "The .bin takes %d images at once.", cfg->batch);
    c->program = many;
    return VN_OK;
}

static int is_separate(const struct config *c, const struct input_config *in)
{
    int named = c->separate_batch;
    for (int i = 0; i < c->separate.n; i++)
        named |= !strcmp(c->separate.v[i], in->name);
    return named && c->batch > 1;
}

const struct input_config *vn_convert_program_input(const struct vn_conversion *c, int i)
{
    const struct config *cfg = c->config;
    int k = 0;
    for (int at = 0; k < cfg->n_inputs - 1; k++) {
        at += is_separate(cfg, &cfg->inputs[k]) ? cfg->batch : 1;
        if (i < at)
            break;
    }
    return &cfg->inputs[k];
}
