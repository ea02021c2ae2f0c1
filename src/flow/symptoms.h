/* flow/symptoms.h - what is seen in a quantized network on samples: each symptom where it is largest. */
#ifndef VN_SYMPTOMS_H
#define VN_SYMPTOMS_H

#include "flow/flow_job.h"

enum symptom {
    SEEN_NOTHING = 0,
    SEEN_ARITHMETIC, /* 1: the program's integers are wrong; tensor: how; other: the command that shows it */
    SEEN_UNDECIDED, /* entropy of float's choices, relative to another normalization; other: which */
    SEEN_CLIPPED, /* share of a tensor's elements beyond its range */
    SEEN_ODD_SAMPLES, /* the same; other: the samples that have most of them */
    SEEN_DOMINANT, /* how much larger a tensor is in one sample than in the middle one; other: the sample */
    SEEN_MASK, /* a tensor's range by the largest element that no mask has moved away */
    SEEN_CONFLICT, /* range of a result by that of the smallest input that shares it; other: the input */
    SEEN_OUTLIER, /* how much larger a channel is than the middle one; other: the channel */
    SEEN_FULL_BIAS, /* bits that weights lose to a bias that fills its integer; other: the channel */
    SEEN_FUNCTION, /* share of own rounding in the error of what a function reads; other: its kind */
    SEEN_SHIFT, /* share of shifted means in an output's error */
    SEEN_CEILING, /* what is missing to a cosine of 1 with every node in int16 */
    SEEN_ELSEWHERE, /* never here: the step itself finds it */
    SYMPTOMS
};

struct seen {
    double size;
    const char *tensor, *node, *other;
};

struct symptoms {
    struct seen of[SYMPTOMS];
};

/* closer: 1: also arithmetic, which takes longer to see. */
int vn_flow_symptoms(struct symptoms *s, struct flow_job *j, int closer, struct vn_err *e);
/* error_parts.c: add FUNCTION and SHIFT. */
int vn_flow_error_parts(struct symptoms *s, struct flow_job *j, struct vn_err *e);
/* normalization.c: add UNDECIDED, and set j->setting. */
int vn_flow_look_at_normalization(struct symptoms *s, struct flow_job *j, struct vn_err *e);
/* Keep what is larger. */
void vn_symptom_see(struct symptoms *s, enum symptom which, struct seen seen);

#endif
