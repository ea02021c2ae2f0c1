#include "image/picture.h"

#include <string.h>

static const struct {
    const char *name;
    size_t size;
} types[] = {
    [VN_PIXEL_U8] = { "uint8", 1 }, [VN_PIXEL_U16] = { "uint16", 2 }, [VN_PIXEL_F32] = { "float32", 4 }
};

size_t vn_pixel_size(enum vn_pixel_type t) { return types[t].size; }
const char *vn_pixel_name(enum vn_pixel_type t) { return types[t].name; }

static const char *const libraries[VN_LIBS] = {
    [VN_LIB_OPENCV] = "opencv",
    [VN_LIB_PILLOW] = "pillow",
    [VN_LIB_SKIMAGE] = "skimage",
    [VN_LIB_TORCHVISION] = "torchvision",
};

const char *vn_library_name(enum vn_image_library l) { return libraries[l]; }

int vn_library_find(const char *name) { return vn_image_word(libraries, VN_LIBS, name); }

int vn_image_word(const char *const *words, int n, const char *word)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(words[i], word))
            return i;
    return -1;
}

int vn_picture_check_size(int64_t w, int64_t h, const char *what, struct vn_err *e)
{
    if (w < 1 || h < 1 || w > VN_MAX_PIXELS || h > VN_MAX_PIXELS / w)
        return vn_fail(e, VN_E_INPUT, "%s: image of %lld x %lld pixels; expected 1 to 2^28 pixels in total",
                       what, (long long)w, (long long)h);
    return VN_OK;
}

int vn_picture_new(struct vn_picture *p, struct vn_arena *a, int w, int h, int c, enum vn_pixel_type t,
                   struct vn_err *e)
{
    TRY(vn_picture_check_size(w, h, "picture", e));
    *p = (struct vn_picture){ .w = w, .h = h, .c = c, .type = t };
    p->data = vn_arena_array(a, vn_picture_values(p), types[t].size);
    return VN_OK;
}

double vn_picture_value(const struct vn_picture *p, size_t i)
{
    return p->type == VN_PIXEL_U8 ? p->data[i] : p->type == VN_PIXEL_U16 ? p->u16[i] : p->f32[i];
}

static uint64_t saturate(double x, double top) { return (uint64_t)(x > 0 ? x < top ? x : top : 0); }

int vn_picture_cast(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in,
                    enum vn_pixel_type t, struct vn_err *e)
{
    if (in->type == t) {
        *out = *in;
        return VN_OK;
    }
    const struct vn_picture from = *in;
    TRY(vn_picture_new(out, a, from.w, from.h, from.c, t, e));
    const size_t n = vn_picture_values(&from);
    if (t == VN_PIXEL_F32 && from.type == VN_PIXEL_U8) {
        for (size_t i = 0; i < n; i++)
            out->f32[i] = from.data[i];
        return VN_OK;
    }
    for (size_t i = 0; i < n; i++) {
        const double x = vn_picture_value(&from, i);
        if (t == VN_PIXEL_U8)
            out->data[i] = (uint8_t)saturate(x, 255);
        else if (t == VN_PIXEL_U16)
            out->u16[i] = (uint16_t)saturate(x, 65535);
        else
            out->f32[i] = (float)x;
    }
    return VN_OK;
}
