/* opslist: print every operator, one a line, for tools/operators_docs.py: ONNX name, domain, how the
 * reference and programs have it, and its integer form. */
#include <stdio.h>

#include "ops/op.h"

static const char *integer_form(const struct op_def *op)
{
    static const char *const forms[] = {
        [Q_FLOAT] = "", [Q_LINEAR] = "sums", [Q_MOVE] = "moves", [Q_TABLE] = "table", [Q_OWN] = "own"
    };
    return forms[op->quant.kind];
}

int main(void)
{
    for (int i = 0; i < vn_ops_count; i++) {
        const struct op_def *op = vn_ops[i];
        printf("%s\t%s\t%s\t%s\t%s\n", op->onnx, op->domain ? op->domain : "", op->name,
               op->expand        ? "composite"
               : op->reads_shape ? "constant"
                                 : "kernel",
               integer_form(op));
    }
    return 0;
}
