/* flow/diagnosis.h - rules of a diagnosis: inside flow/ only. */
#ifndef VN_DIAGNOSIS_H
#define VN_DIAGNOSIS_H

#include "flow/flow_job.h"
#include "flow/symptoms.h"

#define MOST_PROPOSALS 5
#define EVERY_NODE_INT16 "set_all_nodes_int16"

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
    VEC(struct repair) repairs;
};

struct cause_rule {
    const char *failure; /* the cause with which a step fails */
    const char *cause; /* the same, named more closely */
    enum symptom symptom; /* NOTHING: holds where no other rule does */
    double least; /* of the symptom's size, exclusive */
    int alone; /* 1: it follows from the others, and says something only where none of them holds */
    const char *(*say)(const struct seen *s, struct vn_arena *a);
    /* The cheapest first: "KEY=VALUE;KEY=VALUE"; "+WORD": more of optimization, %s the symptom's `other`;
     * "@NAME": what proposals.c makes of it */
    const char *proposals[MOST_PROPOSALS];
    const char *looks_at; /* for docs */
};
extern const struct cause_rule vn_flow_rules[];
extern const int vn_flow_rules_count;

/* meant.c: what misspelt keys, words and paths of the configuration mean: at most MOST_SETS "KEY=VALUE". */
int vn_flow_meant(const char **set, const struct flow_job *j);

/* Append what the rule proposes to d->repairs. */
void vn_flow_propose(struct diagnosis *d, const struct cause_rule *r, const struct seen *s);

#endif
