/* inspect/judge.h - a program runs, and each of its tensors is judged from what the program read. */
#ifndef VN_INSPECT_JUDGE_H
#define VN_INSPECT_JUDGE_H

#include <vernier/verify.h>

#include "inspect/program.h"

struct judge;

struct judgement {
    VEC(struct vn_verified) rows;
    VEC(struct vn_fault) faults;
    int constants; /* compared */
};

/* `digits`: vn_verify_options. Results and the judge itself live in `a`. What can be judged without running
 * is judged here. Errors: those of lowering the graph. */
int vn_judge_new(struct judge **out, struct vn_arena *a, struct vn_session *bin, const struct graph *g,
                 int digits, struct vn_err *e);

/* Run the session on what it was fed, and judge. reference: by value id, cells of a run of the reference
 * executor on the same inputs; NULL: not there. Errors: those of running. */
int vn_judge_run(struct judge *j, int sample, const struct vn_tensor *const *reference, struct vn_err *e);

/* What a resizer has made for input i of the program (`got`, the network's tensor) against what the reference
 * executor makes of the same regions. */
void vn_judge_resizer(struct judge *j, int i, int sample, const struct vn_tensor *got,
                      const struct vn_tensor *want);

const struct judgement *vn_judge_result(const struct judge *j);
const struct program *vn_judge_program(const struct judge *j);

#endif
