/* PNG, by libpng; samples as stored, without its gamma. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "image/decode.h"

struct job {
    png_structp png;
    png_infop info;
    const struct vn_decode_in *in;
    size_t at;
    int out_of_memory;
    char msg[128];
};

static void fails(png_structp png, png_const_charp msg)
{
    struct job *j = png_get_error_ptr(png);
    snprintf(j->msg, sizeof j->msg, "%s", msg);
    longjmp(png_jmpbuf(png), 1);
}

static void warns(png_structp png, png_const_charp msg)
{
    (void)png;
    (void)msg;
}

static void feed(png_structp png, png_bytep out, size_t n)
{
    struct job *j = png_get_io_ptr(png);
    if (n > j->in->bytes - j->at)
        png_error(png, "the file ends too early");
    memcpy(out, j->in->data + j->at, n);
    j->at += n;
}

static png_voidp take(png_structp png, png_alloc_size_t n)
{
    struct job *j = png_get_mem_ptr(png);
    void *p = malloc(n);
    j->out_of_memory |= !p;
    return p;
}

static void give_back(png_structp png, png_voidp p)
{
    (void)png;
    free(p);
}

static void release(void *p)
{
    struct job *j = p;
    png_destroy_read_struct(&j->png, &j->info, NULL);
}

/* Palettes are looked up, gray below 8 bits spread to 0..255. A key colour becomes alpha only where the
 * library returns alpha. */
static void expand(struct vn_decoded *d, struct job *j)
{
    const int type = png_get_color_type(j->png, j->info),
              key = !!png_get_valid(j->png, j->info, PNG_INFO_tRNS);
    d->bits = png_get_bit_depth(j->png, j->info);
    d->palette = type == PNG_COLOR_TYPE_PALETTE;
    d->color_key = key;
    if (d->palette)
        png_set_palette_to_rgb(j->png);
    if (type == PNG_COLOR_TYPE_GRAY && d->bits < 8)
        png_set_expand_gray_1_2_4_to_8(j->png);
    if (key && d->palette)
        png_set_tRNS_to_alpha(j->png);
    if (d->bits == 16)
        png_set_swap(j->png);
    if (j->in->options->library == VN_LIB_OPENCV && j->in->options->channels == 1 &&
        type & PNG_COLOR_MASK_COLOR)
        png_set_rgb_to_gray_fixed(j->png, 1, 29900, 58700); /* libpng's own weights round down */
    png_set_interlace_handling(j->png);
    png_read_update_info(j->png, j->info);
}

static int orientation(struct job *j)
{
    png_uint_32 bytes = 0;
    png_bytep exif = NULL;
    return png_get_eXIf_1(j->png, j->info, &bytes, &exif) && exif ? vn_exif_orientation(exif, bytes) : 0;
}

static int read_pixels(struct vn_decoded *d, struct vn_arena *a, struct vn_arena *work, struct job *j,
                       struct vn_err *e)
{
    png_read_info(j->png, j->info);
    const png_uint_32 w = png_get_image_width(j->png, j->info), h = png_get_image_height(j->png, j->info);
    TRY(vn_picture_check_size(w, h, j->in->path, e));
    TRY(vn_decode_check_length(j->in->path, "PNG", j->in->bytes, VN_DEFLATE_MOST,
                               (uint64_t)png_get_rowbytes(j->png, j->info) * h, e));
    expand(d, j);
    d->orientation = orientation(j);
    const enum vn_pixel_type t = png_get_bit_depth(j->png, j->info) == 16 ? VN_PIXEL_U16 : VN_PIXEL_U8;
    TRY(vn_picture_new(&d->p, a, (int)w, (int)h, png_get_channels(j->png, j->info), t, e));
    png_bytep *rows = NEW_ARRAY(work, png_bytep, h);
    const size_t row_bytes = vn_picture_values(&d->p) / h * vn_pixel_size(t);
    for (png_uint_32 y = 0; y < h; y++)
        rows[y] = d->p.data + y * row_bytes;
    png_read_image(j->png, rows);
    png_read_end(j->png, j->info);
    if (!d->orientation)
        d->orientation = orientation(j);
    return VN_OK;
}

static int read(struct vn_decoded *d, struct vn_arena *a, struct vn_arena *work,
                const struct vn_decode_in *in, struct vn_err *e)
{
    struct job *j = NEW(work, struct job);
    j->in = in;
    vn_arena_defer(work, release, j);
    j->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, j, fails, warns, j, take, give_back);
    if (j->png)
        j->info = png_create_info_struct(j->png);
    if (!j->info)
        return vn_fail(e, VN_E_NOMEM, "%s: out of memory", in->path);
    if (setjmp(png_jmpbuf(j->png)))
        return j->out_of_memory ? vn_fail(e, VN_E_NOMEM, "%s: out of memory", in->path)
                                : vn_fail(e, VN_E_INPUT, "%s: damaged PNG: %s", in->path, j->msg);
    png_set_user_limits(j->png, 0x7fffffff, 0x7fffffff);
    png_set_read_fn(j->png, j, feed);
    return read_pixels(d, a, work, j, e);
}

static int is(const uint8_t *data, size_t bytes)
{
    return bytes >= 8 && !memcmp(data, "\x89PNG\r\n\x1a\n", 8);
}

const struct vn_decoder vn_decoder_png = {
    .name = "png",
    .suffixes = { ".png" },
    .turned_by = 1u << VN_LIB_OPENCV,
    .is = is,
    .read = read,
};
