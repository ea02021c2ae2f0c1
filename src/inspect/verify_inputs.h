/* inspect/verify_inputs.h - what is verified: sessions, and samples of files or random numbers. */
#ifndef VN_INSPECT_VERIFY_INPUTS_H
#define VN_INSPECT_VERIFY_INPUTS_H

#include <vernier/verify.h>

#include "session/session.h"

/* Open a file with the options of a verification. inspect: on the reference executor, not compiled. marks:
 * which of o->inputs are used (vn_session_options). */
int vn_verify_open(struct vn_session **s, const char *path, int inspect, const struct vn_verify_options *o,
                   unsigned char *marks, struct vn_err *e);

/* vn_verify of open sessions: the ONNX file's on the reference executor. */
int vn_verify_sessions(struct vn_verification **out, struct vn_session *onnx, struct vn_session *bin,
                       const struct vn_verify_options *o, struct vn_err *e);

struct verify_inputs {
    int n; /* inputs of the network */
    const char ***files; /* by input and sample; NULL: random numbers */
    int samples;
    const struct vn_region **regions; /* by input: the region of its images; NULL: none has one */
    int random_regions; /* inputs of resizers get regions of random images */
};

/* For a network with the inputs of `s`. Errors: VN_E_USAGE (no samples, an input without files, unequal
 * numbers of files), VN_E_INPUT (an empty folder), VN_E_IO. */
int vn_verify_inputs(struct verify_inputs *in, struct vn_arena *a, const struct vn_session *s,
                     const struct vn_verify_options *o, struct vn_err *e);

int vn_verify_feed(struct vn_session *s, const struct verify_inputs *in, int sample, struct vn_err *e);

/* What `from` was fed with, as the network's tensors. */
int vn_verify_feed_same(struct vn_session *s, const struct vn_session *from, struct vn_err *e);

/* Do both have the same inputs and outputs? VN_E_INPUT: not. */
int vn_verify_same_network(const struct vn_session *a, const struct vn_session *b, struct vn_err *e);

#endif
