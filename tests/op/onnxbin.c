/* onnxbin: compile ONNX files as they are, without calibration, for the corpus of fuzz/bin.c: onnxbin MODEL.onnx PROGRAM.bin ... */
#include <stdio.h>

#include "base/file.h"
#include "compile/compile.h"
#include "front/onnx/onnx.h"
#include "passes/pass.h"

static int compile(struct vn_arena *a, const char *model, const char *program, struct vn_err *e)
{
    struct graph *g;
    struct vn_image image;
    struct compile_options o;
    vn_compile_defaults(&o);
    TRY(vn_onnx_read(&g, a, model, NULL, e));
    TRY(vn_passes_prepare(g, e));
    TRY(vn_compile(&image, a, g, &o, e));
    return vn_file_write(program, image.data, image.bytes, e);
}

int main(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        struct vn_arena *a = vn_arena_new();
        struct vn_err e = { 0 };
        if (compile(a, argv[i], argv[i + 1], &e) < 0) {
            fprintf(stderr, "%s\n", e.msg);
            return 1;
        }
        vn_arena_free(&a);
    }
    return 0;
}
