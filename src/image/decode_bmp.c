/* BMP: 1, 4, 8, 16, 24 and 32 bits, bit fields, run lengths; bottom-up and top-down. */
#include <stdlib.h>
#include <string.h>

#include "image/decode.h"

#define MOST_PER_BYTE (1 << 14) /* pixels in runs: a move takes 4 bytes and goes over 255 x 255 */
enum { UNCOMPRESSED, RLE8, RLE4, BIT_FIELDS, ALPHA_BIT_FIELDS = 6 };

struct bmp {
    const uint8_t *data;
    size_t bytes, pixels; /* of the file; where pixels begin */
    int w, h, top_down, bits, compression, colours;
    uint8_t palette[256][3];
    uint32_t mask[4]; /* R, G, B, A */
    const char *path;
    int fill;
};

static uint32_t u16(const uint8_t *p) { return (uint32_t)(p[0] | p[1] << 8); }
static uint32_t u32(const uint8_t *p) { return u16(p) | u16(p + 2) << 16; }

static int damaged(const struct bmp *b, const char *what, struct vn_err *e)
{
    return vn_fail(e, VN_E_INPUT, "%s: damaged BMP: %s", b->path, what);
}

static int read_palette(struct bmp *b, size_t at, int entry, struct vn_err *e)
{
    if (at > b->bytes || (b->bytes - at) / (size_t)entry < (size_t)b->colours)
        return damaged(b, "the palette is truncated", e);
    for (int i = 0; i < b->colours; i++)
        for (int c = 0; c < 3; c++)
            b->palette[i][c] = b->data[at + (size_t)i * entry + 2 - c];
    return VN_OK;
}

static int read_masks(struct bmp *b, size_t header, struct vn_err *e)
{
    static const uint32_t plain16[] = { 0x7c00, 0x3e0, 0x1f, 0 }, plain32[] = { 0xff0000, 0xff00, 0xff, 0 };
    memcpy(b->mask, b->bits == 16 ? plain16 : plain32, sizeof b->mask);
    if (b->compression != BIT_FIELDS && b->compression != ALPHA_BIT_FIELDS)
        return VN_OK;
    const int n = header >= 56 || b->compression == ALPHA_BIT_FIELDS ? 4 : 3;
    if (b->bytes < 54 + 4 * (size_t)n)
        return damaged(b, "the colour masks are truncated", e);
    for (int i = 0; i < n; i++)
        b->mask[i] = u32(b->data + 54 + 4 * i);
    if (!b->mask[0] || !b->mask[1] || !b->mask[2])
        return damaged(b, "a colour mask is empty", e);
    return VN_OK;
}

static int supported(const struct bmp *b, struct vn_err *e)
{
    static const struct {
        int bits, compression;
    } known[] = {
        { 1, UNCOMPRESSED },
        { 4, UNCOMPRESSED },
        { 8, UNCOMPRESSED },
        { 16, UNCOMPRESSED },
        { 24, UNCOMPRESSED },
        { 32, UNCOMPRESSED },
        { 8, RLE8 },
        { 4, RLE4 },
        { 16, BIT_FIELDS },
        { 32, BIT_FIELDS },
        { 32, ALPHA_BIT_FIELDS },
        { 16, ALPHA_BIT_FIELDS },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].bits == b->bits && known[i].compression == b->compression)
            return VN_OK;
    return vn_fail(e, VN_E_UNSUPPORTED, "%s: BMP of %d bits with compression %d is not supported", b->path,
                   b->bits, b->compression);
}

static int read_header(struct bmp *b, struct vn_err *e)
{
    if (b->bytes < 26)
        return damaged(b, "the file ends in its header", e);
    const size_t header = u32(b->data + 14);
    const int core = header == 12;
    if (!core && (header < 40 || b->bytes < 54))
        return damaged(b, "the header has an unknown size", e);
    const uint8_t *p = b->data + 18;
    int64_t h = core ? (int32_t)u16(p + 2) : (int32_t)u32(p + 4);
    b->top_down = h < 0;
    h = h < 0 ? -h : h;
    const int64_t w = core ? (int32_t)u16(p) : (int32_t)u32(p);
    TRY(vn_picture_check_size(w, h, b->path, e));
    b->w = (int)w;
    b->h = (int)h;
    b->bits = (int)u16(core ? p + 6 : p + 10);
    b->compression = core ? UNCOMPRESSED : (int)(u32(p + 12) & 0xff);
    b->pixels = u32(b->data + 10);
    TRY(supported(b, e));
    TRY(read_masks(b, header, e));
    if (b->bits > 8)
        return VN_OK;
    const uint32_t used = core ? 0 : u32(b->data + 46);
    b->colours = used && used < 1u << b->bits ? (int)used : 1 << b->bits;
    return read_palette(b, 14 + header, core ? 3 : 4, e);
}

/* ---- pixels ---- */

/* A field's value spread over 0..255, rounded down; OpenCV fills up with zeros. */
static uint8_t field(uint32_t pixel, uint32_t mask, int fill)
{
    if (!mask)
        return 255;
    const int shift = __builtin_ctz(mask);
    const uint64_t top = mask >> shift, x = (pixel & mask) >> shift;
    if (fill && top < 255)
        return (uint8_t)(x << __builtin_clz((unsigned)top) >> 24);
    return (uint8_t)(x * 255 / top);
}

static void one_pixel(uint8_t *out, const struct bmp *b, const uint8_t *row, int x, int channels)
{
    if (b->bits <= 8) {
        const int per = 8 / b->bits, i = row[x / per] >> (8 - b->bits * (x % per + 1)) & ((1 << b->bits) - 1);
        memcpy(out, b->palette[i], (size_t)channels);
    } else if (b->bits == 24) {
        for (int c = 0; c < 3; c++)
            out[c] = row[3 * x + 2 - c];
    } else {
        const uint32_t v = b->bits == 16 ? u16(row + 2 * (size_t)x) : u32(row + 4 * (size_t)x);
        for (int c = 0; c < channels; c++)
            out[c] = field(v, b->mask[c], b->fill);
    }
}

static size_t row_bytes(const struct bmp *b) { return ((size_t)b->w * b->bits + 31) / 32 * 4; }

static int is_runs(const struct bmp *b) { return b->compression == RLE8 || b->compression == RLE4; }

/* Before memory is taken for the pixels. */
static int check_length(const struct bmp *b, struct vn_err *e)
{
    if (b->pixels > b->bytes)
        return damaged(b, "the file ends too early", e);
    return is_runs(b) ? vn_decode_check_length(b->path, "BMP", b->bytes - b->pixels, MOST_PER_BYTE,
                                               (uint64_t)b->w * b->h, e)
                      : vn_decode_check_length(b->path, "BMP", b->bytes - b->pixels, 1,
                                               (uint64_t)row_bytes(b) * b->h, e);
}

static void read_plain(struct vn_picture *p, const struct bmp *b)
{
    for (int y = 0; y < b->h; y++) {
        const uint8_t *from = b->data + b->pixels + (size_t)(b->top_down ? y : b->h - 1 - y) * row_bytes(b);
        uint8_t *to = p->data + (size_t)y * b->w * p->c;
        for (int x = 0; x < b->w; x++)
            one_pixel(to + (size_t)x * p->c, b, from, x, p->c);
    }
}

/* Colour `index` at the pen, which moves on; what lies outside is dropped. */
static void put(struct vn_picture *p, const struct bmp *b, int *x, int y, int index)
{
    if (*x < b->w && y < b->h)
        memcpy(p->data + ((size_t)(b->top_down ? y : b->h - 1 - y) * b->w + *x) * p->c,
               b->palette[index & 255], (size_t)p->c);
    *x += *x < b->w;
}

static int read_runs(struct vn_picture *p, const struct bmp *b, struct vn_err *e)
{
    const uint8_t *d = b->data + b->pixels, *end = b->data + b->bytes;
    const int four = b->bits == 4;
    for (size_t i = 0, n = (size_t)b->w * b->h; i < n; i++)
        memcpy(p->data + i * p->c, b->palette[0], (size_t)p->c);
    for (int x = 0, y = 0; y < b->h;) {
        if (end - d < 2)
            return damaged(b, "the file ends too early", e);
        const int n = d[0], v = d[1];
        d += 2;
        if (n) {
            for (int i = 0; i < n; i++)
                put(p, b, &x, y, !four ? v : i % 2 ? v & 15 : v >> 4);
        } else if (v == 0) {
            x = 0;
            y++;
        } else if (v == 1)
            break;
        else if (v == 2) {
            if (end - d < 2)
                return damaged(b, "the file ends too early", e);
            x = x + d[0] < b->w ? x + d[0] : b->w;
            y += d[1];
            d += 2;
        } else {
            const int bytes = four ? (v + 1) / 2 : v, padded = bytes + bytes % 2;
            if (end - d < padded)
                return damaged(b, "the file ends too early", e);
            for (int i = 0; i < v; i++)
                put(p, b, &x, y, !four ? d[i] : i % 2 ? d[i / 2] & 15 : d[i / 2] >> 4);
            d += padded;
        }
    }
    return VN_OK;
}

/* A palette of grays is a gray image. */
static int is_gray(const struct bmp *b)
{
    for (int i = 0; i < b->colours; i++)
        if (b->palette[i][0] != b->palette[i][1] || b->palette[i][1] != b->palette[i][2])
            return 0;
    return b->bits <= 8;
}

static int read(struct vn_decoded *d, struct vn_arena *a, struct vn_arena *work,
                const struct vn_decode_in *in, struct vn_err *e)
{
    struct bmp *b = NEW(work, struct bmp);
    b->data = in->data;
    b->bytes = in->bytes;
    b->path = in->path;
    b->fill = in->options->library == VN_LIB_OPENCV;
    TRY(read_header(b, e));
    TRY(check_length(b, e));
    d->bits = 8;
    d->palette = b->bits <= 8;
    d->gray = b->bits == 32 && b->mask[3] ? VN_GRAY_CUT : VN_GRAY_14_BITS;
    const int channels = is_gray(b) ? 1 : b->bits > 8 && b->mask[3] ? 4 : 3;
    TRY(vn_picture_new(&d->p, a, b->w, b->h, channels, VN_PIXEL_U8, e));
    if (is_runs(b))
        return read_runs(&d->p, b, e);
    read_plain(&d->p, b);
    return VN_OK;
}

static int is(const uint8_t *data, size_t bytes) { return bytes >= 2 && data[0] == 'B' && data[1] == 'M'; }

const struct vn_decoder vn_decoder_bmp = {
    .name = "bmp", .suffixes = { ".bmp", ".dib" }, .is = is, .read = read
};
