/* convert/method_choice.h - which of several methods, from scores of the same samples. */
#ifndef VN_METHOD_CHOICE_H
#define VN_METHOD_CHOICE_H

#include "convert/held_samples.h"

/* The method, and its score of each held sample; done[i] 0: not of sample i. */
struct method_trial {
    struct vn_quant_method method;
    struct held_score *score;
    char *done;
    int dropped; /* worse than another by far more than the spread: not all samples were run */
};

/* Means over the samples that were run, and the worst of them. */
struct trial_summary {
    int samples;
    double sqnr, worst, agreement;
};
struct trial_summary vn_trial_summary(const struct method_trial *t, int samples);

/* A table of them, with a mark at the chosen one, in the log (method_search.c). */
void vn_convert_print_trials(const struct vn_conversion *c, const struct method_trial *t, int n, int samples,
                             int chosen);

/* Drop what is worse than another by so much that more samples cannot matter. */
void vn_trials_drop(struct method_trial *t, int n, int samples);
/* The best of those that are not dropped. None that another beats by more than the spread of paired
 * differences (two standard errors) in agreement is chosen, of the rest none that another beats so in SQNR,
 * and of the rest none whose worst sample is worse by more than single differences spread. Among those that
 * are left, SQNR and agreement count in units of their spread; of equals the earlier one. */
int vn_trials_choose(const struct method_trial *t, int n, int samples);
/* Is a better than b: in SQNR by more than the spread, also in the mean over outputs, and no worse in
 * agreement? */
int vn_trial_helps(const struct method_trial *a, const struct method_trial *b, int samples);

#endif
