/* convert/held_samples.h - what a method does to samples from which its ranges were not collected. */
#ifndef VN_HELD_SAMPLES_H
#define VN_HELD_SAMPLES_H

#include "convert/conversion.h"

/* A float output, or the last float values in front of one that is not. */
struct judged_value {
    const char *name;
    int axis; /* of decisions: the largest element along it; below 0: it decides nothing */
    struct mask mask;
    double signal; /* sum of squares, the mean of all held samples */
};

struct held_sample {
    int index, fold; /* of the calibration samples */
    float **x; /* the network's inputs */
    float **y; /* by judged value, of the float network, in C order */
    int64_t *elements; /* by judged value */
};

/* In an order that depends on what the samples hold, not on their names. */
struct held_samples {
    int n, folds, judges;
    struct held_sample *of;
    struct judged_value *judge;
};

/* Which samples are in which fold: by sample, in the conversion's arena. */
int vn_held_folds(struct vn_conversion *c, struct vn_err *e);
/* Runs the float network on at most as many of them as are worth their time and memory. */
int vn_held_samples(struct held_samples **out, struct vn_arena *a, const struct vn_conversion *c,
                    struct vn_err *e);

/* enough_samples.c: into the log how ranges of a part of the samples differ, and whether more are needed. */
int vn_convert_judge_samples(const struct vn_conversion *c, struct held_samples *held, struct vn_err *e);

/* Of one sample, over all that is judged. */
struct held_score {
    double sqnr; /* dB: 1 / the mean of the judged values' noise / signal */
    double each; /* dB: the mean of theirs, so that the worst does not outweigh the others */
    double agreement; /* share of decisions that are those of float; 1: there are none */
};
/* of: by held sample; only those of the fold are set. */
int vn_held_score(struct held_score *of, struct held_samples *h, const struct graph *quantized, int fold,
                  const struct vn_options *run, struct vn_err *e);

#endif
