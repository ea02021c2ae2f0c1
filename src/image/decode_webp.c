/* WebP, by libwebp; of an animation the first frame. */
#include <string.h>

#include <webp/decode.h>

#include "image/decode.h"

static uint32_t u32(const uint8_t *p) { return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24; }

static uint32_t u24(const uint8_t *p) { return p[0] | p[1] << 8 | (uint32_t)p[2] << 16; }

/* The container's first chunk of that name; NULL: missing or truncated. */
static const uint8_t *chunk(const struct vn_decode_in *in, const char *name, size_t *bytes)
{
    for (size_t at = 12; at <= in->bytes && in->bytes - at >= 8;) {
        const uint8_t *p = in->data + at;
        *bytes = u32(p + 4);
        if (*bytes > in->bytes - at - 8)
            return NULL;
        if (!memcmp(p, name, 4))
            return p + 8;
        at += 8 + *bytes + *bytes % 2;
    }
    return NULL;
}

static int damaged(const struct vn_decode_in *in, VP8StatusCode s, struct vn_err *e)
{
    if (s == VP8_STATUS_OUT_OF_MEMORY)
        return vn_fail(e, VN_E_NOMEM, "%s: out of memory", in->path);
    return vn_fail(e, VN_E_INPUT, "%s: damaged WebP: %s", in->path,
                   s == VP8_STATUS_NOT_ENOUGH_DATA ? "the file ends too early" : "the data are invalid");
}

/* What is decoded, and where it goes. */
struct frame {
    const uint8_t *data;
    size_t bytes;
    int x, y, w, h;
};

/* The libraries draw the first frame of an animation on zeros and ignore the file's background colour. */
static int find_frame(struct frame *f, const WebPBitstreamFeatures *canvas, const struct vn_decode_in *in,
                      struct vn_err *e)
{
    *f = (struct frame){ in->data, in->bytes, 0, 0, canvas->width, canvas->height };
    if (!canvas->has_animation)
        return VN_OK;
    size_t bytes;
    const uint8_t *p = chunk(in, "ANMF", &bytes);
    if (!p || bytes < 16 || u32(in->data + 4) > in->bytes - 8)
        return damaged(in, VP8_STATUS_NOT_ENOUGH_DATA, e);
    *f = (struct frame){
        p + 16, bytes - 16, 2 * (int)u24(p), 2 * (int)u24(p + 3), 1 + (int)u24(p + 6), 1 + (int)u24(p + 9)
    };
    WebPBitstreamFeatures own;
    const VP8StatusCode s = WebPGetFeatures(f->data, f->bytes, &own);
    if (s != VP8_STATUS_OK)
        return damaged(in, s, e);
    if (own.width != f->w || own.height != f->h || f->x + f->w > canvas->width ||
        f->y + f->h > canvas->height)
        return vn_fail(
            e, VN_E_INPUT,
            "%s: damaged WebP: its first frame has %d x %d pixels; expected %d x %d at (%d, %d) of %d x %d",
            in->path, own.width, own.height, f->w, f->h, f->x, f->y, canvas->width, canvas->height);
    return VN_OK;
}

static int read(struct vn_decoded *d, struct vn_arena *a, struct vn_arena *work,
                const struct vn_decode_in *in, struct vn_err *e)
{
    (void)work;
    WebPDecoderConfig c;
    struct frame f;
    size_t exif_bytes;
    if (!WebPInitDecoderConfig(&c))
        return vn_fail(e, VN_E_UNSUPPORTED, "%s: the version of libwebp differs from the one at build time",
                       in->path);
    VP8StatusCode s = WebPGetFeatures(in->data, in->bytes, &c.input);
    if (s != VP8_STATUS_OK)
        return damaged(in, s, e);
    TRY(vn_picture_check_size(c.input.width, c.input.height, in->path, e));
    TRY(find_frame(&f, &c.input, in, e));
    const int channels = c.input.has_alpha ? 4 : 3;
    TRY(vn_picture_new(&d->p, a, c.input.width, c.input.height, channels, VN_PIXEL_U8, e));
    const uint8_t *exif = chunk(in, "EXIF", &exif_bytes);
    d->bits = 8;
    d->gray = VN_GRAY_CVT_COLOR;
    d->stays = c.input.has_animation;
    d->orientation = exif ? vn_exif_orientation(exif, exif_bytes) : 0;
    const size_t from = ((size_t)f.y * d->p.w + f.x) * channels;
    c.output.colorspace = c.input.has_alpha ? MODE_RGBA : MODE_RGB;
    c.output.is_external_memory = 1;
    c.output.u.RGBA =
        (WebPRGBABuffer){ d->p.data + from, d->p.w * channels, vn_picture_values(&d->p) - from };
    s = WebPDecode(f.data, f.bytes, &c);
    WebPFreeDecBuffer(&c.output);
    return s == VP8_STATUS_OK ? VN_OK : damaged(in, s, e);
}

static int is(const uint8_t *data, size_t bytes)
{
    return bytes >= 12 && !memcmp(data, "RIFF", 4) && !memcmp(data + 8, "WEBP", 4);
}

const struct vn_decoder vn_decoder_webp = {
    .name = "webp", .suffixes = { ".webp" }, .turned_by = 1u << VN_LIB_OPENCV, .is = is, .read = read
};
