/* What to do about a problem. The first line whose words are in the text counts. */
#include <string.h>

#include "report/report.h"

static const struct line {
    const char *words, *remedy;
} cures[] = {
    /* why a model cannot be used */
    { "has a dynamic dimension", "--input-shape NAME 1x3x224x224 (in a configuration: input_shape)" },
    { "has no shape", "--input-shape NAME 1x3x224x224 (in a configuration: input_shape)" },
    { "(too old)", "onnx.version_converter.convert_version(model, 21), or export again with a newer opset_version" },
    { "(too new)", "export with an opset_version in that range, or onnx.version_converter.convert_version(model, 21)" },
    { "does not say which ONNX operator set", "add one: onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid('', 21)])" },
    { "is not supported", "replace it in the network, cut the network in front of it, or make it a model-local function; docs/operators.md has the list" },
    { "computed at run time", "export with constants folded and fixed input shapes; onnxsim does it for finished files" },
    { "nothing to quantize", "this network gains nothing from integers: run it in float32 with vernier run" },
    { "number of elements differs", "is the input's shape the one that the network was exported for?" },
    { "broadcast", "is the input's shape the one that the network was exported for?" },
    { "rows", "is the input's shape the one that the network was exported for?" },
    { "channels", "is the input's shape the one that the network was exported for?" },
};

static const char *find(const struct line *l, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++)
        if (strstr(text, l[i].words))
            return l[i].remedy;
    return NULL;
}

const char *vn_cure(const char *problem) { return find(cures, sizeof cures / sizeof *cures, problem); }
