/* Files to pixels by every decoder whose rule is known. */
#include "align/search.h"

/* The common one first. Orientation is a question of geometry and not asked here. */
#define AS(lib) .library = VN_LIB_##lib, .orientation = VN_ORIENT_KEEP
static const struct decoder_rule decoders[] = {
    { "as Pillow does", "decode pillow orientation=keep", { AS(PILLOW) } },
    { "as OpenCV does", "decode opencv order=rgb orientation=keep", { AS(OPENCV) } },
    { "as skimage does", "decode skimage orientation=keep", { AS(SKIMAGE) } },
    { "as OpenCV does with IMREAD_GRAYSCALE",
      "decode opencv order=gray orientation=keep",
      { AS(OPENCV), .channels = 1 } },
    { "with the fast integer DCT (ifast)",
      "decode pillow orientation=keep dct=ifast",
      { AS(PILLOW), .dct = VN_DCT_IFAST } },
    { "with the float DCT", "decode pillow orientation=keep dct=float", { AS(PILLOW), .dct = VN_DCT_FLOAT } },
    { "with simple chroma upsampling",
      "decode pillow orientation=keep upsampling=simple",
      { AS(PILLOW), .upsampling = VN_UPSAMPLING_SIMPLE } },
    { "with the fast integer DCT (ifast) and simple chroma upsampling",
      "decode pillow orientation=keep dct=ifast upsampling=simple",
      { AS(PILLOW), .dct = VN_DCT_IFAST, .upsampling = VN_UPSAMPLING_SIMPLE } },
    { "with the float DCT and simple chroma upsampling",
      "decode pillow orientation=keep dct=float upsampling=simple",
      { AS(PILLOW), .dct = VN_DCT_FLOAT, .upsampling = VN_UPSAMPLING_SIMPLE } },
    { "at half the size (scaled JPEG decoding)",
      "decode pillow orientation=keep reduce=2",
      { AS(PILLOW), .reduce = 2 } },
    { "at a quarter of the size (scaled JPEG decoding)",
      "decode pillow orientation=keep reduce=4",
      { AS(PILLOW), .reduce = 4 } },
    { "at an eighth of the size (scaled JPEG decoding)",
      "decode pillow orientation=keep reduce=8",
      { AS(PILLOW), .reduce = 8 } },
    { "at half the size, as OpenCV's IMREAD_REDUCED_COLOR_2",
      "decode opencv order=rgb orientation=keep reduce=2",
      { AS(OPENCV), .reduce = 2 } },
    { "at a quarter of the size, as OpenCV's IMREAD_REDUCED_COLOR_4",
      "decode opencv order=rgb orientation=keep reduce=4",
      { AS(OPENCV), .reduce = 4 } },
    { "at an eighth of the size, as OpenCV's IMREAD_REDUCED_COLOR_8",
      "decode opencv order=rgb orientation=keep reduce=8",
      { AS(OPENCV), .reduce = 8 } },
};
enum { DECODERS = sizeof decoders / sizeof *decoders };
_Static_assert(DECODERS <= MOST_DECODERS, "the list of vn_decoders_differ has room for all");

struct grid *vn_search_decoded(struct search *s, int i, const struct decoder_rule *d)
{
    struct search_pair *p = &s->pair[i];
    if (!p->decoded)
        p->decoded = NEW_ARRAY(s->a, struct grid *, DECODERS);
    struct grid **g = &p->decoded[d - decoders];
    if (!*g) {
        struct vn_frame f = { .t = NULL };
        struct vn_err e;
        *g = NEW(s->a, struct grid);
        const int status = vn_decode_file(&f.p, s->a, p->of->source, &d->options, &e);
        if (status == VN_E_NOMEM)
            vn_oom_now();
        if (status == VN_OK)
            vn_grid_of(*g, s->a, vn_frame_tensor(&f, s->a));
    }
    return *g;
}

#define ENOUGH 8 /* pictures that tell decoders apart */

static int same_pixels(const struct grid *x, const struct grid *y)
{
    return !x->layout
               ? !y->layout
               : y->layout && x->t->dtype == y->t->dtype && vn_shape_equal(&x->t->shape, &y->t->shape) &&
                     !memcmp(x->t->data, y->t->data, vn_tensor_bytes(x->t));
}

/* Does a decoder before it give the same pixels? */
static int known(struct search *s, int k)
{
    for (int m = 0; m < k; m++) {
        int same = 1;
        for (int i = 0; i < s->all && i < ENOUGH && same; i++)
            same = same_pixels(vn_search_decoded(s, i, &decoders[m]), vn_search_decoded(s, i, &decoders[k]));
        if (same)
            return 1;
    }
    return 0;
}

int vn_decoders_differ(const struct decoder_rule *list[MOST_DECODERS], struct search *s)
{
    int n = 0;
    for (int k = 0; k < DECODERS; k++)
        if (!known(s, k) && vn_search_decoded(s, 0, &decoders[k])->layout)
            list[n++] = &decoders[k];
    return n;
}
