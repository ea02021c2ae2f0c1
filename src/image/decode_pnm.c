/* PBM, PGM, PPM: P1 to P6, 8 and 16 bits. */
#include <string.h>

#include "image/decode.h"

struct pnm {
    const uint8_t *p, *end;
    const char *path;
};

static int damaged(const struct pnm *f, const char *what, struct vn_err *e)
{
    return vn_fail(e, VN_E_INPUT, "%s: damaged PNM: %s", f->path, what);
}

static int is_space(int c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static void skip_space(struct pnm *f)
{
    while (f->p < f->end && (is_space(*f->p) || *f->p == '#'))
        if (*f->p == '#')
            while (f->p < f->end && *f->p != '\n')
                f->p++;
        else
            f->p++;
}

/* A number of at most `digits` digits. */
static int number(struct pnm *f, int *x, int digits, struct vn_err *e)
{
    int n = 0;
    skip_space(f);
    for (*x = 0; f->p < f->end && *f->p >= '0' && *f->p <= '9' && n < digits; n++)
        *x = *x * 10 + (*f->p++ - '0');
    return n ? VN_OK : damaged(f, f->p < f->end ? "a number is missing" : "the file ends too early", e);
}

static void store(struct vn_picture *p, size_t i, int x, int most)
{
    x = x > most ? most : x;
    if (p->type == VN_PIXEL_U16)
        p->u16[i] = (uint16_t)(((int64_t)x * 65535 + most / 2) / most);
    else
        p->data[i] = (uint8_t)((x * 255 + most / 2) / most);
}

static int read_text(struct vn_picture *p, struct pnm *f, int most, int bitmap, struct vn_err *e)
{
    for (size_t i = 0, n = vn_picture_values(p); i < n; i++) {
        int x;
        TRY(number(f, &x, bitmap ? 1 : 5, e));
        store(p, i, bitmap ? !x : x, most);
    }
    return VN_OK;
}

static int read_binary(struct vn_picture *p, struct pnm *f, int most, int bitmap, struct vn_err *e)
{
    const size_t row = (size_t)p->w * p->c, size = most > 255 ? 2 : 1,
                 row_bytes = bitmap ? (row + 7) / 8 : row * size;
    if (f->p >= f->end ||
        (size_t)(f->end - ++f->p) / row_bytes < (size_t)p->h) /* one space behind the header */
        return damaged(f, "the file ends too early", e);
    for (int y = 0; y < p->h; y++, f->p += row_bytes)
        for (size_t x = 0; x < row; x++)
            store(p, (size_t)y * row + x,
                  bitmap      ? !(f->p[x / 8] >> (7 - x % 8) & 1)
                  : size == 2 ? f->p[2 * x] << 8 | f->p[2 * x + 1]
                              : f->p[x],
                  most);
    return VN_OK;
}

static int read(struct vn_decoded *d, struct vn_arena *a, struct vn_arena *work,
                const struct vn_decode_in *in, struct vn_err *e)
{
    (void)work;
    struct pnm f = { in->data + 2, in->data + in->bytes, in->path };
    const int kind = in->data[1] - '0', bitmap = kind % 3 == 1;
    int w, h, most = 1;
    TRY(number(&f, &w, 9, e));
    TRY(number(&f, &h, 9, e));
    if (!bitmap)
        TRY(number(&f, &most, 5, e));
    TRY(vn_picture_check_size(w, h, in->path, e));
    if (most < 1 || most > 65535)
        return damaged(&f, "the maximum value is not in 1..65535", e);
    TRY(vn_decode_check_length(in->path, "PNM", (uint64_t)(f.end - f.p), 8,
                               (uint64_t)w * h * (kind % 3 == 0 ? 3 : 1), e));
    d->bits = most > 255 ? 16 : 8;
    TRY(vn_picture_new(&d->p, a, w, h, kind % 3 == 0 ? 3 : 1, most > 255 ? VN_PIXEL_U16 : VN_PIXEL_U8, e));
    return kind <= 3 ? read_text(&d->p, &f, most, bitmap, e) : read_binary(&d->p, &f, most, bitmap, e);
}

static int is(const uint8_t *data, size_t bytes)
{
    return bytes >= 3 && data[0] == 'P' && data[1] >= '1' && data[1] <= '6' &&
           (is_space(data[2]) || data[2] == '#');
}

const struct vn_decoder vn_decoder_pnm = {
    .name = "pnm", .suffixes = { ".ppm", ".pgm", ".pbm", ".pnm" }, .is = is, .read = read
};
