/* flow/diagnosis.h - rules of a diagnosis: inside flow/ only. */
#ifndef VN_DIAGNOSIS_H
#define VN_DIAGNOSIS_H

#include "flow/flow_job.h"
#include "flow/symptoms.h"

#define MOST_SETS 8

struct repair {
    const char *set[MOST_SETS];
    int n;
    struct flow_trial t;
};

struct diagnosis {
    struct flow_job *j;
    struct vn_flow_step *step;
    const char *failure; /* the cause with which the step fails */
    struct symptoms seen; /* quantization only */
    struct flow_trial now;
    const char *evidence, *node; /* of the rule that was asked last */
    VEC(struct repair) repairs;
};

struct rule {
    const char *failure; /* the cause with which a step fails */
    const char *cause; /* the same, named more closely */
    int (*holds)(struct diagnosis *d); /* NULL: where no other one does; sets the evidence */
    void (*propose)(struct diagnosis *d); /* repairs, the cheapest first */
    const char *looks_at; /* for docs */
};
extern const struct rule vn_flow_rules[];
extern const int vn_flow_rules_count;

#endif
