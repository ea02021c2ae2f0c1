/* Fuzz the .npy reader. */
#include "guarded.h"
#include "tensor/npy.h"

static void one(struct vn_arena *a, const uint8_t *data, size_t size)
{
    struct vn_tensor *t;
    struct vn_err e;
    if (vn_npy_parse(&t, a, data, size, "fuzz.npy", &e) == VN_OK)
        for (int64_t i = 0, n = vn_shape_count(&t->shape); i < n; i++)
            (void)vn_tensor_f64(t, i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return guarded(one, data, size); }

#include "main.h"
