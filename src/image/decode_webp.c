/* WebP, by libwebp; still pictures. */
#include <string.h>

#include <webp/decode.h>

#include "image/decode.h"

static uint32_t u32(const uint8_t *p) { return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24; }

/* The chunk EXIF of the container. */
static int orientation(const uint8_t *data, size_t bytes)
{
    for (size_t at = 12; at <= bytes && bytes - at >= 8;) {
        const size_t size = u32(data + at + 4);
        if (size > bytes - at - 8)
            return 0;
        if (!memcmp(data + at, "EXIF", 4))
            return vn_exif_orientation(data + at + 8, size);
        at += 8 + size + size % 2;
    }
    return 0;
}

static const char *reason(VP8StatusCode s) { return s == VP8_STATUS_NOT_ENOUGH_DATA ? "the file ends too early" : "its data make no sense"; }

static int read(struct vn_decoded *d, struct vn_arena *a, struct vn_arena *work, const struct vn_decode_in *in, struct vn_err *e)
{
    (void)work;
    WebPDecoderConfig c;
    if (!WebPInitDecoderConfig(&c))
        return vn_fail(e, VN_E_UNSUPPORTED, "%s: libwebp is of another version than this program", in->path);
    VP8StatusCode s = WebPGetFeatures(in->data, in->bytes, &c.input);
    if (s != VP8_STATUS_OK)
        return vn_fail(e, VN_E_INPUT, "%s: damaged WebP: %s", in->path, reason(s));
    if (c.input.has_animation)
        return vn_fail(e, VN_E_UNSUPPORTED, "%s: animated WebP is not supported", in->path);
    TRY(vn_picture_check_size(c.input.width, c.input.height, in->path, e));
    const int channels = c.input.has_alpha ? 4 : 3;
    TRY(vn_picture_new(&d->p, a, c.input.width, c.input.height, channels, VN_PIXEL_U8, e));
    d->bits = 8;
    d->gray = VN_GRAY_CVT_COLOR;
    d->orientation = orientation(in->data, in->bytes);
    c.output.colorspace = c.input.has_alpha ? MODE_RGBA : MODE_RGB;
    c.output.is_external_memory = 1;
    c.output.u.RGBA = (WebPRGBABuffer){ d->p.data, d->p.w * channels, vn_picture_values(&d->p) };
    s = WebPDecode(in->data, in->bytes, &c);
    WebPFreeDecBuffer(&c.output);
    if (s == VP8_STATUS_OUT_OF_MEMORY)
        return vn_fail(e, VN_E_NOMEM, "%s: out of memory", in->path);
    return s == VP8_STATUS_OK ? VN_OK : vn_fail(e, VN_E_INPUT, "%s: damaged WebP: %s", in->path, reason(s));
}

static int is(const uint8_t *data, size_t bytes) { return bytes >= 12 && !memcmp(data, "RIFF", 4) && !memcmp(data + 8, "WEBP", 4); }

const struct vn_decoder vn_decoder_webp = { .name = "webp", .suffixes = { ".webp" }, .turned_by = 1u << VN_LIB_OPENCV, .is = is, .read = read };
