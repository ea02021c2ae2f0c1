/* flow/jitter.h - outputs of the quantized network that tremble from frame to frame: inside flow/ only. */
#ifndef VN_JITTER_H
#define VN_JITTER_H

#include "flow/flow_job.h"

/* Compare both networks on the ordered frames of o->frames, at least three. */
int vn_flow_jitter(struct flow_jitter *r, struct flow_job *j, struct vn_err *e);

#endif
