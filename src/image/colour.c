/* BT.601 in both ranges, with 8-bit rounding, and the layouts of runtime pixels. */
#include <math.h>

#include "image/image.h"

static uint8_t clamp8(double x) { return (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : rint(x)); }

static void rgb_to_yuv(uint8_t *yuv, double r, double g, double b, int video)
{
    const double y = 0.299 * r + 0.587 * g + 0.114 * b;
    const double u = (b - y) / 1.772, v = (r - y) / 1.402;
    yuv[0] = clamp8(video ? 16 + y * 219 / 255 : y);
    yuv[1] = clamp8(128 + (video ? u * 224 / 255 : u));
    yuv[2] = clamp8(128 + (video ? v * 224 / 255 : v));
}

void vn_pixels_train(uint8_t *out, const struct vn_picture *rgb, const struct vn_pixel_format *f)
{
    const size_t n = (size_t)rgb->w * rgb->h;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = rgb->data + 3 * i;
        if (f->train[0] == 'g')
            out[i] = (uint8_t)((p[0] * 19595 + p[1] * 38470 + p[2] * 7471 + 0x8000) >> 16);
        else if (f->train[0] == 'y')
            rgb_to_yuv(out + 3 * i, p[0], p[1], p[2], 0);
        else
            for (int c = 0; c < 3; c++)
                out[3 * i + c] = p[f->train[0] == 'b' ? 2 - c : c];
    }
}

/* Chroma of each 2 x 2 block becomes its rounded mean: what NV12 keeps, repeated. */
static void share_chroma(uint8_t *yuv, int w, int h)
{
    for (int y = 0; y + 1 < h; y += 2)
        for (int x = 0; x + 1 < w; x += 2)
            for (int c = 1; c < 3; c++) {
                uint8_t *p[4];
                int sum = 2;
                for (int k = 0; k < 4; k++) {
                    p[k] = yuv + ((size_t)(y + k / 2) * w + x + k % 2) * 3 + c;
                    sum += *p[k];
                }
                for (int k = 0; k < 4; k++)
                    *p[k] = (uint8_t)(sum / 4);
            }
}

void vn_pixels_runtime(uint8_t *out, const uint8_t *train, const struct vn_pixel_format *f)
{
    const size_t n = (size_t)f->w * f->h;
    const int channels = vn_pixel_channels(f), to_yuv = (f->rt[0] == 'y' || f->rt[0] == 'n') && f->train[0] != 'y';
    const int swap = channels == 3 && !to_yuv && f->rt[0] != f->train[0] && f->rt[0] != 'n';
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = train + channels * i;
        const int bgr = f->train[0] == 'b';
        if (to_yuv)
            rgb_to_yuv(out + 3 * i, p[bgr ? 2 : 0], p[1], p[bgr ? 0 : 2], f->video_range);
        else
            for (int c = 0; c < channels; c++)
                out[channels * i + c] = p[swap ? 2 - c : c];
    }
    if (f->rt[0] == 'n')
        share_chroma(out, f->w, f->h);
}

size_t vn_pixels_bytes(const struct vn_pixel_format *f)
{
    const size_t n = (size_t)f->w * f->h;
    return f->rt[0] == 'n' ? n / 2 * 3 : n * (size_t)vn_pixel_channels(f);
}

static void pack_nv12(uint8_t *out, const uint8_t *yuv, int w, int h)
{
    for (size_t i = 0; i < (size_t)w * h; i++)
        out[i] = yuv[3 * i];
    uint8_t *uv = out + (size_t)w * h;
    for (int y = 0; y < h; y += 2)
        for (int x = 0; x < w; x += 2) {
            *uv++ = yuv[((size_t)y * w + x) * 3 + 1];
            *uv++ = yuv[((size_t)y * w + x) * 3 + 2];
        }
}

void vn_pixels_pack(uint8_t *out, const uint8_t *runtime, const struct vn_pixel_format *f)
{
    const size_t n = (size_t)f->w * f->h;
    const int channels = vn_pixel_channels(f);
    if (f->rt[0] == 'n') {
        pack_nv12(out, runtime, f->w, f->h);
        return;
    }
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < channels; c++)
            out[f->channels_last_rt ? i * channels + c : c * n + i] = runtime[i * channels + c];
}

void vn_pixels_tensor(float *out, const uint8_t *runtime, const struct vn_pixel_format *f)
{
    const size_t n = (size_t)f->w * f->h;
    const int channels = vn_pixel_channels(f);
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < channels; c++)
            out[f->channels_last_train ? i * channels + c : c * n + i] = (float)runtime[i * channels + c] - 128;
}
