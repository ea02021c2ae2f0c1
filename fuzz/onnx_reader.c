/* Fuzz the ONNX reader: any bytes give a graph or an error. A graph that was read can be written, and read
 * again. */
#include "front/onnx/onnx.h"
#include "guarded.h"

static void round_trip(struct vn_arena *a, const struct graph *g)
{
    const uint8_t *image;
    size_t bytes;
    struct graph *again;
    struct vn_err e;
    if (vn_onnx_write_memory(&image, &bytes, a, g, NULL, &e) == VN_OK)
        vn_onnx_read_memory(&again, a, image, bytes, NULL, NULL, &e);
}

static void one(struct vn_arena *a, const uint8_t *data, size_t size)
{
    struct graph *g;
    struct vn_err e;
    if (vn_onnx_read_memory(&g, a, data, size, NULL, NULL, &e) == VN_OK)
        round_trip(a, g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return guarded(one, data, size); }

#include "main.h"
