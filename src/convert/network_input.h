/* convert/network_input.h - what judges the normalization of an image input: network_input.c from the first
 * layers, network_output.c from the outputs; both try the usual ones (usual_norms.c). */
#ifndef VN_CONVERT_NETWORK_INPUT_H
#define VN_CONVERT_NETWORK_INPUT_H

#include "convert/stages.h"

#define JUDGED_SAMPLES 3

/* What the network could have been trained with; n 0: nothing. */
struct norm {
    const char *text;
    int n;
    double mean[3], scale[3];
};
extern const struct norm vn_usual_norms[];
extern const int vn_usual_norms_count;
/* What the configuration says; its text is the type's word. Three channels are filled for any n. */
struct norm vn_norm_given(const struct input_config *in);

struct judge_input {
    struct vn_conversion *c;
    const struct input_config *in;
    int input;
    const struct value *start; /* what the network reads: behind the preprocess node */
};

/* The i-th of the samples that are judged, and how many these are. */
int vn_judged_sample(const struct judge_input *j, int i);
int vn_judged_samples(const struct judge_input *j);

enum norm_type vn_norm_type(const struct norm *m);
/* It as keys: "norm_type=...;mean_value=...;scale_value=...". */
const char *vn_norm_setting(const struct norm *m, struct vn_arena *a);

/* 1: it does not fit the input's colours. */
int vn_norm_is_other(const struct judge_input *j, const struct norm *m);

/* Pixels in the training colours, normalised, as the network's tensor of float64. */
int vn_network_tensor(struct vn_tensor **out, const struct judge_input *j, int sample, const struct norm *m,
                      struct vn_arena *a, struct vn_err *e);

/* network_output.c: the warning where the outputs contradict the normalization; NULL: they do not. In the
 * conversion's arena. */
int vn_judge_outputs(const char **text, const struct judge_input *j, const struct norm *given,
                     struct vn_err *e);

#endif
