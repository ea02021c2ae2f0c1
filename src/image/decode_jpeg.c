/* JPEG, by libjpeg-turbo. */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "image/decode.h"

struct job {
    struct jpeg_decompress_struct c;
    struct jpeg_error_mgr mgr;
    jmp_buf env;
    char msg[JMSG_LENGTH_MAX];
};

static void fails(j_common_ptr c)
{
    struct job *j = c->client_data;
    c->err->format_message(c, j->msg);
    longjmp(j->env, 1);
}

/* Corrupt data is only a warning to the library, which fills in gray; to us it is an error, but for stray
 * bytes between markers, which cameras do write and which change no pixel. */
static void warns(j_common_ptr c, int level)
{
    if (level < 0 && c->err->msg_code != JWRN_EXTRANEOUS_DATA)
        fails(c);
}

static void release(void *p) { jpeg_destroy_decompress(&((struct job *)p)->c); }

static int orientation(const struct jpeg_decompress_struct *c)
{
    for (const struct jpeg_marker_struct *m = c->marker_list; m; m = m->next)
        if (m->data_length > 6 && !memcmp(m->data, "Exif\0\0", 6))
            return vn_exif_orientation(m->data, m->data_length);
    return 0;
}

/* OpenCV lets the library give gray (of Y, Cb, Cr: the luma as stored); the others convert from R, G, B. */
static int choose_colours(struct vn_decoded *d, struct jpeg_decompress_struct *c,
                          const struct vn_decode_options *o)
{
    const int luma = c->jpeg_color_space == JCS_GRAYSCALE ||
                     (c->num_components == 3 && o->channels == 1 && o->library == VN_LIB_OPENCV);
    d->cmyk = c->num_components == 4;
    c->out_color_space = luma ? JCS_GRAYSCALE : d->cmyk ? JCS_CMYK : JCS_RGB;
    return luma ? 1 : d->cmyk ? 4 : 3;
}

/* 1, 2, 4, 8. */
static unsigned reduction(const struct jpeg_decompress_struct *c, const struct vn_decode_options *o)
{
    if (!o->draft[0] || !o->draft[1])
        return o->reduce ? (unsigned)o->reduce : 1;
    unsigned n = 8;
    while (n > 1 &&
           (c->image_width / (unsigned)o->draft[0] < n || c->image_height / (unsigned)o->draft[1] < n))
        n /= 2;
    return n;
}

static void choose_arithmetic(struct jpeg_decompress_struct *c, const struct vn_decode_options *o)
{
    static const J_DCT_METHOD methods[] = {
        [VN_DCT_LIBRARY] = JDCT_ISLOW,
        [VN_DCT_ISLOW] = JDCT_ISLOW,
        [VN_DCT_IFAST] = JDCT_IFAST,
        [VN_DCT_FLOAT] = JDCT_FLOAT,
    };
    c->dct_method = methods[o->dct];
    c->do_fancy_upsampling = o->upsampling != VN_UPSAMPLING_SIMPLE;
    c->scale_num = 1;
    c->scale_denom = reduction(c, o);
}

/* A block takes a bit or more, but for arithmetic coding. */
static int check_length(const struct jpeg_decompress_struct *c, const struct vn_decode_in *in,
                        struct vn_err *e)
{
    uint64_t blocks = 0;
    for (int i = 0; i < c->num_components; i++)
        blocks += (uint64_t)c->comp_info[i].width_in_blocks * c->comp_info[i].height_in_blocks;
    return c->arith_code ? VN_OK : vn_decode_check_length(in->path, "JPEG", in->bytes, 8, blocks, e);
}

static int read_pixels(struct vn_decoded *d, struct vn_arena *a, struct jpeg_decompress_struct *c,
                       const struct vn_decode_in *in, struct vn_err *e)
{
    jpeg_save_markers(c, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(c, TRUE);
    TRY(vn_picture_check_size(c->image_width, c->image_height, in->path, e));
    TRY(check_length(c, in, e));
    const J_COLOR_SPACE s = c->jpeg_color_space;
    if (s != JCS_GRAYSCALE && s != JCS_YCbCr && s != JCS_RGB && s != JCS_CMYK && s != JCS_YCCK)
        return vn_fail(e, VN_E_UNSUPPORTED, "%s: JPEG with %d colour components is not supported", in->path,
                       c->num_components);
    d->bits = 8;
    d->orientation = orientation(c);
    d->reduced = 1;
    d->file_w = (int)c->image_width;
    d->file_h = (int)c->image_height;
    const int channels = choose_colours(d, c, in->options);
    choose_arithmetic(c, in->options);
    jpeg_start_decompress(c);
    TRY(vn_picture_new(&d->p, a, (int)c->output_width, (int)c->output_height, channels, VN_PIXEL_U8, e));
    const size_t row_bytes = (size_t)d->p.w * channels;
    while (c->output_scanline < c->output_height) {
        JSAMPROW rows[16];
        int n = 0;
        for (; n < 16 && c->output_scanline + n < c->output_height; n++)
            rows[n] = d->p.data + (c->output_scanline + n) * row_bytes;
        jpeg_read_scanlines(c, rows, n);
    }
    jpeg_finish_decompress(c);
    return VN_OK;
}

static int read(struct vn_decoded *d, struct vn_arena *a, struct vn_arena *work,
                const struct vn_decode_in *in, struct vn_err *e)
{
    struct job *j = NEW(work, struct job);
    j->c.err = jpeg_std_error(&j->mgr);
    j->c.client_data = j;
    j->mgr.error_exit = fails;
    j->mgr.emit_message = warns;
    if (setjmp(j->env)) {
        const int memory = j->mgr.msg_code == JERR_OUT_OF_MEMORY;
        return vn_fail(e, memory ? VN_E_NOMEM : VN_E_INPUT, "%s: %s: %s", in->path,
                       memory ? "out of memory" : "damaged JPEG", j->msg);
    }
    vn_arena_defer(work, release, j);
    jpeg_create_decompress(&j->c);
    j->c.mem->max_memory_to_use = 1L << 30;
    jpeg_mem_src(&j->c, in->data, (unsigned long)in->bytes);
    return read_pixels(d, a, &j->c, in, e);
}

static int is(const uint8_t *data, size_t bytes)
{
    return bytes >= 3 && data[0] == 0xff && data[1] == 0xd8 && data[2] == 0xff;
}

const struct vn_decoder vn_decoder_jpeg = {
    .name = "jpeg",
    .suffixes = { ".jpg", ".jpeg" },
    .turned_by = 1u << VN_LIB_OPENCV,
    .is = is,
    .read = read,
};
