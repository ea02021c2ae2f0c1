/* fuzz/picture.h - the body of a target for one picture format, FORMAT_NAME: any bytes give pixels or an
 * error, by every library's rule; the length chooses how JPEGs are decoded. */
#ifndef VN_FUZZ_PICTURE_H
#define VN_FUZZ_PICTURE_H

#include "guarded.h"
#include "image/decode.h"

static unsigned look(const struct vn_picture *p)
{
    unsigned sum = 0;
    for (size_t i = 0, n = vn_picture_values(p) * vn_pixel_size(p->type); i < n; i++)
        sum += p->data[i];
    return sum;
}

static void one(struct vn_arena *a, const uint8_t *data, size_t size)
{
    (void)a;
    static volatile unsigned seen;
    const struct vn_decoder *by = vn_decoder_find(data, size);
    if (!by || strcmp(by->name, FORMAT_NAME))
        return;
    for (int i = 0; i < 3; i++) {
        static const struct vn_decode_options ways[] = {
            { .library = VN_LIB_OPENCV },
            { .library = VN_LIB_PILLOW, .channels = 1 },
            { .library = VN_LIB_SKIMAGE, .orientation = VN_ORIENT_APPLY, .draft = { 9, 5 } }
        };
        struct vn_decode_options o = ways[i];
        struct vn_arena *own = vn_arena_new(); /* few bytes may stand for pictures that are large */
        struct vn_picture p;
        struct vn_err e;
        o.dct = (enum vn_jpeg_dct)(size % 4);
        o.upsampling = (enum vn_upsampling)(size / 4 % 3);
        o.reduce = 1 << size / 12 % 4;
        if (vn_decode_memory(&p, own, data, size, "fuzz." FORMAT_NAME, &o, &e) == VN_OK)
            seen += look(&p);
        vn_arena_free(&own);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return guarded(one, data, size); }

#include "main.h"
#endif
