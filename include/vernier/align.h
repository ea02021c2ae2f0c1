/* vernier/align.h - two preprocessing programs, stage by stage: where they part, and why.
 *
 * NOT STABLE: names and fields may change in any release.
 *
 * A trace is what one program computed: a folder with one NAME.npy for each stage and order.txt, a folder
 * of such folders for several images, an .npz file, or one array (docs/alignment.md). Results live in opaque
 * handles; strings and arrays in them are borrowed. */
#ifndef VERNIER_ALIGN_H
#define VERNIER_ALIGN_H

#include <vernier/listener.h>
#include <vernier/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the left side is; ours, but for VN_ALIGN_TRACES. */
enum vn_align_sides {
    VN_ALIGN_TRACES, /* left, right: two traces, or two files of COCO results (.json) */
    VN_ALIGN_PIPELINE, /* left: a pipeline (YAML file, or steps as text) on `images`; right: a trace */
    VN_ALIGN_CONFIG, /* left: a conversion's configuration, its calibration data for images[0] normalised;
                      * right: .npy, what the training program fed its network with for this image */
};

struct vn_align_options {
    enum vn_align_sides sides;
    const char *left, *right;
    const char *model; /* PIPELINE: an .onnx with one float input to run on the result, or NULL: its first
                        * output is the stage "infer", the others those of their names. CONFIG: required */
    struct vn_input_settings inputs; /* of the model of PIPELINE */
    const char *const *images; /* image files, in the order of the trace's folders */
    int n_images; /* PIPELINE: as many as the trace has. TRACES: as many, or 0: files are not decoded */
    int n_raw; /* raw dumps (.bin, .dat, .bmrt) in traces: "STAGE=1x3x224x224:float32" each, */
    const char *const *raw; /* or without STAGE= for all others; dumps without a form are left out */
    double tolerance; /* floats are equal within this fraction of the largest value, 0 <= x < 1;
                       * below 0: 1e-5, for "infer" 1e-3, for COCO results 1e-9 */
    int explain; /* 1: search why the stages differ */
    const char *differences; /* folder for STAGE.png of each unaligned stage: left, right, difference; NULL */
    struct vn_options run; /* threads and CPU features for the model; the features hold for image functions,
                            * from then on in the whole process. They change no result */
};
/* Two traces, default tolerances, explained, one thread, every CPU feature. */
void vn_align_options_default(struct vn_align_options *o);

struct vn_align_cause {
    const char *cause, *setting; /* "interpolation"; the step and parameter of a pipeline that says it */
    const char *side[2]; /* what the left and the right do */
};

/* Why a stage differs. */
struct vn_align_why {
    int found; /* 0: unexplained; then facts say where and how the arrays differ */
    const struct vn_align_cause *causes;
    int n_causes;
    const char *const *facts;
    int n_facts;
    const char *steps[2]; /* both sides as steps of a pipeline, from the stage's input; NULL: not known */
    double residual; /* largest difference that the rules leave, over all images */
    int tried; /* rules */
    int checked, refuted; /* images that the search had not seen: explained, not explained */
    double seconds; /* of the search */
};

enum vn_align_state {
    VN_STAGE_ALIGNED,
    VN_STAGE_UNALIGNED, /* this stage adds a difference */
    VN_STAGE_FOLLOWS, /* it differs because an earlier one does */
    VN_STAGE_MISSING /* one side has no such stage */
};

struct vn_align_stage {
    const char *name;
    enum vn_align_state state;
    const char *from; /* FOLLOWS: that stage */
    const char *missing_in; /* MISSING: that side's path */
    const char *shape[2], *dtype[2]; /* "1x3x224x224", "float32"; of the first image; NULL: MISSING */
    int same_shape;
    double max, share; /* largest |left - right|; share of the elements that differ, 0..1 */
    int64_t first; /* flat index of the first one; -1: none, or shapes differ */
    int sample; /* its image, counted from 0 */
    const char *place; /* "P.yaml:3", the left pipeline's step; NULL: not from a file */
    const struct vn_align_why *why; /* NULL: not searched */
};

/* The class that wins, where the stage "infer" has scores of classes. */
struct vn_align_winner {
    const char *image; /* its folder in the left trace */
    int class_id[2];
    double score[2];
};

struct vn_align_summary {
    const char *path[2]; /* of both sides */
    int samples; /* images that both have */
    int left_out[2]; /* that only one has */
    int unaligned; /* stages in VN_STAGE_UNALIGNED */
    int other_winners; /* images whose classes differ */
    int change; /* the side that is to become as the other: 0 ours, on the left; 1 of two traces the right */
};

struct vn_alignment; /* opaque */

/* Compare, and explain. On success *r is the result, to be freed with vn_alignment_free; on failure NULL.
 * Errors, with file and reason in e->msg: VN_E_USAGE (options that do not fit together, another number of
 * images), VN_E_INPUT (a damaged file, a pipeline that is wrong, no image or stage in common),
 * VN_E_UNSUPPORTED, VN_E_IO, VN_E_NOMEM. */
int vn_align(struct vn_alignment **r, const struct vn_align_options *o, struct vn_err *e);
/* Sets *r to NULL; NULL is allowed. */
void vn_alignment_free(struct vn_alignment **r);

const struct vn_align_summary *vn_alignment_summary(const struct vn_alignment *r);
/* n stages in the order of the left side, then those that one side misses. */
const struct vn_align_stage *vn_alignment_stages(const struct vn_alignment *r, int *n);
/* One for each image, n = samples; NULL and 0 where there are no scores. */
const struct vn_align_winner *vn_alignment_winners(const struct vn_alignment *r, int *n);

/* What tells sides apart. Cause i, counted from 0: its name, the stages where it is seen, and the setting
 * of a pipeline that says it; constant strings. Returns 0 where there are no more. */
int vn_align_known_cause(int i, const char **name, const char **seen_in, const char **setting);

/* ---- one program ---- */

struct vn_described_stage {
    const char *name, *steps; /* steps from the stage before; "" nothing; NULL: not known */
};

struct vn_description; /* opaque */

/* What one program does, from its trace. images: its files, n of them, as many as the trace has, or 0.
 * Errors as of vn_align. */
int vn_describe(struct vn_description **d, const char *trace, const char *const *images, int n,
                struct vn_err *e);
void vn_description_free(struct vn_description **d);
const struct vn_described_stage *vn_description_stages(const struct vn_description *d, int *n);
/* All stages as one pipeline; NULL: one of them is not known. */
const char *vn_description_pipeline(const struct vn_description *d);

#ifdef __cplusplus
}
#endif
#endif
