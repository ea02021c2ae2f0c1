/* Ordered frames: does the quantized network tremble where float moves smoothly? A second difference is what
 * a steady motion does not have. */
#include "flow/jitter.h"

#include <math.h>

#include "graph/graph.h"

#define FRAMES 3 /* of a second difference */
#define UNSEEN 1e-3 /* of an output's size: smaller differences do not matter */

/* An output: values of the last frames, and sums of squares. */
struct track {
    const char *name;
    int64_t n;
    float *value[2][FRAMES]; /* float, quantized */
    double size, second[2], error; /* of float; of both; of the second difference of what they differ by */
    double most; /* error of one frame */
    int worst; /* that frame */
};

struct watch {
    struct flow_job *j;
    struct vn_samples *frames;
    struct vn_session *s[2];
    struct track *track;
    int n;
};

static int open_side(struct watch *w, int side, const char *path, struct vn_err *e)
{
    struct vn_session **s = vn_session_slot(w->j->work);
    struct vn_session_options o;
    vn_session_options_default(&o);
    o.run = w->j->o->run;
    TRY(vn_session_open(s, path, &o, e));
    w->s[side] = *s;
    return VN_OK;
}

static void make_tracks(struct watch *w)
{
    const struct vn_port *out = vn_session_outputs(w->s[0], &w->n);
    struct vn_arena *a = w->j->work;
    w->track = NEW_ARRAY(a, struct track, w->n + 1);
    for (int i = 0; i < w->n; i++) {
        const struct vn_shape s = vn_shape_of(out[i].rank, out[i].shape);
        struct track *t = &w->track[i];
        t->name = out[i].name;
        t->n = out[i].dtype == VN_F32 ? vn_shape_count(&s) : 0; /* integers choose */
        for (int k = 0; k < 2 * FRAMES; k++)
            t->value[k / FRAMES][k % FRAMES] = NEW_ARRAY(a, float, t->n + 1);
    }
}

static int run_frame(struct watch *w, int side, int frame, struct vn_arena *a, struct vn_err *e)
{
    float **x = NEW_ARRAY(a, float *, vn_session_graph(w->j->original)->inputs.n);
    TRY(vn_samples_load(w->frames, frame, a, x, e));
    TRY(vn_session_feed_values(w->s[side], x, e));
    TRY(vn_session_run(w->s[side], e));
    for (int i = 0; i < w->n; i++) {
        struct track *t = &w->track[i];
        const int out = vn_session_output_find(w->s[side], t->name);
        struct vn_view v;
        if (!t->n || out < 0)
            continue;
        TRY(vn_session_output(w->s[side], out, &v, e));
        if (vn_view_count(&v) == t->n)
            vn_view_real(t->value[side][frame % FRAMES], &v);
    }
    return VN_OK;
}

static double second_difference(float *const *value, int frame, int64_t i)
{
    return (double)value[frame % FRAMES][i] - 2 * (double)value[(frame - 1) % FRAMES][i] +
           (double)value[(frame - 2) % FRAMES][i];
}

static void add_frame(struct track *t, int frame)
{
    double error = 0;
    for (int64_t i = 0; i < t->n; i++) {
        const double x = t->value[0][frame % FRAMES][i], f = second_difference(t->value[0], frame, i),
                     q = second_difference(t->value[1], frame, i);
        t->size += x * x;
        t->second[0] += f * f;
        t->second[1] += q * q;
        error += (q - f) * (q - f);
    }
    t->error += error;
    t->worst = error > t->most ? frame : t->worst;
    t->most = fmax(t->most, error);
}

static int run_frames(struct watch *w, struct vn_err *e)
{
    const int frames = vn_samples_count(w->frames);
    for (int k = 0; k < frames; k++) {
        struct vn_arena *a = vn_arena_new();
        int status = run_frame(w, 0, k, a, e);
        if (status == VN_OK)
            status = run_frame(w, 1, k, a, e);
        vn_arena_free(&a);
        TRY(status);
        for (int i = 0; i < w->n && k >= FRAMES - 1; i++)
            add_frame(&w->track[i], k);
    }
    return VN_OK;
}

/* How much more the quantized output trembles; 1 where that is too little to be seen. */
static double ratio_of(const struct track *t)
{
    const double unseen = UNSEEN * UNSEEN * t->size;
    return t->n && t->error > unseen ? sqrt(t->second[1] / fmax(t->second[0], unseen)) : 1;
}

static void judge(struct flow_jitter *r, const struct watch *w)
{
    const int frames = vn_samples_count(w->frames);
    struct vn_arena *a = w->j->arena;
    const struct track *worst = NULL;
    *r = (struct flow_jitter){ .ratio = 1 };
    for (int i = 0; i < w->n; i++)
        if (!worst || ratio_of(&w->track[i]) > r->ratio) {
            worst = &w->track[i];
            r->ratio = ratio_of(worst);
        }
    const double count = worst && worst->n ? (double)worst->n * (frames - FRAMES + 1) : 1;
    if (!worst)
        return;
    r->output = vn_arena_str(a, worst->name);
    r->text =
        vn_arena_fmt(a, "%d frames, %s: second differences of %.3g, float %.3g: %.2f times, most at %s",
                     frames, worst->name, sqrt(worst->second[1] / count), sqrt(worst->second[0] / count),
                     r->ratio, vn_samples_name(w->frames, worst->worst));
}

int vn_flow_jitter(struct flow_jitter *r, struct flow_job *j, struct vn_err *e)
{
    struct watch w = { .j = j };
    TRY(vn_flow_open_samples(j, e));
    TRY(vn_flow_open_folder(&w.frames, j, j->o->frames, e));
    if (vn_samples_count(w.frames) < FRAMES)
        return vn_fail(e, VN_E_INPUT, "%s: expected at least %d frames, got %d", j->o->frames, FRAMES,
                       vn_samples_count(w.frames));
    TRY(open_side(&w, 0, j->product[OPTIMIZED], e));
    TRY(open_side(&w, 1, j->product[QUANTIZED], e));
    make_tracks(&w);
    TRY(run_frames(&w, e));
    judge(r, &w);
    return VN_OK;
}
