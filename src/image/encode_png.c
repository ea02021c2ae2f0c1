/* Pictures as PNG. */
#include <png.h>

#include "image/decode.h"

int vn_png_encode(const void **data, size_t *bytes, struct vn_arena *a, const struct vn_picture *p,
                  struct vn_err *e)
{
    png_image png = { .version = PNG_IMAGE_VERSION,
                      .width = (unsigned)p->w,
                      .height = (unsigned)p->h,
                      .format = PNG_FORMAT_RGB };
    png_alloc_size_t size = 0;
    if (!png_image_write_get_memory_size(png, size, 0, p->data, 0, NULL))
        return vn_fail(e, VN_E_IO, "cannot make a PNG image of %d x %d: %s", p->w, p->h, png.message);
    void *room = vn_arena_alloc(a, size);
    if (!png_image_write_to_memory(&png, room, &size, 0, p->data, 0, NULL))
        return vn_fail(e, VN_E_IO, "cannot make a PNG image of %d x %d: %s", p->w, p->h, png.message);
    *data = room;
    *bytes = size;
    return VN_OK;
}
