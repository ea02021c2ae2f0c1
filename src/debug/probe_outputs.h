/* debug/probe_outputs.h - the outputs that are judged, as numbers. */
#ifndef VN_PROBE_OUTPUTS_H
#define VN_PROBE_OUTPUTS_H

#include "debug/distance.h"
#include "debug/probe.h"

struct judged_outputs {
    int n;
    int *index; /* of each: in the session */
    int axis; /* of decisions; -1: the network says it */
};
/* names NULL: all that are float, in which integers have their judges. VN_E_USAGE: no such output. */
int vn_judged_outputs(struct judged_outputs *o, struct vn_arena *a, const struct probe *p,
                      const char *const *names, int n, int axis, struct vn_err *e);

/* Numbers of an output in C order. */
struct output_numbers {
    float *x;
    int64_t n, room;
    int64_t classes, step; /* of decisions */
};
int vn_output_numbers(struct output_numbers *out, struct vn_arena *a, const struct vn_session *s, int output,
                      int axis, struct vn_err *e);

#endif
