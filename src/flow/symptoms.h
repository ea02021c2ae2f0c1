/* flow/symptoms.h - what calibration samples do to the ranges of the quantized network. */
#ifndef VN_SYMPTOMS_H
#define VN_SYMPTOMS_H

#include "flow/flow_job.h"

struct symptoms {
    double clipped; /* largest share of a tensor's elements beyond its range */
    const char *clipped_tensor;
    double dominant; /* how much larger a tensor is in one sample than in the middle one */
    const char *dominant_tensor, *dominant_sample;
    double outlier; /* how much larger the largest channel of a tensor is than the middle one */
    const char *outlier_tensor, *outlier_node;
    int outlier_channel;
};
int vn_flow_symptoms(struct symptoms *s, struct flow_job *j, struct vn_err *e);

#endif
