/* Fuzz the PNG decoder. */
#include "guarded.h"
#include "image/image.h"

static void one(struct vn_arena *a, const uint8_t *data, size_t size)
{
    struct vn_picture p;
    struct vn_err e;
    vn_picture_png(&p, a, data, size, "fuzz.png", &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return guarded(one, data, size); }

#include "main.h"
