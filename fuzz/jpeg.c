/* Fuzz the JPEG decoder. */
#include "guarded.h"
#include "image/image.h"

static void one(struct vn_arena *a, const uint8_t *data, size_t size)
{
    struct vn_picture p;
    struct vn_err e;
    vn_picture_jpeg(&p, a, data, size, "fuzz.jpeg", &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return guarded(one, data, size); }

#include "main.h"
