/* tests/oracle/passtool.c - what the passes make of a model. For test_patterns.py.
 *
 *     passtool MODEL ORIGINAL OPTIMIZED
 *
 * writes both stages as ONNX; stdout has a line for each pass that changed something: its name and how often,
 * and one for each tensor that was removed: "folded TENSOR NODE".
 */
#include <stdio.h>

#include "front/onnx/onnx.h"
#include "passes/pass.h"
#include "toolmain.h"

static int run(struct vn_arena *a, int argc, char **argv, struct vn_err *e)
{
    if (argc != 4)
        return vn_fail(e, VN_E_USAGE, "passtool MODEL ORIGINAL OPTIMIZED");
    struct graph *g;
    struct pass_report *report = NEW_ARRAY(a, struct pass_report, vn_passes_count);
    TRY(vn_onnx_read(&g, a, argv[1], NULL, e));
    TRY(vn_passes_prepare(g, e));
    TRY(vn_onnx_write(g, argv[2], NULL, e));
    TRY(vn_passes_optimize(g, report, e));
    TRY(vn_onnx_write(g, argv[3], NULL, e));
    for (int i = 0; i < vn_passes_count; i++)
        if (report[i].changes)
            printf("%s %d\n", report[i].name, report[i].changes);
    for (int i = 0; i < g->folded.n; i++)
        printf("folded %s %s\n", g->folded.v[i].tensor, g->folded.v[i].into ? g->folded.v[i].into : "-");
    return VN_OK;
}

int main(int argc, char **argv) { return tool_run(run, argc, argv); }
