/* tests/op/onnxrun.c - run an ONNX file in the reference executor. For backend.py.
 *
 *     onnxrun MODEL OUTDIR INPUT...
 *
 * INPUT: one file per graph input with its elements as they are; OUTDIR/N.raw gets output N; stdout one line
 * per output: element type and shape.
 */
#include <stdio.h>

#include "front/onnx/onnx.h"
#include "interp/interp.h"
#include "ops/op.h"
#include "passes/pass.h"
#include "toolmain.h"

static int read_raw(struct vn_tensor *t, const char *path, struct vn_err *e)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return vn_fail(e, VN_E_IO, "%s: cannot open", path);
    size_t want = vn_tensor_bytes(t), got = fread(t->data, 1, want, f);
    int more = fgetc(f) != EOF;
    fclose(f);
    return got != want || more ? vn_fail(e, VN_E_INPUT, "%s: wants %zu bytes", path, want) : VN_OK;
}

static int write_raw(const struct vn_tensor *t, const char *path, struct vn_err *e)
{
    FILE *f = fopen(path, "wb");
    if (!f)
        return vn_fail(e, VN_E_IO, "%s: cannot open", path);
    size_t bytes = vn_tensor_bytes(t), put = fwrite(t->data, 1, bytes, f);
    return fclose(f) || put != bytes ? vn_fail(e, VN_E_IO, "%s: cannot write", path) : VN_OK;
}

static int run(struct vn_arena *a, int argc, char **argv, struct vn_err *e)
{
    struct graph *g;
    const int n_in = argc - 3;
    if (n_in < 0)
        return vn_fail(e, VN_E_USAGE, "onnxrun MODEL OUTDIR INPUT...");
    TRY(vn_onnx_read(&g, a, argv[1], NULL, e));
    TRY(vn_passes_prepare(g, e));
    if (g->inputs.n != n_in)
        return vn_fail(e, VN_E_USAGE, "expected %d inputs, got %d", g->inputs.n, n_in);
    struct vn_tensor **in = NEW_ARRAY(a, struct vn_tensor *, n_in);
    struct vn_tensor **out = NEW_ARRAY(a, struct vn_tensor *, g->outputs.n);
    for (int i = 0; i < n_in; i++) {
        in[i] = vn_tensor_new(a, g->inputs.v[i]->dtype, &g->inputs.v[i]->shape);
        TRY(read_raw(in[i], argv[3 + i], e));
    }
    TRY(vn_interp_run(a, g, (const struct vn_tensor *const *)in, out, NULL, e));
    for (int i = 0; i < g->outputs.n; i++) {
        char shape[VN_SHAPE_TEXT];
        TRY(write_raw(out[i], vn_arena_fmt(a, "%s/%d.raw", argv[2], i), e));
        printf("%s %s\n", vn_dtype_name(out[i]->dtype), vn_shape_text(&out[i]->shape, shape));
    }
    return VN_OK;
}

int main(int argc, char **argv) { return tool_run(run, argc, argv); }
