/* inspect/static_checks.h - what can be said of a program without running it: its constants, the parameters
 * of its tensors, its outputs. */
#ifndef VN_INSPECT_STATIC_CHECKS_H
#define VN_INSPECT_STATIC_CHECKS_H

#include "inspect/judge.h"

struct vn_fault vn_fault_of(struct vn_arena *a, const struct program *p, enum vn_fault_kind kind, int tensor);

/* Type, scale and zero point of every tensor against those of the value, as its role has them. */
void vn_check_parameters(struct judgement *j, struct vn_arena *a, const struct program *p);

/* Do the program's outputs carry the graph's, in their order? */
void vn_check_outputs(struct judgement *j, struct vn_arena *a, const struct program *p);

/* Each constant that an instruction reads, byte by byte against what lowering the graph anew gives: packed
 * weights, biases, multipliers, tables, indices. Errors: those of lowering. */
int vn_check_constants(struct judgement *j, struct vn_arena *a, const struct program *p, struct vn_err *e);

#endif
