/* Images in the caller's memory: rows copied, or a region resized as docs/numerics.md specifies. */
#include "runtime/planes.h"

#include <string.h>

#include "num/num.h"
#include "runtime/model.h"

#define MOST_SIDE 65536

/* A plane of one image: pixels of `size` bytes. */
struct plane {
    const uint8_t *from; /* the region's first pixel */
    int64_t pitch;
    int w, h;
    int size;
};

static int channels(const struct rt_pixels *f) { return f->type == VN_IN_GRAY ? 1 : 3; }

/* Plane k of the input: its pixels' size in bytes, and how often its sides are halved; 0: there is none. */
static int plane_size(const struct rt_pixels *f, int k, int *halved)
{
    *halved = f->type == VN_IN_NV12 && k == 1;
    if (f->type == VN_IN_NV12)
        return k < 2 ? 1 + k : 0;
    return f->channels_last ? (k == 0) * channels(f) : k < channels(f);
}

/* ---- checks ---- */

static int check_region(const struct rt_pixels *f, const struct vn_planes *p, struct vn_err *e)
{
    const int w = p->region_width, h = p->region_height, even = f->type == VN_IN_NV12;
    if (p->width < 1 || p->height < 1 || p->width > MOST_SIDE || p->height > MOST_SIDE)
        return vn_fail(e, VN_E_USAGE, "'%s': an image of %d x %d pixels, expected 1 to %d", f->name, p->width,
                       p->height, MOST_SIDE);
    if (w < 1 || h < 1 || p->left < 0 || p->top < 0 || w > p->width - p->left || h > p->height - p->top)
        return vn_fail(e, VN_E_USAGE, "'%s': the region %d x %d at column %d, row %d is not in %d x %d",
                       f->name, w, h, p->left, p->top, p->width, p->height);
    if (even && ((p->width | p->height | p->left | p->top | w | h) & 1))
        return vn_fail(e, VN_E_USAGE,
                       "'%s': nv12 requires even sizes and an even region, got %d x %d at %d, %d", f->name, w,
                       h, p->left, p->top);
    if ((w != f->w || h != f->h) && !f->resizes)
        return vn_fail(e, VN_E_UNSUPPORTED,
                       "'%s': an image of %d x %d, expected %d x %d; other sizes require "
                       "input_source: resizer",
                       f->name, w, h, f->w, f->h);
    return VN_OK;
}

static int check_plane(const struct rt_pixels *f, const struct vn_planes *p, int k, struct vn_err *e)
{
    int halved;
    const int size = plane_size(f, k, &halved);
    const int64_t row = (int64_t)(p->width >> halved) * size;
    if (size && !p->plane[k])
        return vn_fail(e, VN_E_USAGE, "'%s': plane %d is NULL", f->name, k);
    if (size && p->pitch[k] < row)
        return vn_fail(e, VN_E_USAGE, "'%s': rows of plane %d lie %lld bytes apart, expected %lld or more",
                       f->name, k, (long long)p->pitch[k], (long long)row);
    return VN_OK;
}

/* ---- pixels ---- */

#define TILE 256 /* columns whose taps are kept */

static void resize_tile(const struct vn_kernels *k, uint8_t *to, const struct plane *p, int w, int h, int x0,
                        int count)
{
    struct vn_tap tap[TILE];
    for (int i = 0; i < count; i++)
        tap[i] = vn_region_tap(x0 + i, p->w, w);
    for (int y = 0; y < h; y++) {
        const struct vn_tap row = vn_region_tap(y, p->h, h);
        const uint8_t *const above = p->from + row.at * p->pitch, *const below =
                                                                      row.weight ? above + p->pitch : above;
        k->region_u8(to + ((size_t)y * (size_t)w + (size_t)x0) * (size_t)p->size, above, below, tap, count,
                     p->size, row.weight);
    }
}

static void take(const struct vn_kernels *k, uint8_t *to, const struct plane *p, int w, int h)
{
    if (p->w == w && p->h == h) {
        k->copy_rows((char *)to, (const char *)p->from, (size_t)p->h, (size_t)p->w * (size_t)p->size,
                     p->pitch, (ptrdiff_t)p->w * p->size);
        return;
    }
    for (int x = 0; x < w; x += TILE)
        resize_tile(k, to, p, w, h, x, w - x < TILE ? w - x : TILE);
}

static uint8_t *pack_image(const struct vn_kernels *kernels, uint8_t *to, const struct rt_pixels *f,
                           const struct vn_planes *p)
{
    for (int k = 0; k < 3; k++) {
        int halved;
        const int size = plane_size(f, k, &halved), w = f->w >> halved, h = f->h >> halved;
        if (!size)
            continue;
        const int64_t at = (p->top >> halved) * p->pitch[k] + (int64_t)(p->left >> halved) * size;
        const struct plane from = { p->plane[k] + at, p->pitch[k], p->region_width >> halved,
                                    p->region_height >> halved, size };
        take(kernels, to, &from, w, h);
        to += (size_t)w * (size_t)h * (size_t)size;
    }
    return to;
}

int rt_check_planes(struct vn_planes *p, const struct rt_pixels *f, struct vn_err *e)
{
    if (!p->region_width && !p->region_height)
        p->region_width = p->width, p->region_height = p->height;
    TRY(check_region(f, p, e));
    for (int k = 0; k < 3; k++)
        TRY(check_plane(f, p, k, e));
    return VN_OK;
}

int rt_pack_planes(uint8_t *to, const struct vn_kernels *k, const struct rt_pixels *f,
                   const struct vn_planes *images, struct vn_err *e)
{
    for (int b = 0; b < f->n; b++) {
        struct vn_planes p = images[b];
        TRY(rt_check_planes(&p, f, e));
        to = pack_image(k, to, f, &p);
    }
    return VN_OK;
}

int rt_is_resizer(const char *source)
{
    /* not a key's word: metadata of the .bin */
    return source && !strcmp(source, "resizer");
}

/* What an image input's bytes are; 0: not as its type says. */
static int pixels_of(struct rt_pixels *f, const struct vn_io *io)
{
    const int nv12 = io->type == VN_IN_NV12, at = nv12 || io->channels_last ? 1 : 2;
    if (io->rank != 4 - nv12)
        return 0;
    for (int k = 0; k < io->rank; k++)
        if (io->shape[k] < 1 || io->shape[k] > MOST_SIDE * 3 / 2)
            return 0;
    *f = (struct rt_pixels){ .name = io->name,
                             .type = io->type,
                             .n = (int)io->shape[0],
                             .h = (int)(nv12 ? io->shape[1] / 3 * 2 : io->shape[at]),
                             .w = (int)io->shape[at + 1],
                             .channels_last = io->channels_last && !nv12 };
    const uint64_t pixels = (uint64_t)f->n * (uint64_t)f->h * (uint64_t)f->w;
    return io->bytes == (nv12 ? pixels / 2 * 3 : pixels * (uint64_t)channels(f));
}

/* Metadata "input_parameters.NAME.input_source". */
static const char *source_of(const struct vn_model *m, const char *name)
{
    static const char group[] = "input_parameters.", key[] = ".input_source";
    const size_t before = sizeof group - 1, n = strlen(name);
    const char *at, *text;
    for (int i = 0; vn_model_meta_at(m, i, &at, &text) == VN_OK; i++)
        if (strlen(at) == before + n + sizeof key - 1 && !memcmp(at, group, before) &&
            !memcmp(at + before, name, n) && !strcmp(at + before + n, key))
            return text;
    return NULL;
}

int vn_model_pack_input(const struct vn_model *m, int i, const struct vn_planes *images, void *bytes,
                        struct vn_err *e)
{
    if (i < 0 || (uint32_t)i >= m->header.n_inputs)
        return vn_fail(e, VN_E_USAGE, "input %d: the program has %u", i, m->header.n_inputs);
    const struct vn_io *io = &m->io[i];
    if (io->type == VN_IN_FEATUREMAP || !images || !bytes)
        return vn_fail(e, VN_E_USAGE, "'%s': %s", io->name,
                       io->type == VN_IN_FEATUREMAP ? "takes no image" : "images or bytes are NULL");
    struct rt_pixels f;
    if (!pixels_of(&f, io))
        return vn_fail(e, VN_E_UNSUPPORTED, "'%s': its shape is not that of an image", io->name);
    f.resizes = rt_is_resizer(source_of(m, io->name));
    return rt_pack_planes(bytes, &m->kernels, &f, images, e);
}
