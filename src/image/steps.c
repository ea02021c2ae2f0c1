/* The steps of a picture pipeline: one table row each. */
#include <math.h>
#include <stdlib.h>

#include "image/image.h"

#define MAX_SIDE 16384

struct step {
    const struct step_kind *kind;
    int arg[2], n;
};

struct vn_pipeline {
    VEC(struct step) steps;
};

struct step_kind {
    const char *name, *usage;
    int min_args, max_args;
    int (*run)(struct vn_picture *out, struct vn_arena *a, const struct step *s, const struct vn_picture *in, struct vn_err *e);
};

static int run_resize(struct vn_picture *out, struct vn_arena *a, const struct step *s, const struct vn_picture *in, struct vn_err *e)
{
    (void)e;
    vn_resize_pillow_bilinear(out, a, in, s->arg[0], s->arg[1]);
    return VN_OK;
}

static int run_short_side(struct vn_picture *out, struct vn_arena *a, const struct step *s, const struct vn_picture *in, struct vn_err *e)
{
    const int64_t size = s->arg[0];
    const int wide = in->w >= in->h;
    const int64_t other = wide ? size * in->w / in->h : size * in->h / in->w;
    if (other > MAX_SIDE)
        return vn_fail(e, VN_E_INPUT, "short_side %d: a picture of %d x %d would become %lld long", s->arg[0], in->w, in->h, (long long)other);
    vn_resize_pillow_bilinear(out, a, in, (int)(wide ? other : size), (int)(wide ? size : other));
    return VN_OK;
}

static int run_center_crop(struct vn_picture *out, struct vn_arena *a, const struct step *s, const struct vn_picture *in, struct vn_err *e)
{
    const int w = s->arg[0], h = s->n == 2 ? s->arg[1] : w;
    return vn_center_crop(out, a, in, w, h, VN_CROP_ROUND, 0, e);
}

static const struct step_kind kinds[] = {
    { "resize", "resize W H", 2, 2, run_resize },
    { "short_side", "short_side S", 1, 1, run_short_side },
    { "center_crop", "center_crop S, or center_crop W H", 1, 2, run_center_crop },
};
#define N_KINDS (sizeof kinds / sizeof *kinds)

static int parse_step(struct step *s, char *text, struct vn_err *e)
{
    char *rest = text;
    const char *name = strtok_r(rest, " \t\n", &rest);
    for (size_t i = 0; i < N_KINDS; i++)
        if (!strcmp(kinds[i].name, name))
            s->kind = &kinds[i];
    if (!s->kind)
        return vn_fail(e, VN_E_INPUT, "unknown step '%s'; want resize, short_side or center_crop", name);
    for (char *word; (word = strtok_r(NULL, " \t\n,", &rest));) {
        char *end;
        const long v = strtol(word, &end, 10);
        if (*end || v < 1 || v > MAX_SIDE || s->n == s->kind->max_args)
            return vn_fail(e, VN_E_INPUT, "step %s: want %s with sides of 1 to %d, got '%s'", name, s->kind->usage, MAX_SIDE, word);
        s->arg[s->n++] = (int)v;
    }
    if (s->n < s->kind->min_args)
        return vn_fail(e, VN_E_INPUT, "step %s: want %s", name, s->kind->usage);
    return VN_OK;
}

int vn_pipeline_parse(struct vn_pipeline **out, struct vn_arena *a, const char *text, struct vn_err *e)
{
    struct vn_pipeline *p = NEW(a, struct vn_pipeline);
    char *rest = vn_arena_str(a, text);
    for (char *word; (word = strtok_r(rest, ";", &rest));) {
        if (word[strspn(word, " \t\n")] == 0)
            continue;
        struct step s = { 0 };
        TRY(parse_step(&s, word, e));
        VEC_PUSH(a, &p->steps, s);
    }
    *out = p;
    return VN_OK;
}

int vn_pipeline_run(struct vn_picture *out, struct vn_arena *a, const struct vn_pipeline *p, const struct vn_picture *in, struct vn_err *e)
{
    *out = *in;
    for (int i = 0; i < p->steps.n; i++) {
        const struct vn_picture from = *out;
        TRY(p->steps.v[i].kind->run(out, a, &p->steps.v[i], &from, e));
    }
    return VN_OK;
}
