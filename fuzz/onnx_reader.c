/* Fuzz the ONNX reader: any bytes give a graph or an error. A graph that was read can be written, and read again. */
#include "front/onnx/onnx.h"

static void round_trip(struct vn_arena *a, const struct graph *g)
{
    const uint8_t *image;
    size_t bytes;
    struct graph *again;
    struct vn_err e;
    if (vn_onnx_write_memory(&image, &bytes, a, g, NULL, &e) == VN_OK)
        vn_onnx_read_memory(&again, a, image, bytes, NULL, NULL, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vn_arena *volatile arena = NULL;
    struct vn_oom guard;
    struct vn_err e;
    struct graph *g;
    if (!VN_OOM_GUARD(&guard)) {
        arena = vn_arena_new();
        if (vn_onnx_read_memory(&g, arena, data, size, NULL, NULL, &e) == VN_OK)
            round_trip(arena, g);
    }
    vn_oom_leave(&guard);
    struct vn_arena *a = arena;
    vn_arena_free(&a);
    return 0;
}

#ifdef VN_FUZZ_MAIN /* replay files without a fuzzing engine */
#include <stdio.h>

#include "base/file.h"

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct vn_arena *a = vn_arena_new();
        struct vn_err e;
        const uint8_t *data;
        size_t bytes;
        if (vn_file_map(a, argv[i], &data, &bytes, &e) < 0)
            fprintf(stderr, "%s\n", e.msg);
        else
            LLVMFuzzerTestOneInput(data, bytes);
        vn_arena_free(&a);
    }
    return 0;
}
#endif
