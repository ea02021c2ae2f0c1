/* vernier/align.h: from options to a result that outlives the search. */
#include "align/align.h"

#include "base/file.h"
#include "base/guard.h"
#include "kernels/image/image_kernels.h"

struct vn_alignment {
    struct vn_arena *arena;
    struct vn_align_summary summary;
    struct vn_align_stage *stage;
    struct vn_align_winner *winner;
    int n;
};
struct vn_description {
    struct vn_arena *arena;
    struct vn_described_stage *stage;
    int n;
    const char *pipeline;
};

/* ---- the result ---- */

/* "P.yaml:3" where the stage's step stands. */
static const char *place(struct vn_arena *a, const struct vn_pipeline *p, const char *stage)
{
    for (int i = 0; p && p->path && i < p->steps.n; i++)
        if (!strcmp(p->steps.v[i].stage, stage))
            return vn_arena_fmt(a, "%s:%d", p->path, p->steps.v[i].line);
    return NULL;
}

static struct vn_align_why *public_why(struct vn_arena *a, const struct explanation *x)
{
    struct vn_align_why *w = NEW(a, struct vn_align_why);
    struct vn_align_cause *causes = NEW_ARRAY(a, struct vn_align_cause, x->causes.n);
    for (int i = 0; i < x->causes.n; i++)
        causes[i] = (struct vn_align_cause){ x->causes.v[i],
                                             x->settings.v[i],
                                             { x->sides[0].v[i], x->sides[1].v[i] } };
    *w = (struct vn_align_why){ .found = x->found,
                                .causes = causes,
                                .n_causes = x->causes.n,
                                .facts = x->facts.v,
                                .n_facts = x->facts.n,
                                .steps = { x->steps[0], x->steps[1] },
                                .residual = x->residual,
                                .tried = x->tried,
                                .checked = x->checked,
                                .refuted = x->refuted,
                                .seconds = x->seconds };
    return w;
}

static struct vn_align_stage public_stage(struct vn_arena *a, const struct stage_result *s,
                                          const struct vn_pipeline *p)
{
    return (struct vn_align_stage){
        .name = s->name,
        .state = s->state,
        .from = s->from,
        .missing_in = s->missing_in ? vn_arena_str(a, s->missing_in) : NULL,
        .shape = { s->shape[0], s->shape[1] },
        .dtype = { s->dtype[0], s->dtype[1] },
        .same_shape = s->same_shape,
        .max = s->max,
        .share = s->share,
        .first = s->first,
        .sample = s->sample,
        .place = place(a, p, s->name),
        .why = s->why ? public_why(a, s->why) : NULL,
    };
}

static void publish(struct vn_alignment *out, const struct alignment *r, const struct sides *s)
{
    struct vn_arena *a = out->arena;
    out->stage = NEW_ARRAY(a, struct vn_align_stage, r->n);
    out->n = 0;
    for (int i = 0; i < r->n; i++) {
        const int at = vn_trace_find(&s->t[1], r->stage[i].name);
        if (at < 0 || at >= s->t[1].assumed)
            out->stage[out->n++] = public_stage(a, &r->stage[i], s->pipeline);
    }
    out->winner = r->winners ? NEW_ARRAY(a, struct vn_align_winner, r->samples) : NULL;
    for (int i = 0; r->winners && i < r->samples; i++) {
        const struct winners *w = &r->winners[i];
        out->winner[i] = (struct vn_align_winner){ s->t[0].sample[i].name,
                                                   { w->class[0], w -> class[1] },
                                                   { w->score[0], w->score[1] } };
    }
    out->summary.samples = r->samples;
    out->summary.unaligned = r->unaligned;
    out->summary.other_winners = r->other_winners;
}

static int write_differences(const struct alignment *r, const struct sides *s, const char *dir,
                             struct vn_arena *a, struct vn_err *e)
{
    struct vn_map *taken = vn_map_new(a);
    TRY(vn_dir_make(dir, e));
    for (int i = 0; i < r->n; i++) {
        const struct stage_result *g = &r->stage[i];
        const struct vn_tensor *x[2];
        if (g->state != VN_STAGE_UNALIGNED && g->state != VN_STAGE_FOLLOWS)
            continue;
        for (int k = 0; k < 2; k++)
            x[k] = s->t[k].sample[g->sample].t[vn_trace_find(&s->t[k], g->name)];
        const char *name = vn_arena_fmt(a, "%s.png", vn_file_name(a, taken, g->name));
        TRY(vn_align_picture(vn_path_join(a, dir, name), x[0], x[1], e));
    }
    return VN_OK;
}

/* ---- the work ---- */

static struct align_options tolerances(const struct vn_align_options *o)
{
    const int results = o->sides == VN_ALIGN_TRACES && vn_path_has_suffix(o->left, ".json"),
              given = o->tolerance >= 0;
    return (struct align_options){ .tolerance = given     ? o->tolerance
                                                : results ? 1e-9
                                                          : 1e-5,
                                   .infer_tolerance = given ? 0 : 1e-3,
                                   .explain = o->explain,
                                   .any_input = o->sides == VN_ALIGN_CONFIG };
}

static int align(struct vn_alignment *out, const struct vn_align_options *o, struct vn_err *e)
{
    struct vn_arena *a = out->arena;
    struct vn_align_summary *y = &out->summary;
    struct sides s;
    struct alignment *r;
    if (!(o->tolerance < 1))
        return vn_fail(e, VN_E_USAGE, "tolerance: expected a number below 1, got %g", o->tolerance);
    vn_image_cpu(o->run.cpumask);
    TRY(vn_sides_read(&s, a, o, e));
    TRY(vn_trace_common(&s.t[0], &s.t[1], a, y->left_out, e));
    const struct align_options how = tolerances(o);
    TRY(vn_align_traces(&r, a, &s.t[0], &s.t[1], &how, e));
    if (o->differences)
        TRY(write_differences(r, &s, o->differences, a, e));
    for (int i = 0; i < 2; i++)
        y->path[i] = vn_arena_str(a, s.t[i].path);
    y->change = o->sides == VN_ALIGN_TRACES;
    publish(out, r, &s);
    return VN_OK;
}

static int new_alignment(struct vn_alignment **out, const struct vn_align_options *o, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    struct vn_alignment *r = NEW(a, struct vn_alignment);
    r->arena = a;
    const int status = align(r, o, e);
    if (status < 0)
        vn_arena_free(&a);
    else
        *out = r;
    return status;
}

int vn_align(struct vn_alignment **out, const struct vn_align_options *o, struct vn_err *e)
{
    int status;
    *out = NULL;
    VN_GUARDED(status, e, new_alignment(out, o, e));
    return status;
}

void vn_alignment_free(struct vn_alignment **r)
{
    if (!r || !*r)
        return;
    struct vn_arena *a = (*r)->arena;
    vn_arena_free(&a);
    *r = NULL;
}

void vn_align_options_default(struct vn_align_options *o)
{
    *o = (struct vn_align_options){ .tolerance = -1, .explain = 1 };
    vn_options_default(&o->run);
}

const struct vn_align_summary *vn_alignment_summary(const struct vn_alignment *r) { return &r->summary; }

const struct vn_align_stage *vn_alignment_stages(const struct vn_alignment *r, int *n)
{
    *n = r->n;
    return r->stage;
}

const struct vn_align_winner *vn_alignment_winners(const struct vn_alignment *r, int *n)
{
    *n = r->winner ? r->summary.samples : 0;
    return r->winner;
}

int vn_align_known_cause(int i, const char **name, const char **seen_in, const char **setting)
{
    int n;
    const struct cause *c = vn_causes(&n);
    if (i < 0 || i >= n)
        return 0;
    *name = c[i].name;
    *seen_in = c[i].from;
    *setting = c[i].setting;
    return 1;
}

/* ---- one program ---- */

static const char *whole_pipeline(const struct vn_description *d)
{
    const char *all = "";
    for (int i = 0; i < d->n; i++) {
        const char *steps = d->stage[i].steps;
        if (!steps)
            return NULL;
        if (*steps)
            all = vn_arena_fmt(d->arena, "%s%s%s", all, *all ? "; " : "", steps);
    }
    return all;
}

static int describe(struct vn_description *out, const char *trace, const char *const *images, int n,
                    struct vn_err *e)
{
    struct trace t;
    struct description d;
    TRY(vn_trace_read(&t, out->arena, trace, &(struct raw_forms){ NULL, 0 }, e));
    if (n)
        TRY(vn_trace_sources(&t, images, n, e));
    vn_describe_trace(&d, out->arena, &t);
    out->n = d.n;
    out->stage = NEW_ARRAY(out->arena, struct vn_described_stage, d.n);
    for (int i = 0; i < d.n; i++)
        out->stage[i] = (struct vn_described_stage){ d.stage[i], d.steps[i] };
    out->pipeline = whole_pipeline(out);
    return VN_OK;
}

static int new_description(struct vn_description **out, const char *trace, const char *const *images, int n,
                           struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    struct vn_description *d = NEW(a, struct vn_description);
    d->arena = a;
    const int status = describe(d, trace, images, n, e);
    if (status < 0)
        vn_arena_free(&a);
    else
        *out = d;
    return status;
}

int vn_describe(struct vn_description **out, const char *trace, const char *const *images, int n,
                struct vn_err *e)
{
    int status;
    *out = NULL;
    VN_GUARDED(status, e, new_description(out, trace, images, n, e));
    return status;
}

void vn_description_free(struct vn_description **d)
{
    if (!d || !*d)
        return;
    struct vn_arena *a = (*d)->arena;
    vn_arena_free(&a);
    *d = NULL;
}

const struct vn_described_stage *vn_description_stages(const struct vn_description *d, int *n)
{
    *n = d->n;
    return d->stage;
}

const char *vn_description_pipeline(const struct vn_description *d) { return d->pipeline; }
