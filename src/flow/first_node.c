/* The first tensor that the training program saved differs already: did its network read something else than
 * the input that it saved? Other colours and normalizations of that input are tried; one that gives the saved
 * tensor says what is between them, and `align` shows it. */
#include <math.h>

#include "base/file.h"
#include "base/shell.h"
#include "convert/network_input.h"
#include "debug/distance.h"
#include "flow/compare_side.h"
#include "flow/flow_compared.h"
#include "flow/flow_job.h"
#include "tensor/npy.h"

/* How the network's input may have been made from the saved one. */
struct change_of_input {
    int swapped; /* first and third channel */
    const struct norm *norm; /* NULL: none */
    int undone; /* 1: the saved input was normalised already */
};

struct first_node {
    struct flow_job *j;
    struct compare_side network, saved;
    const struct vn_tensor *x, *wanted; /* the saved input, and the first tensor behind it */
    const char *tensor;
    int axis; /* of the channels */
};

static double changed(const struct change_of_input *h, double x, int c)
{
    const struct norm *m = h->norm;
    if (!m)
        return x;
    const double mean = m->mean[m->n == 1 ? 0 : c], scale = m->scale[m->n == 1 ? 0 : c];
    return h->undone ? x / scale + mean : (x - mean) * scale;
}

static struct vn_tensor *make_input(const struct first_node *f, const struct change_of_input *h,
                                    struct vn_arena *a)
{
    const struct vn_shape *s = &f->x->shape;
    struct vn_tensor *y = vn_tensor_new(a, VN_F32, s);
    const int64_t n = vn_shape_count(s), channels = s->d[f->axis],
                  inner = f->axis == 1 ? n / s->d[0] / channels : 1;
    for (int64_t i = 0; i < n; i++) {
        const int64_t c = i / inner % channels,
                      from = h->swapped && channels == 3 ? i + (2 - 2 * c) * inner : i;
        ((float *)y->data)[i] = (float)changed(h, vn_tensor_f64(f->x, from), (int)c);
    }
    return y;
}

static struct vn_tensor **place(const struct trace *t, const char *name)
{
    const int stage = vn_trace_find(t, name);
    return stage >= 0 && t->samples ? &t->sample[0].t[stage] : NULL;
}

/* dB of the first tensor, where the network reads this. */
static int sqnr_with(double *db, struct first_node *f, struct vn_tensor *x, struct vn_arena *a,
                     struct vn_err *e)
{
    int n;
    struct vn_tensor **in = place(&f->saved.t, vn_session_inputs(f->network.s, &n)[0].name);
    struct vn_tensor *before = *in;
    *in = x;
    int status = vn_compare_side_feed(&f->network, a, &f->saved, 0, e);
    *in = before;
    if (status == VN_OK)
        status = vn_compare_side_run(&f->network, a, e);
    TRY(status);
    struct vn_tensor **y = place(&f->network.t, f->tensor);
    const int64_t count = vn_shape_count(&f->wanted->shape);
    *db = -INFINITY;
    if (!y || !*y || vn_shape_count(&(*y)->shape) != count)
        return VN_OK;
    const float *want = vn_compare_reals(&f->network, a, f->tensor, f->wanted, 0),
                *got = vn_compare_reals(&f->network, a, f->tensor, *y, 0);
    if (!want || !got)
        return VN_OK;
    const struct distance d = vn_distance(want, count, got, count, 1, 1);
    *db = vn_distance_metric(&d, VN_DEBUG_SQNR);
    return VN_OK;
}

/* ---- what is tried ---- */

static const char *text_of(const struct change_of_input *h, struct vn_arena *a)
{
    const char *colours = h->swapped ? "red and blue exchanged" : "",
               *both = h->swapped && h->norm ? " and " : "";
    return vn_arena_fmt(a, "%s%s%s%s", colours, both, h->norm ? h->norm->text : "",
                        h->norm && h->undone ? " undone" : "");
}

static int try_one(double *best, struct change_of_input *found, struct first_node *f,
                   struct change_of_input h, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    double db;
    const int status = sqnr_with(&db, f, make_input(f, &h, a), a, e);
    vn_arena_free(&a);
    TRY(status);
    if (db > *best) {
        *best = db;
        *found = h;
    }
    return VN_OK;
}

static int try_all(double *best, struct change_of_input *found, struct first_node *f,
                   const struct norm *given, struct vn_err *e)
{
    const int colours = f->x->shape.d[f->axis] == 3;
    for (int k = -2; k < vn_usual_norms_count; k++) {
        const struct norm *m = k == -2 ? NULL : k == -1 ? given : &vn_usual_norms[k];
        if (m && (!m->n || (m->n == 3 && !colours)))
            continue;
        for (int swapped = 0; swapped <= colours; swapped++)
            for (int undone = 0; undone <= (m != NULL); undone++)
                TRY(try_one(best, found, f, (struct change_of_input){ swapped, m, undone }, e));
    }
    return VN_OK;
}

/* ---- the sides ---- */

static int open_sides(struct first_node *f, struct vn_err *e)
{
    struct flow_job *j = f->j;
    struct vn_compare_options o;
    unsigned char marks = 0;
    vn_compare_options_default(&o);
    o.with.prototxt = j->config->prototxt;
    o.with.run = j->o->run;
    TRY(vn_flow_float_settings(&o.with.inputs, j));
    TRY(vn_compare_side_open(&f->network, j->work, j->config->model, &o, &marks, e));
    return vn_compare_side_read(&f->saved, j->work, j->o->reference, &f->network, &o, e);
}

/* One input that may be an image, of which the first sample was saved. */
static int is_image(struct first_node *f)
{
    int n;
    const struct vn_port *in = vn_session_inputs(f->network.s, &n);
    struct vn_tensor **x = n == 1 ? place(&f->saved.t, in[0].name) : NULL,
                     **y = place(&f->saved.t, f->tensor);
    if (!x || !*x || !y || !*y || (*x)->shape.rank != 4 || f->j->config->n_inputs != 1)
        return 0;
    const int64_t *d = (*x)->shape.d;
    f->axis = d[1] == 1 || d[1] == 3 ? 1 : 3;
    f->x = *x;
    f->wanted = *y;
    return d[f->axis] == 1 || d[f->axis] == 3;
}

/* The saved input, and what the network must have read. */
static int write_pair(const char **command, const struct first_node *f, const struct change_of_input *h,
                      struct vn_err *e)
{
    struct vn_arena *a = f->j->arena;
    const char *folder = vn_path_join(a, f->j->config->working_dir, "first_node"),
               *saved = vn_path_join(a, folder, "saved.npy"), *read = vn_path_join(a, folder, "read.npy");
    TRY(vn_dir_make(folder, e));
    TRY(vn_npy_write(saved, f->x, e));
    TRY(vn_npy_write(read, make_input(f, h, f->j->work), e));
    *command = vn_arena_fmt(a, "vernier align %s %s", vn_shell_word(a, saved), vn_shell_word(a, read));
    return VN_OK;
}

int vn_flow_first_node(struct flow_job *j, struct vn_flow_step *s, const char *tensor, struct vn_err *e)
{
    struct first_node f = { .j = j, .tensor = tensor };
    struct change_of_input found = { 0 };
    double best = -INFINITY;
    TRY(open_sides(&f, e));
    if (!is_image(&f))
        return VN_OK;
    struct norm given = vn_norm_given(&j->config->inputs[0]);
    given.text = "the normalization of the configuration";
    TRY(try_all(&best, &found, &f, &given, e));
    if (best < SAME_DB || (!found.swapped && !found.norm))
        return VN_OK;
    TRY(write_pair(&s->failure.next_command, &f, &found, e));
    const char *how = isinf(best) ? "exactly" : vn_arena_fmt(j->work, "to %.1f dB", best);
    s->failure.cause = "first_node";
    s->failure.evidence = vn_arena_fmt(
        j->arena,
        "%s; it is the first tensor behind the input, and agrees %s if the network reads the saved "
        "input with %s: the two programs prepare the input differently",
        s->failure.evidence, how, text_of(&found, j->arena));
    return VN_OK;
}
