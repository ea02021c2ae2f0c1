#include "inspect/verify_regions.h"

#include "base/random.h"
#include "data/samples.h"

/* ---- random images of random size ---- */

/* From `least` to `most`; even where `step` is 2. */
static int between(int least, int most, int step, uint64_t *seed)
{
    const uint64_t n = (uint64_t)((most - least) / step + 1);
    return least + (int)(vn_random(seed) % n) * step;
}

static uint8_t *noise(struct vn_arena *a, size_t n, uint64_t *seed)
{
    uint8_t *x = NEW_ARRAY(a, uint8_t, n);
    for (size_t i = 0; i < n; i++)
        x[i] = (uint8_t)(vn_random(seed) >> 56);
    return x;
}

/* An image of up to three times the input's sides, and a part of it. */
static void random_image(struct vn_planes *p, struct vn_arena *a, const struct vn_pixel_format *f,
                         uint64_t *seed)
{
    const int step = f->rt == VN_IN_NV12 ? 2 : 1;
    *p = (struct vn_planes){ .width = between(step, 3 * f->w, step, seed),
                             .height = between(step, 3 * f->h, step, seed) };
    p->region_width = between(step, p->width, step, seed);
    p->region_height = between(step, p->height, step, seed);
    p->left = between(0, p->width - p->region_width, step, seed);
    p->top = between(0, p->height - p->region_height, step, seed);
    const size_t n = (size_t)p->width * (size_t)p->height;
    p->plane[0] = noise(a, n, seed);
    p->plane[1] = step == 2 ? noise(a, n / 2, seed) : NULL;
    p->pitch[0] = p->pitch[1] = p->width;
}

static void random_images(struct vn_planes *images, int n, struct vn_arena *a, const struct vn_session *s,
                          int i, int sample)
{
    int count;
    const struct vn_port *p = &vn_session_inputs(s, &count)[i];
    const struct vn_shape shape = vn_shape_of(p->rank, p->shape);
    struct vn_pixel_format f;
    uint64_t seed = ((uint64_t)sample + 1) * 1000 + (uint64_t)i;
    vn_input_format(&f, vn_session_input_config(s, i), &shape);
    for (int b = 0; b < n; b++)
        random_image(&images[b], a, &f, &seed);
}

/* ---- inputs ---- */

int vn_verify_regions(struct vn_planes **images, struct vn_arena *a, const struct vn_session *s,
                      const struct verify_inputs *in, int i, int sample, struct vn_err *e)
{
    int count;
    const int n = (int)vn_session_inputs(s, &count)[i].shape[0];
    const int files = in->files && in->regions && in->regions[i], random = !in->files && in->random_regions;
    *images = NULL;
    if (!files && !(random && vn_session_is_resizer(s, i)))
        return VN_OK;
    *images = NEW_ARRAY(a, struct vn_planes, n);
    if (files)
        return vn_session_region(*images, s, i, in->files[i][sample], in->regions[i], a, e);
    random_images(*images, n, a, s, i, sample);
    return VN_OK;
}

static int feed(struct vn_session *s, const struct verify_inputs *in, int sample, struct vn_arena *a,
                struct vn_err *e)
{
    for (int i = 0; i < in->n; i++) {
        struct vn_planes *images;
        TRY(vn_verify_regions(&images, a, s, in, i, sample, e));
        if (images)
            TRY(vn_session_feed_planes(s, i, images, e));
    }
    return VN_OK;
}

int vn_verify_feed_regions(struct vn_session *s, const struct verify_inputs *in, int sample, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    const int status = feed(s, in, sample, a, e);
    vn_arena_free(&a);
    return status;
}

int vn_verify_pair_regions(struct verify_inputs *in, struct vn_arena *a, const struct vn_session *s,
                           const int *order, int n, const struct vn_verify_options *o, struct vn_err *e)
{
    int count, used = 0;
    const struct vn_port *p = vn_session_inputs(s, &count);
    in->regions = NEW_ARRAY(a, const struct vn_region *, count);
    for (int k = 0; k < n; k++) {
        if (p[order[k]].type == VN_IN_FEATUREMAP || in->regions[order[k]])
            continue;
        if (used == o->n_regions)
            return vn_fail(e, VN_E_USAGE, "%d regions; image input %s has none", used, p[order[k]].name);
        in->regions[order[k]] = &o->regions[used++];
    }
    return used == o->n_regions
               ? VN_OK
               : vn_fail(e, VN_E_USAGE, "%d regions, but %d image inputs with files", o->n_regions, used);
}
