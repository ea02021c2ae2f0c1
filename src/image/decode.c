#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>
#include <png.h>

#include "base/file.h"
#include "image/image.h"

#define MAX_PIXELS ((int64_t)1 << 28)

static int check_size(int64_t w, int64_t h, const char *path, struct vn_err *e)
{
    if (w < 1 || h < 1 || w > MAX_PIXELS || h > MAX_PIXELS / w)
        return vn_fail(e, VN_E_INPUT, "%s: picture of %lld x %lld pixels; want 1 to 2^28 in all", path, (long long)w, (long long)h);
    return VN_OK;
}

/* ---- JPEG ---- */

struct jpeg_trouble {
    struct jpeg_error_mgr mgr;
    jmp_buf env;
    char msg[JMSG_LENGTH_MAX];
};

static void jpeg_fails(j_common_ptr c)
{
    struct jpeg_trouble *t = (struct jpeg_trouble *)c->err;
    c->err->format_message(c, t->msg);
    longjmp(t->env, 1);
}

/* Corrupt data is only a warning to the library, which fills in gray; to us it is an error, but for stray bytes between markers,
 * which cameras do write and which change no pixel. */
static void jpeg_warns(j_common_ptr c, int level)
{
    if (level < 0 && c->err->msg_code != JWRN_EXTRANEOUS_DATA)
        jpeg_fails(c);
}

static void keep_gray_or_rgb(struct jpeg_decompress_struct *c)
{
    c->out_color_space = c->jpeg_color_space == JCS_GRAYSCALE ? JCS_GRAYSCALE : JCS_RGB;
}

static void spread_gray(uint8_t *row, int w)
{
    for (int x = w - 1; x >= 0; x--)
        row[3 * x] = row[3 * x + 1] = row[3 * x + 2] = row[x];
}

int vn_picture_jpeg(struct vn_picture *p, struct vn_arena *a, const uint8_t *data, size_t bytes, const char *path, struct vn_err *e)
{
    struct jpeg_decompress_struct c;
    struct jpeg_trouble t;
    c.err = jpeg_std_error(&t.mgr);
    t.mgr.error_exit = jpeg_fails;
    t.mgr.emit_message = jpeg_warns;
    if (setjmp(t.env)) {
        const int memory = t.mgr.msg_code == JERR_OUT_OF_MEMORY;
        jpeg_destroy_decompress(&c);
        return vn_fail(e, memory ? VN_E_NOMEM : VN_E_INPUT, "%s: %s: %s", path, memory ? "out of memory" : "damaged JPEG", t.msg);
    }
    jpeg_create_decompress(&c);
    c.mem->max_memory_to_use = 1L << 30;
    jpeg_mem_src(&c, data, (unsigned long)bytes);
    jpeg_read_header(&c, TRUE);
    int status = check_size(c.image_width, c.image_height, path, e);
    if (status == VN_OK && c.jpeg_color_space != JCS_GRAYSCALE && c.jpeg_color_space != JCS_YCbCr && c.jpeg_color_space != JCS_RGB)
        status = vn_fail(e, VN_E_UNSUPPORTED, "%s: JPEG with %d colour components (CMYK?) is not supported", path, c.num_components);
    if (status < 0) {
        jpeg_destroy_decompress(&c);
        return status;
    }
    keep_gray_or_rgb(&c);
    jpeg_start_decompress(&c);
    *p = (struct vn_picture){ .w = (int)c.output_width, .h = (int)c.output_height, .c = 3 };
    p->data = NEW_ARRAY(a, uint8_t, (size_t)p->w * p->h * 3);
    while (c.output_scanline < c.output_height) {
        uint8_t *row = p->data + (size_t)c.output_scanline * p->w * 3;
        jpeg_read_scanlines(&c, &row, 1);
        if (c.out_color_space == JCS_GRAYSCALE)
            spread_gray(row, p->w);
    }
    jpeg_finish_decompress(&c);
    jpeg_destroy_decompress(&c);
    return VN_OK;
}

/* ---- PNG ---- */

/* libpng says nothing at all where its first allocation fails. */
static int png_trouble(png_image *img, const char *path, struct vn_err *e)
{
    const int memory = !*img->message || strstr(img->message, "memory");
    png_image_free(img);
    return memory ? vn_fail(e, VN_E_NOMEM, "%s: out of memory", path) : vn_fail(e, VN_E_INPUT, "%s: damaged PNG: %s", path, img->message);
}

int vn_picture_png(struct vn_picture *p, struct vn_arena *a, const uint8_t *data, size_t bytes, const char *path, struct vn_err *e)
{
    png_image img = { .version = PNG_IMAGE_VERSION };
    if (!png_image_begin_read_from_memory(&img, data, bytes))
        return png_trouble(&img, path, e);
    const int status = check_size(img.width, img.height, path, e);
    if (status < 0) {
        png_image_free(&img);
        return status;
    }
    img.format = PNG_FORMAT_RGBA; /* alpha is dropped below, not composed onto a background */
    uint8_t *rgba = malloc(PNG_IMAGE_SIZE(img));
    if (!rgba || !png_image_finish_read(&img, NULL, rgba, 0, NULL)) {
        free(rgba);
        return png_trouble(&img, path, e);
    }
    *p = (struct vn_picture){ .w = (int)img.width, .h = (int)img.height, .c = 3 };
    const size_t n = (size_t)p->w * p->h;
    p->data = NEW_ARRAY(a, uint8_t, n * 3);
    for (size_t i = 0; i < n; i++)
        memcpy(p->data + 3 * i, rgba + 4 * i, 3);
    free(rgba);
    return VN_OK;
}

int vn_picture_is_image_name(const char *path)
{
    return vn_path_has_suffix(path, ".jpg") || vn_path_has_suffix(path, ".jpeg") || vn_path_has_suffix(path, ".png");
}

int vn_picture_read(struct vn_picture *p, struct vn_arena *a, const char *path, struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    struct vn_arena *file = vn_arena_new();
    int status = vn_file_map(file, path, &data, &bytes, e);
    if (status == VN_OK) {
        if (bytes >= 3 && data[0] == 0xff && data[1] == 0xd8 && data[2] == 0xff)
            status = vn_picture_jpeg(p, a, data, bytes, path, e);
        else if (bytes >= 8 && !memcmp(data, "\x89PNG\r\n\x1a\n", 8))
            status = vn_picture_png(p, a, data, bytes, path, e);
        else
            status = vn_fail(e, VN_E_UNSUPPORTED, "%s: neither JPEG nor PNG", path);
    }
    vn_arena_free(&file);
    return status;
}
