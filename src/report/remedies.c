/* What to do about a reason or a problem. The first line whose words are in the text counts. */
#include <string.h>

#include "report/report.h"

static const struct line {
    const char *words, *remedy;
} remedies[] = {
    /* why a node stays in float */
    { "its result leaves the network", "'optimization: set_model_output_int8' (or _int16) quantizes the results, too" },
    { "no neighbour computes in integers", "nothing: going to integers and back would cost more than it saves" },
    { "the configuration runs it on the CPU", "take its 'ON': 'CPU' out of node_info, or its name out of run_on_cpu" },
    { " in float", "choose another march: this one leaves the operator to its CPU" },
    { "has no integer form with these attributes", "docs/operators.md says which forms have one; change the attribute or the shape in the network" },
    { "has no integer form", "nothing where it is small; else replace it in the network by operators that docs/operators.md has in integers" },
    { "has no integer ", "choose another march, or replace the operator in the network" },
    { "in int16 only", "node_info with 'InputType': 'int16' and 'OutputType': 'int16'" },
    { "limits ", "change the layer so that it fits, or choose another march" },
    { "no range was seen", "calibrate with samples that reach it" },
    { "a constant second operand must have 2 axes", "export the constant as a matrix" },
    { "alpha, beta or transA", "export it with alpha 1, beta 1 and transA 0" },
    { "third operand is no constant vector", "export its bias as one number per column" },
    { "is computed at run time", "export with constants folded, and in evaluation mode" },
    { "has more than one output", "export it so that only the first output is read" },
}, cures[] = {
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

const char *vn_remedy(const char *why_float) { return find(remedies, sizeof remedies / sizeof *remedies, why_float); }
const char *vn_cure(const char *problem) { return find(cures, sizeof cures / sizeof *cures, problem); }
