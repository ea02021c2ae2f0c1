/* vernier/align.h - compare two preprocessing programs stage by stage, and explain differences.
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

/* The kinds of sides. Except with VN_ALIGN_TRACES, the left side is run by Vernier. */
enum vn_align_sides {
    VN_ALIGN_TRACES, /* left, right: two traces, or two files of COCO results (.json) */
    VN_ALIGN_PIPELINE, /* left: a pipeline (YAML file, or steps as text) on `images`; right: a trace */
    VN_ALIGN_CONFIG, /* left: a conversion's configuration: its normalized calibration data for images[0];
                      * right: .npy, the training program's network input for this image */
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
    const char *const *raw; /* or without STAGE= for all others; dumps without shape and type are skipped */
    double tolerance; /* floats are equal within this fraction of the largest value, 0 <= x < 1;
                       * below 0: 1e-5, for "infer" 1e-3, for COCO results 1e-9 */
    int explain; /* 1: search why the stages differ */
    const char *differences; /* folder for STAGE.png of each unaligned stage: left, right, difference; NULL */
    struct vn_options run; /* threads and CPU features for the model; for image functions the features apply
                            * from then on in the whole process. Results do not depend on them */
};
/* Two traces, default tolerances, explained, one thread, every CPU feature. */
void vn_align_options_default(struct vn_align_options *o);

struct vn_align_cause {
    const char *cause, *setting; /* "interpolation"; the pipeline step and parameter that sets it */
    const char *side[2]; /* the rule of the left and of the right side */
};

/* Why a stage differs. */
struct vn_align_why {
    int found; /* 0: unexplained; then facts say where and how the arrays differ */
    const struct vn_align_cause *causes;
    int n_causes;
    const char *const *facts;
    int n_facts;
    const char *steps[2]; /* both sides as steps of a pipeline, from the stage's input; NULL: unknown */
    double residual; /* largest remaining difference with these rules, over all images */
    int tried; /* rules */
    int checked, refuted; /* images not used in the search: explained, not explained */
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

/* The class with the highest score, if the stage "infer" has class scores. */
struct vn_align_winner {
    const char *image; /* its folder in the left trace */
    int class_id[2];
    double score[2];
};

struct vn_align_summary {
    const char *path[2]; /* of both sides */
    int samples; /* images that both sides have */
    int left_out[2]; /* images that only one side has */
    int unaligned; /* stages in VN_STAGE_UNALIGNED */
    int other_winners; /* images whose classes differ */
    int change; /* the side to change to match the other: 0: left (ours); 1: right (of two traces) */
};

struct vn_alignment; /* opaque */

/* Compare, and explain. On success *r is the result, to be freed with vn_alignment_free; on failure NULL.
 * Errors, with file and reason in e->msg: VN_E_USAGE (contradicting options, wrong number of images),
 * VN_E_INPUT (a damaged file, an invalid pipeline, no common image or stage),
 * VN_E_UNSUPPORTED, VN_E_IO, VN_E_NOMEM. */
int vn_align(struct vn_alignment **r, const struct vn_align_options *o, struct vn_err *e);
/* Sets *r to NULL; NULL is allowed. */
void vn_alignment_free(struct vn_alignment **r);

const struct vn_align_summary *vn_alignment_summary(const struct vn_alignment *r);
/* n stages in the order of the left side, then those that one side does not have. */
const struct vn_align_stage *vn_alignment_stages(const struct vn_alignment *r, int *n);
/* One for each image, n = samples; NULL and 0 if there are no scores. */
const struct vn_align_winner *vn_alignment_winners(const struct vn_alignment *r, int *n);

/* Known cause i of differences, counted from 0: its name, the stages where it occurs, and the pipeline
 * setting for it; constant strings. Returns 0 after the last one. */
int vn_align_known_cause(int i, const char **name, const char **seen_in, const char **setting);

/* ---- one program ---- */

struct vn_described_stage {
    const char *name, *steps; /* steps from the previous stage; "": none; NULL: unknown */
};

struct vn_description; /* opaque */

/* Describe one program by its trace. images: n image files, as many as the trace has, or 0. Errors: as
 * vn_align. */
int vn_describe(struct vn_description **d, const char *trace, const char *const *images, int n,
                struct vn_err *e);
void vn_description_free(struct vn_description **d);
const struct vn_described_stage *vn_description_stages(const struct vn_description *d, int *n);
/* All stages as one pipeline; NULL: one of them is unknown. */
const char *vn_description_pipeline(const struct vn_description *d);

#ifdef __cplusplus
}
#endif
#endif
