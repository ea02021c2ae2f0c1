/* Fuzz what is done with a graph that was read: shapes, constants, branches, all passes, a program. Any bytes
 * give a program or an error. */
#include "compile/compile.h"
#include "front/onnx/onnx.h"
#include "guarded.h"
#include "passes/pass.h"

static void one(struct vn_arena *a, const uint8_t *data, size_t size)
{
    struct graph *g;
    struct vn_image image;
    struct compile_options o;
    struct vn_err e;
    vn_compile_defaults(&o);
    if (vn_onnx_read_memory(&g, a, data, size, NULL, NULL, &e) == VN_OK &&
        vn_passes_prepare(g, &e) == VN_OK && vn_passes_optimize(g, NULL, &e) >= 0)
        vn_compile(&image, a, g, &o, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return guarded(one, data, size); }

#include "main.h"
