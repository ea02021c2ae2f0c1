/* TIFF, by libtiff: the first image. Gray, RGB and RGBA of 8 and 16 bits are read as they are; palettes,
 * YCbCr and fewer bits through the library's own conversion to 8-bit RGBA. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <tiffio.h>

#include "image/decode.h"

#define MOST_MEMORY ((tmsize_t)1 << 30)

struct job {
    TIFF *tif;
    const struct vn_decode_in *in;
    size_t at;
    char msg[256];
};

/* ---- the file in memory ---- */

static tmsize_t feed(thandle_t h, void *to, tmsize_t n)
{
    struct job *j = h;
    const size_t left = j->at < j->in->bytes ? j->in->bytes - j->at : 0,
                 take = (size_t)n < left ? (size_t)n : left;
    memcpy(to, j->in->data + (take ? j->at : 0), take);
    j->at += take;
    return (tmsize_t)take;
}

static tmsize_t refuse(thandle_t h, void *from, tmsize_t n)
{
    (void)h;
    (void)from;
    (void)n;
    return 0;
}

static toff_t seek(thandle_t h, toff_t to, int whence)
{
    struct job *j = h;
    j->at = (size_t)(whence == SEEK_SET ? to : whence == SEEK_CUR ? j->at + to : j->in->bytes + to);
    return j->at;
}

static int stay_open(thandle_t h)
{
    (void)h;
    return 0;
}

static toff_t size(thandle_t h) { return ((struct job *)h)->in->bytes; }

static int keep_message(TIFF *t, void *user, const char *module, const char *fmt, va_list ap)
{
    struct job *j = user;
    (void)t;
    (void)module;
    if (!*j->msg)
        vsnprintf(j->msg, sizeof j->msg, fmt, ap);
    return 1;
}

static int no_message(TIFF *t, void *user, const char *module, const char *fmt, va_list ap)
{
    (void)t;
    (void)user;
    (void)module;
    (void)fmt;
    (void)ap;
    return 1;
}

static void release(void *p)
{
    struct job *j = p;
    if (j->tif)
        TIFFClose(j->tif);
}

static int open_file(struct job *j)
{
    TIFFOpenOptions *o = TIFFOpenOptionsAlloc();
    if (!o)
        return -1;
    TIFFOpenOptionsSetMaxSingleMemAlloc(o, MOST_MEMORY);
    TIFFOpenOptionsSetErrorHandlerExtR(o, keep_message, j);
    TIFFOpenOptionsSetWarningHandlerExtR(o, no_message, NULL);
    j->tif = TIFFClientOpenExt(j->in->path, "rm", j, feed, refuse, seek, stay_open, size, NULL, NULL, o);
    TIFFOpenOptionsFree(o);
    return j->tif && errno != ENOMEM
               ? 0
               : -1; /* without memory it leaves fields out, and falls over that later */
}

/* ---- pixels ---- */

static int damaged(const struct job *j, struct vn_err *e)
{
    return vn_fail(e, VN_E_INPUT, "%s: damaged TIFF: %s", j->in->path,
                   *j->msg ? j->msg : "it cannot be read");
}

static uint16_t field(const struct job *j, uint32_t tag)
{
    uint16_t x = 0;
    TIFFGetFieldDefaulted(j->tif, tag, &x);
    return x;
}

/* The most bytes of samples that one byte of the file can stand for; ROWS: rows of any width, of a bit
 * each. */
#define ROWS 0
static const struct {
    int compression, most;
} codecs[] = {
    { COMPRESSION_NONE, 1 },
    { COMPRESSION_PACKBITS, 64 },
    { COMPRESSION_LZW, 4096 },
    { COMPRESSION_DEFLATE, VN_DEFLATE_MOST },
    { COMPRESSION_ADOBE_DEFLATE, VN_DEFLATE_MOST },
    { COMPRESSION_JPEG, 1024 },
    { COMPRESSION_CCITTRLE, ROWS },
    { COMPRESSION_CCITTRLEW, ROWS },
    { COMPRESSION_CCITTFAX3, ROWS },
    { COMPRESSION_CCITTFAX4, ROWS },
};

static int most_per_byte(int compression)
{
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
        if (codecs[i].compression == compression)
            return codecs[i].most;
    return 1 << 15;
}

/* Can the strips hold one sample of each pixel, or the tiles what is in them? */
static int check_length(const struct job *j, uint32_t w, uint32_t h, struct vn_err *e)
{
    const int tiled = TIFFIsTiled(j->tif);
    const uint32_t n = tiled ? TIFFNumberOfTiles(j->tif) : TIFFNumberOfStrips(j->tif);
    const uint64_t tile = tiled ? (uint64_t)TIFFTileSize(j->tif) : 0;
    const int most = most_per_byte(field(j, TIFFTAG_COMPRESSION));
    const uint64_t row = ((uint64_t)w * field(j, TIFFTAG_BITSPERSAMPLE) + 7) / 8;
    uint64_t stored = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t bytes = TIFFGetStrileByteCount(j->tif, i);
        stored += bytes < j->in->bytes ? bytes : j->in->bytes;
    }
    if (tile > MOST_MEMORY)
        return vn_fail(e, VN_E_INPUT, "%s: TIFF with tiles of %llu bytes; expected 2^30 at most", j->in->path,
                       (unsigned long long)tile);
    return most == ROWS ? vn_decode_check_length(j->in->path, "TIFF", stored, 8, h, e)
                        : vn_decode_check_length(j->in->path, "TIFF", stored, (uint64_t)most,
                                                 tiled ? n * tile : row * h, e);
}

static int is_plain(const struct job *j)
{
    const uint16_t photo = field(j, TIFFTAG_PHOTOMETRIC), bits = field(j, TIFFTAG_BITSPERSAMPLE),
                   n = field(j, TIFFTAG_SAMPLESPERPIXEL);
    const int gray =
        (photo == PHOTOMETRIC_MINISBLACK || photo == PHOTOMETRIC_MINISWHITE) && (n == 1 || n == 2);
    /* OpenCV goes through the library's conversion: colours multiplied with alpha, 16 bits rounded to 8,
     * wrong right edges of 16-bit tiles. */
    if (j->in->options->library == VN_LIB_OPENCV && !j->in->options->unchanged &&
        (gray ? bits == 16 && TIFFIsTiled(j->tif) : n * bits > 24))
        return 0;
    return (bits == 8 || bits == 16) && field(j, TIFFTAG_SAMPLEFORMAT) == SAMPLEFORMAT_UINT &&
           (gray || (photo == PHOTOMETRIC_RGB && (n == 3 || n == 4)));
}

static void invert(struct vn_picture *p)
{
    for (size_t i = 0, n = vn_picture_values(p); i < n; i++)
        if (p->type == VN_PIXEL_U8)
            p->data[i] = (uint8_t)(255 - p->data[i]);
        else
            p->u16[i] = (uint16_t)(65535 - p->u16[i]);
}

/* Rows as the library unpacks them; planes are put side by side. */
static int read_rows(struct vn_picture *p, struct vn_arena *work, struct job *j, struct vn_err *e)
{
    const size_t s = vn_pixel_size(p->type), n = (size_t)p->c, row = (size_t)p->w * n * s;
    const int planes = field(j, TIFFTAG_PLANARCONFIG) == PLANARCONFIG_SEPARATE ? p->c : 1;
    if ((size_t)TIFFScanlineSize(j->tif) != row / (size_t)planes)
        return damaged(j, e);
    uint8_t *line = vn_arena_alloc(work, row);
    for (int plane = 0; plane < planes; plane++)
        for (int y = 0; y < p->h; y++) {
            uint8_t *to = p->data + (size_t)y * row;
            if (TIFFReadScanline(j->tif, planes > 1 ? line : to, (uint32_t)y, (uint16_t)plane) != 1)
                return damaged(j, e);
            for (size_t x = 0; planes > 1 && x < (size_t)p->w; x++)
                memcpy(to + (x * n + plane) * s, line + x * s, s);
        }
    return VN_OK;
}

static int read_tiles(struct vn_picture *p, struct vn_arena *work, struct job *j, struct vn_err *e)
{
    const int planes = field(j, TIFFTAG_PLANARCONFIG) == PLANARCONFIG_SEPARATE ? p->c : 1;
    const size_t s = vn_pixel_size(p->type), pixel = (size_t)p->c * s, part = pixel / (size_t)planes;
    uint32_t w = 0, h = 0;
    TIFFGetField(j->tif, TIFFTAG_TILEWIDTH, &w);
    TIFFGetField(j->tif, TIFFTAG_TILELENGTH, &h);
    if (!w || !h || (uint64_t)TIFFTileSize(j->tif) != (uint64_t)w * h * part)
        return damaged(j, e);
    uint8_t *tile = vn_arena_alloc(work, (size_t)w * h * part);
    for (int plane = 0; plane < planes; plane++)
        for (uint32_t top = 0; top < (uint32_t)p->h; top += h)
            for (uint32_t left = 0; left < (uint32_t)p->w; left += w) {
                if (TIFFReadTile(j->tif, tile, left, top, 0, (uint16_t)plane) < 0)
                    return damaged(j, e);
                for (uint32_t y = 0; y < h && top + y < (uint32_t)p->h; y++)
                    for (uint32_t x = 0; x < w && left + x < (uint32_t)p->w; x++)
                        memcpy(p->data + ((size_t)(top + y) * p->w + left + x) * pixel + plane * s,
                               tile + ((size_t)y * w + x) * part, part);
            }
    return VN_OK;
}

static int read_plain(struct vn_picture *p, struct vn_arena *work, struct job *j, struct vn_err *e)
{
    TRY(TIFFIsTiled(j->tif) ? read_tiles(p, work, j, e) : read_rows(p, work, j, e));
    if (field(j, TIFFTAG_PHOTOMETRIC) == PHOTOMETRIC_MINISWHITE)
        invert(p);
    return VN_OK;
}

static int read_converted(struct vn_picture *p, struct vn_arena *work, struct job *j, struct vn_err *e)
{
    const size_t n = (size_t)p->w * p->h;
    char why[1024];
    if (!TIFFRGBAImageOK(j->tif, why))
        return vn_fail(e, VN_E_UNSUPPORTED, "%s: TIFF is not supported: %s", j->in->path, why);
    uint32_t *rgba = NEW_ARRAY(work, uint32_t, n);
    const uint16_t o = field(j, TIFFTAG_ORIENTATION);
    if (!TIFFReadRGBAImageOriented(j->tif, (uint32_t)p->w, (uint32_t)p->h, rgba, o ? o : ORIENTATION_TOPLEFT,
                                   1))
        return damaged(j, e);
    uint8_t *to = p->data;
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < p->c; c++)
            *to++ = (uint8_t)(rgba[i] >> 8 * c); /* R lies lowest */
    return VN_OK;
}

static int read(struct vn_decoded *d, struct vn_arena *a, struct vn_arena *work,
                const struct vn_decode_in *in, struct vn_err *e)
{
    struct job *j = NEW(work, struct job);
    uint32_t w = 0, h = 0;
    j->in = in;
    vn_arena_defer(work, release, j);
    if (open_file(j) < 0 || !TIFFGetField(j->tif, TIFFTAG_IMAGEWIDTH, &w) ||
        !TIFFGetField(j->tif, TIFFTAG_IMAGELENGTH, &h))
        return damaged(j, e);
    TRY(vn_picture_check_size(w, h, in->path, e));
    TRY(check_length(j, w, h, e));
    const int plain = is_plain(j), n = field(j, TIFFTAG_SAMPLESPERPIXEL),
              photo = field(j, TIFFTAG_PHOTOMETRIC);
    const int gray = photo == PHOTOMETRIC_MINISBLACK || photo == PHOTOMETRIC_MINISWHITE;
    d->bits = field(j, TIFFTAG_BITSPERSAMPLE);
    d->palette = photo == PHOTOMETRIC_PALETTE;
    d->keep_16 = in->options->library == VN_LIB_SKIMAGE;
    d->orientation = field(j, TIFFTAG_ORIENTATION);
    const int channels = plain ? n : gray ? 1 : photo == PHOTOMETRIC_RGB && n == 4 ? 4 : 3;
    TRY(vn_picture_new(&d->p, a, (int)w, (int)h, channels,
                       plain && d->bits == 16 ? VN_PIXEL_U16 : VN_PIXEL_U8, e));
    return plain ? read_plain(&d->p, work, j, e) : read_converted(&d->p, work, j, e);
}

static int is(const uint8_t *data, size_t bytes)
{
    return bytes >= 8 && (!memcmp(data, "II*\0", 4) || !memcmp(data, "MM\0*", 4));
}

const struct vn_decoder vn_decoder_tiff = {
    .name = "tiff",
    .suffixes = { ".tif", ".tiff" },
    .turned_by = 1u << VN_LIB_OPENCV | 1u << VN_LIB_PILLOW,
    .is = is,
    .read = read,
};
