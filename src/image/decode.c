/* From a file's own pixels to what a library's call gives. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "image/colour.h"
#include "image/decode.h"
#include "image/geometry.h"
#include "image/resize.h"

static const struct vn_decoder *const decoders[] = {
#define FORMAT(name) &vn_decoder_##name,
#include "image/formats.def"
#undef FORMAT
    NULL,
};

const struct vn_decoder *vn_decoder_find(const uint8_t *data, size_t bytes)
{
    for (const struct vn_decoder *const *d = decoders; *d; d++)
        if ((*d)->is(data, bytes))
            return *d;
    return NULL;
}

int vn_picture_is_image_name(const char *path)
{
    for (const struct vn_decoder *const *d = decoders; *d; d++)
        for (const char *const *s = (*d)->suffixes; *s; s++)
            if (vn_path_has_suffix(path, *s))
                return 1;
    return 0;
}

struct vn_decode_options vn_decode_defaults(void)
{
    return (struct vn_decode_options){ .library = VN_LIB_PILLOW };
}

/* ---- the steps; each changes d->p ---- */

/* OpenCV truncates the products, Pillow rounds x * y / 255. */
static uint8_t without_ink(enum vn_image_library lib, int x, int k)
{
    if (lib == VN_LIB_OPENCV)
        return (uint8_t)(k - ((255 - x) * k >> 8));
    const int t = (255 - x) * k + 128, part = ((t >> 8) + t) >> 8, rest = k - part;
    return (uint8_t)(rest < 0 ? 0 : rest);
}

/* Pillow hands out inks as 255 = full. */
static int keep_inks(struct vn_decoded *d)
{
    for (size_t i = 0, n = vn_picture_values(&d->p); i < n; i++)
        d->p.data[i] = (uint8_t)(255 - d->p.data[i]);
    return VN_OK;
}

static int drop_inks(struct vn_decoded *d, struct vn_arena *a, const struct vn_decode_options *o,
                     struct vn_err *e)
{
    const struct vn_picture in = d->p;
    if (!d->cmyk)
        return VN_OK;
    if (!o->channels && (o->library == VN_LIB_SKIMAGE || (o->library == VN_LIB_PILLOW && o->unchanged)))
        return keep_inks(d);
    TRY(vn_picture_new(&d->p, a, in.w, in.h, 3, VN_PIXEL_U8, e));
    for (size_t i = 0, n = (size_t)in.w * in.h; i < n; i++)
        for (int c = 0; c < 3; c++)
            d->p.data[3 * i + c] = without_ink(o->library, in.data[4 * i + c], in.data[4 * i + 3]);
    return VN_OK;
}

/* 16 bits to 8: the high byte, but Pillow clips gray at 255. */
static int to_8_bits(struct vn_decoded *d, struct vn_arena *a, const struct vn_decode_options *o,
                     struct vn_err *e)
{
    const struct vn_picture in = d->p;
    const int keeps =
        o->unchanged ? o->library != VN_LIB_PILLOW || in.c == 1 : o->library == VN_LIB_SKIMAGE && in.c == 1;
    if (in.type == VN_PIXEL_U8 || keeps || d->keep_16)
        return VN_OK;
    const int clip = o->library == VN_LIB_PILLOW && in.c == 1;
    TRY(vn_picture_new(&d->p, a, in.w, in.h, in.c, VN_PIXEL_U8, e));
    for (size_t i = 0, n = vn_picture_values(&in); i < n; i++)
        d->p.data[i] = (uint8_t)(!clip ? in.u16[i] >> 8 : in.u16[i] > 255 ? 255 : in.u16[i]);
    return VN_OK;
}

static uint8_t gray_14_bits(int r, int g, int b)
{
    return (uint8_t)((r * 4899 + g * 9617 + b * 1868 + (1 << 13)) >> 14);
}
static uint8_t gray_cut(int r, int g, int b)
{
    return (uint8_t)(0.299f * (float)r + 0.587f * (float)g + 0.114f * (float)b);
}

static int to_gray(struct vn_decoded *d, struct vn_arena *a, const struct vn_decode_options *o,
                   struct vn_err *e)
{
    static uint8_t (*const readers[])(int, int, int) = {
        [VN_GRAY_14_BITS] = gray_14_bits, [VN_GRAY_CVT_COLOR] = NULL, [VN_GRAY_CUT] = gray_cut
    };
    const struct vn_picture in = d->p;
    if (o->library != VN_LIB_OPENCV || !readers[d->gray] || in.type != VN_PIXEL_U8)
        return vn_gray(&d->p, a, &in, o->library, 0, e);
    TRY(vn_picture_new(&d->p, a, in.w, in.h, 1, VN_PIXEL_U8, e));
    for (size_t i = 0, n = (size_t)in.w * in.h; i < n; i++)
        d->p.data[i] = readers[d->gray](in.data[in.c * i], in.data[in.c * i + 1], in.data[in.c * i + 2]);
    return VN_OK;
}

static int set_channels(struct vn_decoded *d, struct vn_arena *a, const struct vn_decode_options *o,
                        struct vn_err *e)
{
    const struct vn_picture in = d->p;
    const int want = o->channels ? o->channels : o->unchanged || o->library == VN_LIB_SKIMAGE ? in.c : 3;
    if (want == in.c)
        return VN_OK;
    if (want == 3)
        return vn_three_channels(&d->p, a, &in, e);
    if (in.c == 2)
        return vn_first_channel(&d->p, a, &in, e);
    if (o->library == VN_LIB_SKIMAGE)
        return vn_fail(e, VN_E_INPUT,
                       "%d channels; skimage reads a file as gray only if it is stored as gray", in.c);
    return to_gray(d, a, o, e);
}

/* cv2.IMREAD_REDUCED_* of what is no JPEG. */
static int make_smaller(struct vn_decoded *d, struct vn_arena *a, const struct vn_decode_options *o,
                        struct vn_err *e)
{
    const struct vn_resize_rule *r;
    const struct vn_picture in = d->p;
    if (d->reduced || o->reduce <= 1 || o->library != VN_LIB_OPENCV)
        return VN_OK;
    TRY(vn_resize_find(&r, "opencv", "linear_exact", -1, NULL, e));
    return vn_resize(&d->p, a, &in, r, in.w / o->reduce, in.h / o->reduce, e);
}

static int finish(struct vn_decoded *d, struct vn_arena *a, const struct vn_decoder *by,
                  const struct vn_decode_options *o, struct vn_err *e)
{
    TRY(drop_inks(d, a, o, e));
    TRY(to_8_bits(d, a, o, e));
    TRY(set_channels(d, a, o, e));
    const int w = d->reduced ? d->file_w : d->p.w, h = d->reduced ? d->file_h : d->p.h;
    TRY(make_smaller(d, a, o, e));
    const int by_library =
        (by->turned_by >> o->library & 1) && !(o->library == VN_LIB_OPENCV && (o->unchanged || d->stays));
    const int note = d->orientation >= 1 && d->orientation <= 8 ? d->orientation : 1;
    const int turns = note > 1 && (o->orientation == VN_ORIENT_APPLY ||
                                   (o->orientation == VN_ORIENT_LIBRARY && by_library));
    const int exchanged = turns && note > 4;
    if (o->report)
        *o->report = (struct vn_decode_report){ exchanged ? h : w, exchanged ? w : h, turns ? 1 : note };
    if (turns) {
        const struct vn_picture in = d->p;
        TRY(vn_orient(&d->p, a, &in, d->orientation, e));
    }
    const struct vn_picture in = d->p;
    return o->bgr && in.c >= 3 ? vn_swap_channels(&d->p, a, &in, e) : VN_OK;
}

int vn_decode_memory(struct vn_picture *p, struct vn_arena *a, const uint8_t *data, size_t bytes,
                     const char *path, const struct vn_decode_options *o, struct vn_err *e)
{
    const struct vn_decoder *by = vn_decoder_find(data, bytes);
    if (!by) {
        char names[128] = "";
        for (const struct vn_decoder *const *d = decoders; *d; d++)
            snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", d == decoders ? "" : ", ",
                     (*d)->name);
        return vn_fail(e, VN_E_UNSUPPORTED, "%s: not an image of a supported format (%s)", path, names);
    }
    const struct vn_decode_in in = { data, bytes, path, o };
    struct vn_decoded d = { 0 };
    struct vn_arena *work =
        vn_arena_new(); /* what decoders hold is released with it, also when memory runs out */
    errno = 0;
    const int status = by->read(&d, a, work, &in, e);
    const int memory = errno == ENOMEM; /* libtiff and libwebp report damage, or continue with less */
    vn_arena_free(&work);
    if (memory)
        return vn_fail(e, VN_E_NOMEM, "%s: out of memory", path);
    TRY(status);
    if (finish(&d, a, by, o, e) < 0)
        return vn_fail_at(e, "%s", path);
    *p = d.p;
    return VN_OK;
}

int vn_decode_file(struct vn_picture *p, struct vn_arena *a, const char *path,
                   const struct vn_decode_options *o, struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    struct vn_arena *file = vn_arena_new();
    int status = vn_file_map(file, path, &data, &bytes, e);
    if (status == VN_OK)
        status = vn_decode_memory(p, a, data, bytes, path, o, e);
    vn_arena_free(&file);
    return status;
}

int vn_decode_check_length(const char *path, const char *format, uint64_t stored, uint64_t most,
                           uint64_t wanted, struct vn_err *e)
{
    if (wanted / most <= stored)
        return VN_OK;
    return vn_fail(e, VN_E_INPUT,
                   "%s: damaged %s: %llu bytes of data; an image of this size requires at least %llu", path,
                   format, (unsigned long long)stored, (unsigned long long)(wanted / most));
}

/* ---- EXIF ---- */

static unsigned number(const uint8_t *p, int bytes, int big)
{
    unsigned x = 0;
    for (int i = 0; i < bytes; i++)
        x |= (unsigned)p[i] << 8 * (big ? bytes - 1 - i : i);
    return x;
}

int vn_exif_orientation(const uint8_t *t, size_t bytes)
{
    if (bytes >= 6 && !memcmp(t, "Exif\0\0", 6)) {
        t += 6;
        bytes -= 6;
    }
    if (bytes < 8 || (memcmp(t, "II*\0", 4) && memcmp(t, "MM\0*", 4)))
        return 0;
    const int big = t[0] == 'M';
    const size_t at = number(t + 4, 4, big);
    if (at > bytes || bytes - at < 2)
        return 0;
    for (size_t i = 0, n = number(t + at, 2, big); i < n && bytes - at - 2 >= 12 * (i + 1); i++) {
        const uint8_t *entry = t + at + 2 + 12 * i;
        if (number(entry, 2, big) == 0x112) {
            const unsigned o = number(entry + 8, 2, big);
            return o >= 1 && o <= 8 ? (int)o : 0;
        }
    }
    return 0;
}
