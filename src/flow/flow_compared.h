/* flow/flow_compared.h - what steps read from a comparison: inside flow/ only. */
#ifndef VN_FLOW_COMPARED_H
#define VN_FLOW_COMPARED_H

#include "flow/flow_job.h"

/* Of the outputs (all: of all tensors), in the order of the run: the first below `least`; NULL: none. */
const struct vn_compared *vn_first_below(const struct vn_comparison *c, enum vn_compare_metric m,
                                         double least, int all);
/* The output, or what integer outputs are judged by, with the least SQNR; NULL: there is none. */
const struct vn_compared *vn_worst_output(const struct vn_comparison *c);
/* all: of all tensors. */
const struct vn_compared *vn_worst_of(const struct vn_comparison *c, int all);
/* Its numbers as text; NULL: says that nothing was compared. */
const char *vn_compared_text(struct vn_arena *a, const struct vn_compared *r);
/* The node that makes a tensor of this ONNX file; the tensor's name where there is none. */
const char *vn_flow_node_of(struct flow_job *j, const char *onnx, const char *tensor);

#endif
