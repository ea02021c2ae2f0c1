/* image/steps.h - a preprocessing pipeline described once: a list of steps, each by the rule of the library
 * that it names.
 *
 * One table (vn_step_kinds) has every step with its parameters, defaults and bounds: the readers, their
 * messages, the text of a pipeline and docs/alignment.md come from it. Every published transformer function
 * (image/transform.h) is a step, too. */
#ifndef VN_STEPS_H
#define VN_STEPS_H

#include "image/origin.h"
#include "image/picture.h"
#include "image/transform.h"

/* ---- what goes from step to step ---- */

enum vn_colours {
    VN_COLOURS_RGB,
    VN_COLOURS_BGR,
    VN_COLOURS_GRAY,
    VN_COLOURS_YUV444,
    VN_COLOURS_PLANES,
    VN_COLOURS
};

const char *vn_colours_word(enum vn_colours c);

struct vn_frame {
    struct vn_picture p; /* while `t` is NULL */
    struct vn_tensor *t; /* an array that is no image (any more) */
    int channels_first; /* of t */
    enum vn_colours colours;
    struct vn_origin from; /* of a file that was decoded: every step keeps it up to date */
};
/* The frame as an array: H x W x C of an image (whose pixels it shares), else `t`. */
struct vn_tensor *vn_frame_tensor(const struct vn_frame *f, struct vn_arena *a);
/* An array of two to four axes as a frame; channels first or last as the sizes say (1, 3 or 4 of them). */
int vn_frame_from_tensor(struct vn_frame *f, struct vn_arena *a, struct vn_tensor *t, struct vn_err *e);

/* ---- the table ---- */

enum vn_param_kind { VN_PARAM_INT, VN_PARAM_REAL, VN_PARAM_WORD, VN_PARAM_TEXT, VN_PARAM_BOOL };

#define VN_STEP_NUMBERS 8
#define VN_STEP_PARAMS 12

struct vn_step_param {
    const char *name;
    enum vn_param_kind kind;
    const char *preset; /* the default as text, "" for none; NULL: must be given */
    const char *words; /* WORD: "a|b" */
    double min, max; /* INT, REAL */
    int least, most; /* how many numbers */
    const char *help;
};

struct vn_step_value {
    double v[VN_STEP_NUMBERS];
    int n; /* numbers; 0: not given and without default */
    const char *word; /* as written */
    int given;
};

struct vn_pipe_step;
struct vn_step_kind {
    const char *name, *help;
    const struct vn_step_param *params; /* ended by name NULL; the first may be given without its name */
    int to_values; /* gives no pixels 0..255 any more: where calibration data end */
    int (*run)(struct vn_frame *f, struct vn_arena *a, const struct vn_pipe_step *s, struct vn_err *e);
    int normalises; /* mean and scale: what the preprocess node of an image input does */
};
const struct vn_step_kind *vn_step_kinds(int *n);

struct vn_pipe_step {
    const struct vn_step_kind *kind;
    struct vn_step_value value[VN_STEP_PARAMS];
    const struct vn_transform *transform; /* of a step that is a transformer function */
    struct vn_arg_value arg[VN_TRANSFORM_ARGS];
    const char *text; /* the transformer as written */
    const char *stage; /* under which name a trace keeps what the step gives */
    int line; /* 0: not from a file */
};

struct vn_pipeline {
    VEC(struct vn_pipe_step) steps;
    const char *path; /* of its file; NULL: a text */
};

/* A step by name with all defaults (steps that miss a parameter without default: VN_E_INPUT). */
const struct vn_step_kind *vn_step_find(const char *name);
/* Index of a parameter; -1: none of that name. */
int vn_step_param_find(const struct vn_step_kind *k, const char *name);
/* Set one from its words; checked. */
int vn_step_set(struct vn_pipe_step *s, struct vn_arena *a, const char *param, const char *const *words,
                int n, struct vn_err *e);
/* Fill in defaults; an error where something must be given. */
int vn_step_finish(struct vn_pipe_step *s, struct vn_arena *a, struct vn_err *e);

/* ---- reading, running ---- */

/* "short_side 256; center_crop 224" (steps by ';', numbers for the first parameter, NAME=VALUE for others),
 * or the name of a YAML file (ends in .yaml or .yml):
 *
 *     steps:
 *       - decode: {library: opencv}
 *       - resize: {size: [224, 224], library: opencv, interpolation: linear, stage: resized}
 *       - BGR2RGB: {data_format: HWC}
 *       - normalise: {divide: 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}
 *       - layout: NCHW
 */
int vn_pipeline_parse(struct vn_pipeline **out, struct vn_arena *a, const char *text, struct vn_err *e);
int vn_pipeline_is_file(const char *text);
int vn_pipeline_yaml(struct vn_pipeline **out, struct vn_arena *a, const char *text, size_t bytes,
                     const char *path, struct vn_err *e);
/* The same pipeline as YAML with every parameter spelled out. */
const char *vn_pipeline_text(const struct vn_pipeline *p, struct vn_arena *a);
/* The same on one line, YAML as well. */
const char *vn_pipeline_line(const struct vn_pipeline *p, struct vn_arena *a);

/* Decode (Pillow's rule where the first step is no decode), then all steps. `seen` gets every stage, "read"
 * first; it may be NULL. */
typedef int vn_stage_seen(void *user, const char *stage, const struct vn_frame *f, struct vn_err *e);
int vn_pipeline_file(struct vn_frame *out, struct vn_arena *a, const struct vn_pipeline *p, const char *path,
                     vn_stage_seen *seen, void *user, struct vn_err *e);
/* Only the steps that give pixels, as R, G, B (gray repeated) in out->p: what calibration data are made of.
 * `p` NULL: decode only. */
int vn_pipeline_pixels(struct vn_frame *out, struct vn_arena *a, const struct vn_pipeline *p,
                       const char *path, struct vn_err *e);
int vn_pipe_step_run(struct vn_frame *f, struct vn_arena *a, const struct vn_pipe_step *s, struct vn_err *e);
/* Runs the steps on a decoded image: R, G, B. */
int vn_pipeline_run(struct vn_picture *out, struct vn_arena *a, const struct vn_pipeline *p,
                    const struct vn_picture *in, struct vn_err *e);

#endif
