/* OpenCV's area, where both sides shrink: float sums of parts of cells; integer factors in integers. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "image/resize_rules.h"
#include "kernels/image/image_kernels.h"

static void add_part(struct vn_parts *p, int from, double weight)
{
    p->from[p->n] = from;
    p->weight[p->n++] = (float)weight;
}

/* How much of each source cell belongs to each output cell; slivers below 1/1000 are left out. */
static struct vn_parts make_parts(struct vn_arena *a, int in, int out)
{
    const double scale = vn_opencv_scale(in, out);
    const size_t most = (size_t)in * 2 + (size_t)out * 2;
    struct vn_parts p = {
        0, NEW_ARRAY(a, int, out + 1), NEW_ARRAY(a, int, most), NEW_ARRAY(a, float, most), { 0 }
    };
    for (int i = 0; i < out; i++) {
        const double lo = i * scale, hi = lo + scale, cell = fmin(scale, in - lo);
        int s = (int)ceil(lo), t = (int)floor(hi);
        t = t < in - 1 ? t : in - 1;
        s = s < t ? s : t;
        if (s - lo > 1e-3)
            add_part(&p, s - 1, (s - lo) / cell);
        for (int k = s; k < t; k++)
            add_part(&p, k, 1. / cell);
        if (hi - t > 1e-3)
            add_part(&p, t, fmin(fmin(hi - t, 1.), cell) / cell);
        p.start[i + 1] = p.n;
    }
    return p;
}

/* The parts of one channel with as many weights for each cell. */
static struct vn_taps even_parts(struct vn_arena *a, const struct vn_parts *p, int in, int out)
{
    struct vn_taps t = { .first = NEW_ARRAY(a, int, out) };
    for (int i = 0; i < out; i++) {
        const int n = p->start[i + 1] - p->start[i];
        t.n = n > t.n ? n : t.n;
        t.first[i] = p->from[p->start[i]];
    }
    t.n = (t.n + 3) / 4 * 4;
    t.real = NEW_ARRAY(a, float, (size_t)out *t.n);
    for (int i = 0; i < out; i++)
        memcpy(t.real + (size_t)i * t.n, p->weight + p->start[i],
               (size_t)(p->start[i + 1] - p->start[i]) * sizeof(float));
    vn_opencv_widen(&t, a, in, out, 1);
    return t;
}

static int area_parts(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int w, int h,
                      struct vn_err *e)
{
    const struct vn_area_rows *k = vn_image_kernels_chosen()->area;
    struct vn_parts x = make_parts(a, in->w, w);
    const struct vn_parts y = make_parts(a, in->h, h);
    const size_t n = (size_t)w * in->c, values = (size_t)in->w * in->c,
                 bytes = values * vn_pixel_size(in->type);
    float *row = NEW_ARRAY(a, float, n + VN_ROW_SLACK), *sum = NEW_ARRAY(a, float, n);
    int held = -1;
    if (in->c == 1)
        x.even = even_parts(a, &x, in->w, w);
    TRY(vn_picture_new(out, a, w, h, in->c, in->type, e));
    for (int i = 0; i < h; i++) {
        memset(sum, 0, n * sizeof *sum);
        for (int p = y.start[i]; p < y.start[i + 1]; p++) {
            if (held != y.from[p])
                (in->type == VN_PIXEL_F32 ? k->gather_floats : k->gather_bytes)(
                    row, in->data + y.from[p] * bytes, values, &x, w, in->c);
            held = y.from[p];
            k->add_row(sum, row, y.weight[p], n);
        }
        if (in->type == VN_PIXEL_F32)
            memcpy(out->f32 + (size_t)i * n, sum, n * sizeof *sum);
        else
            k->round_row(out->data + (size_t)i * n, sum, n);
    }
    return VN_OK;
}

/* ---- area by integer factors: sums down, then across; of bytes in integers ---- */

static void halve(struct vn_picture *out, const struct vn_picture *in)
{
    const size_t row = (size_t)in->w * in->c;
    for (int y = 0; y < out->h; y++) {
        const uint8_t *p = in->data + 2 * y * row;
        vn_image_kernels_chosen()->area->halve(out->data + (size_t)y * out->w * out->c, p, p + row, out->w,
                                               out->c);
    }
}

static void whole_bytes(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int kx,
                        int ky)
{
    const struct vn_area_rows *k = vn_image_kernels_chosen()->area;
    const size_t row = (size_t)in->w * in->c, n = (size_t)out->w * in->c;
    uint32_t *down = NEW_ARRAY(a, uint32_t, row + VN_ROW_SLACK),
             *sum = NEW_ARRAY(a, uint32_t, n + VN_ROW_SLACK);
    for (int y = 0; y < out->h; y++) {
        for (int j = 0; j < ky; j++)
            k->add_bytes(down, in->data + ((size_t)y * ky + j) * row, !j, row);
        k->box_ints(sum, down, out->w, in->c, kx);
        k->scale_ints(out->data + y * n, sum, 1.f / (float)(kx * ky), n);
    }
}

static void whole_floats(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int kx,
                         int ky)
{
    const struct vn_area_rows *k = vn_image_kernels_chosen()->area;
    const size_t row = (size_t)in->w * in->c, n = (size_t)out->w * in->c;
    float *down = NEW_ARRAY(a, float, row + VN_ROW_SLACK), *sum = NEW_ARRAY(a, float, n + VN_ROW_SLACK);
    for (int y = 0; y < out->h; y++) {
        for (int j = 0; j < ky; j++)
            k->add_floats(down, in->f32 + ((size_t)y * ky + j) * row, !j, row);
        k->box_floats(sum, down, out->w, in->c, kx);
        k->scale_floats(out->f32 + y * n, sum, 1.f / (float)(kx * ky), n);
    }
}

/* 2 x 2 rounds halves up, the others to even. */
static int area_whole(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int w, int h,
                      struct vn_err *e)
{
    const int kx = in->w / w, ky = in->h / h;
    TRY(vn_picture_new(out, a, w, h, in->c, in->type, e));
    if (in->type == VN_PIXEL_F32)
        whole_floats(out, a, in, kx, ky);
    else if (kx == 2 && ky == 2 && in->c != 2)
        halve(out, in);
    else
        whole_bytes(out, a, in, kx, ky);
    return VN_OK;
}

static int whole(double scale) { return fabs(scale - rint(scale)) < DBL_EPSILON; }

int vn_opencv_area(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int w, int h,
                   struct vn_err *e)
{
    return (whole(vn_opencv_scale(in->w, w)) && whole(vn_opencv_scale(in->h, h)) ? area_whole : area_parts)(
        out, a, in, w, h, e);
}
