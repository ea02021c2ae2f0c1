/* align/align.h - two traces of one preprocessing, stage by stage: where they part, and why.
 *
 * A trace is a folder of NAME.npy, one for each stage; order.txt names the stages line by line (without it:
 * by name). A folder of such folders is a trace of several pictures; source.txt in them names the picture's
 * file. An .npz file is a trace, too. python/vernier/trace.py writes them. */
#ifndef VN_ALIGN_H
#define VN_ALIGN_H

#include <vernier/align.h>

#include "align/raw.h"
#include "image/image.h"
#include "tensor/tensor.h"

/* ---- traces ---- */

struct trace_sample {
    const char *name; /* of its folder; "" for the only one */
    const char *source; /* the picture's file; NULL: not known */
    struct vn_tensor **t; /* by stage; NULL: not there */
};
struct trace {
    const char *path;
    int n, samples;
    const char **stage;
    struct trace_sample *sample;
    int capacity;
    int assumed; /* first stages that were not recorded: copies of the other side's, not reported */
};
/* A folder, an .npz, or one array: .npy or a raw dump. `raw`: how raw dumps are to be read. */
int vn_trace_read(struct trace *t, struct vn_arena *a, const char *path, const struct raw_forms *raw,
                  struct vn_err *e);
/* Only the pictures that both have stay, in the left's order; left_out: how many of each went. Errors:
 * VN_E_INPUT where none stays. */
int vn_trace_common(struct trace *left, struct trace *right, struct vn_arena *a, int left_out[2],
                    struct vn_err *e);
/* An .npz file's bytes; `path` is for messages. */
int vn_trace_npz(struct trace *t, struct vn_arena *a, const uint8_t *data, size_t bytes, const char *path,
                 struct vn_err *e);
/* A trace in memory, filled sample by sample. */
void vn_trace_add(struct trace *t, struct vn_arena *a, const char *stage, struct vn_tensor *x);
void vn_trace_begin(struct trace *t, struct vn_arena *a, const char *sample);
int vn_trace_find(const struct trace *t, const char *stage); /* -1: none */

/* Two files of COCO results: the stage `detections`, rows of x, y, w, h, score, category, for each image of
 * either file. */
int vn_trace_of_results(struct trace *left, struct trace *right, struct vn_arena *a, const char *left_path,
                        const char *right_path, struct vn_err *e);

/* A conversion's configuration against one array of the training program: the left trace has the stages of
 * the calibration data and, last, `input`; the right one has `input` from `reference`, and shares the
 * pictures before it. */
int vn_trace_of_config(struct trace *left, struct trace *right, struct vn_arena *a, const char *yaml,
                       const char *model, const char *image, const char *reference, struct vn_err *e);

/* ---- what one side does in a stage (explain.c) ---- */

enum geometry_rule {
    GEO_SAME,
    GEO_EXCHANGED,
    GEO_ORIENTED,
    GEO_CROP,
    GEO_PAD,
    GEO_RESIZE,
    GEO_LETTERBOX,
    GEO_RESIZE_CROP,
    GEO_CROP_RESIZE,
    GEO_SHIFT
};
enum channel_rule { CHAN_SAME, CHAN_ORDER, CHAN_GRAY, CHAN_YUV, CHAN_FROM_YUV, CHAN_THROUGH_YUV };
enum value_rule {
    VALUE_SAME,
    VALUE_AFFINE,
    VALUE_MINUS_128,
    VALUE_WRAP_INT8,
    VALUE_TRUNCATED,
    VALUE_ROUNDED,
    VALUE_WRAP_UINT8,
    VALUE_TO_VIDEO,
    VALUE_TO_FULL,
    VALUE_BYTES,
    VALUE_HEADER
};

/* How a file becomes pixels (decoders.c). */
struct decoder_rule {
    const char *text, *steps; /* for a person, for a pipeline */
    struct vn_decode_options options;
};

/* Boxes, scores and indices: which of the input's rows stay, in which order, and how they are written
 * (lists.c). */
struct list_rule {
    int format; /* of boxes, from the input's to the output's: index of a table; 0: as they are */
    int led; /* enum led: boxes are scaled and moved, each picture in its own way */
    double gain[2], offset[2]; /* of x and y in the first picture */
    int box_digits; /* decimals; LIST_EXACT, LIST_TRUNCATED */
    int score_digits;
    int class_offset; /* added */
    int nms; /* enum nms_rule */
    int per_class; /* boxes of different classes do not suppress each other */
    char iou[100]; /* by hundredths: thresholds with which it holds */
    double above, upto; /* scores above any number in [above, upto) stay */
    int most; /* maximum number; 0: no limit */
    int by_score; /* sorted */
};
enum led { LED_NOT, LED_CORNERS, LED_SIZES }; /* the boxes are x1 y1 x2 y2, or x y w h */
enum { LIST_EXACT = -1, LIST_TRUNCATED = -2 };
const char *vn_list_format_name(int format);

/* Decoder, geometry, then channels, then values, then the layout of the array. */
struct stage_rule {
    const char *taken_from; /* a whole stage of the other name; NULL: not so */
    const struct decoder_rule *decoder; /* the input is a file; NULL: an array */
    int is_list; /* only `list` says something */
    struct list_rule list;
    enum geometry_rule geometry;
    int orientation; /* GEO_ORIENTED */
    int in_w, in_h, w, h; /* of the first sample */
    enum vn_crop_rounding rounding; /* crops: centre by this rounding, then moved by dx, dy */
    int dx, dy; /* GEO_SHIFT, too */
    int absolute; /* GEO_CROP: dx, dy are the corner itself */
    const struct vn_resize_rule *rule; /* GEO_RESIZE, GEO_LETTERBOX */
    int as_float; /* the pixels were float32 before the resize */
    const char *size_rule; /* of the inner picture */
    int number[2],
        numbers; /* GEO_RESIZE, if size_rule is there, GEO_RESIZE_CROP: what was asked of the size rule */
    double
        fraction; /* GEO_CROP_RESIZE: of each side, cropped from the centre; 0: a square of the short side */
    enum vn_pad_position position; /* GEO_PAD, GEO_LETTERBOX */
    double pad[VN_MAX_CHANNELS];
    enum channel_rule channels;
    int order[3]; /* CHAN_ORDER: where each channel comes from */
    enum vn_image_library library; /* CHAN_GRAY */
    int bgr; /* CHAN_GRAY, CHAN_YUV: the input's order */
    struct vn_yuv_format yuv;
    enum vn_yuv_layout yuv_layout;
    int unpacked; /* CHAN_YUV: Y, U, V of each pixel come out of 4:2:0 */
    enum value_rule values;
    double gain[VN_MAX_CHANNELS], offset[VN_MAX_CHANNELS];
    const char *layout, *from_layout; /* "HWC", "NCHW", ...; NULL: of a file */
    const char *dtype, *from_dtype;
    double left; /* largest difference that remains */
    int64_t left_count;
};

struct explanation {
    int found;
    int relation; /* `right` is what turns the left array into the right one; no input was there */
    struct stage_rule left, right;
    VEC(const char *) causes; /* "channel order", "interpolation", ... */
    VEC(const char *) settings; /* for each cause: the step and parameter of a pipeline that says it */
    VEC(const char *) sides[2]; /* for each cause: what the left and the right do */
    const char *steps[2]; /* both sides as steps of a pipeline, from the stage's input; NULL: not known, or
                             not to be said so */
    double residual; /* largest difference that is left, over all samples */
    int checked; /* samples that the search has not seen and that it explains */
    int refuted; /* ... and does not explain */
    int tried; /* rules */
    VEC(const char *) facts; /* of the first sample that differs, where nothing is found */
    double seconds;
};

/* A rule as steps of a pipeline (image/steps.h, the short form); NULL: it cannot be said so. */
const char *vn_rule_steps(struct vn_arena *a, const struct stage_rule *r);

/* ---- comparison ---- */

struct stage_result {
    const char *name;
    enum vn_align_state state;
    const char *from; /* VN_STAGE_FOLLOWS: the stage */
    const char *shape[2], *dtype[2];
    int same_shape;
    double max; /* |d| */
    double share; /* of elements that differ */
    int64_t first; /* flat index of the first difference; -1: none, or shapes differ */
    int sample; /* of `first` */
    const char *missing_in; /* VN_STAGE_MISSING */
    struct explanation *why;
};
struct winners {
    int class[2];
    double score[2];
};
struct alignment {
    int n, samples;
    struct stage_result *stage;
    int unaligned;
    struct winners
        *winners; /* of each sample, by the scores of the stage `infer`; NULL: no scores of classes */
    int other_winners; /* samples whose classes differ */
};
struct align_options {
    double tolerance; /* |d| up to this counts as equal for floats, times the largest value */
    double infer_tolerance; /* for the stage `infer`, if larger */
    int explain;
    int any_input; /* a stage may be made of any stage before it, not only of the last */
};
/* Both have the same samples (vn_trace_common). */
int vn_align_traces(struct alignment **out, struct vn_arena *a, const struct trace *left,
                    const struct trace *right, const struct align_options *o, struct vn_err *e);

/* Why the arrays differ. x: the stage's input on each side, NULL where there is none. n samples; half
 * of them are searched, the others check. */
struct stage_arrays {
    const struct vn_tensor *x[2], *y[2];
    const char
        *source; /* the file that the sample was read from; NULL: not known, or not this stage's input */
    const struct vn_tensor *const *before[2]; /* all stages before it, the last one first; n_before */
    int n_before;
};
void vn_explain_stage(struct explanation *out, struct vn_arena *a, const struct stage_arrays *s, int n);
/* Fills in x->facts: where one sample differs, and how. */
void vn_explain_facts(struct explanation *x, struct vn_arena *a, const struct stage_arrays *s);
/* The right's stage `name` is what the left calls `other`. */
void vn_explain_exchanged(struct explanation *out, struct vn_arena *a, const char *name, const char *other,
                          int n);
/* Do both sides do the same in this stage, each with its own input? 1 yes, 0 no, -1 not known. */
int vn_explain_same(const struct stage_arrays *s, int n);

/* The table of causes: name, what tells it apart. For docs. */
struct cause {
    const char *name, *from;
    int (*differs)(const struct stage_rule *l, const struct stage_rule *r);
    const char *(*side)(struct vn_arena *a, const struct stage_rule *r);
    const char *setting; /* the step and parameter of a pipeline */
};
const struct cause *vn_causes(int *n);

/* What one program does: steps (the short form) from each stage to the next; NULL: not known, or not to be
 * said as steps. */
struct description {
    int n;
    const char **stage, **steps;
};
void vn_describe_trace(struct description *out, struct vn_arena *a, const struct trace *t);
/* Of one stage; NULL. side: whose x and y. */
const char *vn_describe_stage(struct vn_arena *a, const struct stage_arrays *s, int n, int side);

/* ---- both sides from the options of vernier/align.h (sides.c) ---- */

struct sides {
    struct trace t[2];
    const struct vn_pipeline *pipeline; /* of the left; NULL: none */
};
/* Reads or makes both traces, with the files of the images where they are given. */
int vn_sides_read(struct sides *out, struct vn_arena *a, const struct vn_align_options *o, struct vn_err *e);
/* Gives the images of a trace their files: n of them, as many as it has. */
int vn_trace_sources(struct trace *t, const char *const *images, int n, struct vn_err *e);

/* Left, right, difference (amplified) side by side as PNG. */
int vn_align_picture(const char *path, const struct vn_tensor *left, const struct vn_tensor *right,
                     struct vn_err *e);

#endif
