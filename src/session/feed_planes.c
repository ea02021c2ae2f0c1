/* Images in the caller's memory, and regions of image files, as what the device hands over. */
#include "session/network.h"

#include "data/samples.h"
#include "image/colour.h"
#include "image/geometry.h"
#include "image/steps.h"
#include "interp/resizer.h"
#include "runtime/model.h"
#include "runtime/planes.h"

static int check_image_input(const struct vn_session *s, int i, struct vn_err *e)
{
    if (i < 0 || i >= s->net->n_in)
        return vn_fail(e, VN_E_USAGE, "%s has %d inputs, got index %d", s->net->path, s->net->n_in, i);
    return vn_network_is_pixels(s->net, i)
               ? VN_OK
               : vn_fail(e, VN_E_USAGE, "%s: input %s takes no image", s->net->path, s->net->in[i].name);
}

static void format_of(struct vn_pixel_format *f, const struct vn_session *s, int i)
{
    const struct vn_port *p = &s->net->in[i];
    const struct vn_shape shape = vn_shape_of(p->rank, p->shape);
    vn_input_format(f, &s->net->config[i], &shape);
}

static const char *source_of(const struct vn_session *s, int i, struct vn_arena *a)
{
    return vn_session_meta(s, vn_arena_fmt(a, "input_parameters.%s.input_source", s->net->in[i].name));
}

int vn_session_is_resizer(const struct vn_session *s, int i)
{
    struct vn_arena *a = vn_arena_new();
    const int is = vn_network_is_pixels(s->net, i) && rt_is_resizer(source_of(s, i, a));
    vn_arena_free(&a);
    return is;
}

/* ONNX files do not say where the device's images come from. */
static int resizes(const struct vn_session *s, int i, struct vn_arena *a)
{
    const char *said = source_of(s, i, a);
    return (s->net->kind != VN_ARTEFACT_BIN && !said) || rt_is_resizer(said);
}

static int interpret(uint8_t *to, const struct rt_pixels *f, const struct vn_planes *images, struct vn_err *e)
{
    for (int b = 0; b < f->n; b++) {
        struct vn_planes p = images[b];
        TRY(rt_check_planes(&p, f, e));
        to = vn_interp_resize(to, f->type, f->w, f->h, f->channels_last, &p);
    }
    return VN_OK;
}

static int feed_planes(struct vn_session *s, int i, const struct vn_planes *images, struct vn_arena *a,
                       struct vn_err *e)
{
    struct vn_pixel_format p;
    TRY(check_image_input(s, i, e));
    format_of(&p, s, i);
    const struct vn_port *port = &s->net->in[i];
    const struct rt_pixels f = { .name = port->name,
                                 .type = p.rt,
                                 .n = (int)port->shape[0],
                                 .h = p.h,
                                 .w = p.w,
                                 .channels_last = p.channels_last_rt,
                                 .resizes = resizes(s, i, a) };
    uint8_t *bytes = NEW_ARRAY(a, uint8_t, port->bytes);
    TRY(s->model ? rt_pack_planes(bytes, &s->model->kernels, &f, images, e)
                 : interpret(bytes, &f, images, e));
    return vn_session_feed_bytes(s, i, bytes, port->bytes, e);
}

int vn_session_feed_planes(struct vn_session *s, int i, const struct vn_planes *images, struct vn_err *e)
{
    int status;
    struct vn_arena *a = vn_arena_new();
    VN_GUARDED(status, e, feed_planes(s, i, images, a, e));
    vn_arena_free(&a);
    return status;
}

/* ---- image files ---- */

/* What the device would hold: the file's pixels in the runtime's type. */
static int decode(struct vn_planes *out, const struct vn_session *s, int i, const char *path,
                  struct vn_arena *a, struct vn_err *e)
{
    struct vn_frame frame;
    struct vn_pixel_format f;
    format_of(&f, s, i);
    TRY(vn_pipeline_pixels(&frame, a, NULL, path, e));
    const int even = f.rt == VN_IN_NV12;
    f.w = frame.p.w & ~even;
    f.h = frame.p.h & ~even;
    if (f.w < 1 || f.h < 1)
        return vn_fail(e, VN_E_INPUT, "%s: %d x %d pixels, expected at least 2 x 2", path, frame.p.w,
                       frame.p.h);
    TRY(vn_crop(&frame.p, a, &frame.p, 0, 0, f.w, f.h, e));
    const size_t n = (size_t)f.w * (size_t)f.h, all = n * (size_t)vn_pixel_channels(&f);
    uint8_t *train = NEW_ARRAY(a, uint8_t, n * 3), *runtime = NEW_ARRAY(a, uint8_t, all),
            *bytes = NEW_ARRAY(a, uint8_t, vn_pixels_bytes(&f));
    vn_pixels_train(train, &frame.p, &f);
    vn_pixels_runtime(runtime, train, &f);
    vn_pixels_pack(bytes, runtime, &f);
    const int planar = even || !f.channels_last_rt;
    const int64_t pitch = planar ? f.w : (int64_t)f.w * vn_pixel_channels(&f);
    *out = (struct vn_planes){ .width = f.w,
                               .height = f.h,
                               .plane = { bytes, bytes + n, bytes + (even ? n : 2 * n) },
                               .pitch = { pitch, pitch, pitch } };
    return VN_OK;
}

int vn_session_region(struct vn_planes *out, const struct vn_session *s, int i, const char *path,
                      const struct vn_region *r, struct vn_arena *a, struct vn_err *e)
{
    TRY(check_image_input(s, i, e));
    if (s->net->in[i].shape[0] != 1)
        return vn_fail(e, VN_E_UNSUPPORTED, "%s: images require an input of batch 1; %s has batch %lld", path,
                       s->net->in[i].name, (long long)s->net->in[i].shape[0]);
    TRY(decode(out, s, i, path, a, e));
    if (r->left < 0 || r->top < 0 || r->right < r->left || r->bottom < r->top || r->right >= out->width ||
        r->bottom >= out->height)
        return vn_fail(e, VN_E_INPUT, "%s: the region %d,%d,%d,%d is not in %d x %d pixels", path, r->left,
                       r->top, r->right, r->bottom, out->width, out->height);
    out->left = r->left;
    out->top = r->top;
    out->region_width = r->right - r->left + 1;
    out->region_height = r->bottom - r->top + 1;
    return VN_OK;
}

static int feed_region(struct vn_session *s, int i, const char *path, const struct vn_region *r,
                       struct vn_arena *a, struct vn_err *e)
{
    struct vn_planes image;
    TRY(vn_session_region(&image, s, i, path, r, a, e));
    return feed_planes(s, i, &image, a, e);
}

int vn_session_feed_region(struct vn_session *s, int i, const char *path, const struct vn_region *r,
                           struct vn_err *e)
{
    int status;
    struct vn_arena *a = vn_arena_new();
    VN_GUARDED(status, e, feed_region(s, i, path, r, a, e));
    vn_arena_free(&a);
    return status;
}
