/* onnxbin: compile ONNX files as they are, without calibration, for the corpus of fuzz/bin.c: onnxbin
 * MODEL.onnx PROGRAM.bin ... */
#include "base/file.h"
#include "compile/compile.h"
#include "front/onnx/onnx.h"
#include "passes/pass.h"
#include "toolmain.h"

static int compile(struct vn_arena *a, int argc, char **argv, struct vn_err *e)
{
    (void)argc;
    struct graph *g;
    struct vn_image image;
    struct compile_options o;
    vn_compile_defaults(&o);
    TRY(vn_onnx_read(&g, a, argv[0], NULL, e));
    TRY(vn_passes_prepare(g, e));
    TRY(vn_compile(&image, a, g, &o, e));
    return vn_file_write(argv[1], image.data, image.bytes, e);
}

int main(int argc, char **argv)
{
    int status = 0;
    for (int i = 1; i + 1 < argc && !status; i += 2)
        status = tool_run(compile, 2, argv + i);
    return status;
}
