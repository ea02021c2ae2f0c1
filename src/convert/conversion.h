/* convert/conversion.h - the stages of a conversion and what each has made; see convert.c. */
#ifndef VN_CONVERSION_H
#define VN_CONVERSION_H

#include <vernier/vernier.h>

#include "base/listen.h"
#include "calib/calib.h"
#include "compile/compile.h"
#include "config/config.h"
#include "graph/graph.h"
#include "data/dataset.h"
#include "inspect/inspect.h"
#include "passes/pass.h"
#include "quant/quant.h"

struct march_row {
    const char *name, *description;
    int integer; /* nodes */
};

struct vn_conversion {
    struct vn_arena *arena;
    struct vn_options run;
    int compare_limit;
    struct vn_listener listener;
    struct config *config;
    struct target target;
    struct graph *original, *optimized, *calibrated, *quantized;
    struct pass_report *passes;
    struct vn_samples *samples;
    struct data_report data; /* what the samples look like */
    int accept_data;         /* go on where they look wrong */
    struct vn_ranges *ranges;
    struct vn_quant_method method;
    const char *method_text;
    struct comparison *comparison;
    struct vn_image bin;
    VEC(struct vn_node_row) nodes;
    VEC(struct vn_output_row) outputs;
    VEC(struct meta) products; /* stage, path */
    VEC(struct march_row) marches; /* check: what each target would do */
    struct vn_err problem;         /* check: the last that was found and is not told yet; code VN_OK: none */
};

/* check: no data, no files: can this model be imported, quantized and compiled? Fills in nodes and marches. Where it cannot, everything
 * that was found is told, the error too. */
struct check_options {
    const char *model, *prototxt, *march; /* prototxt: of a caffemodel, else NULL */
    int n_shapes;
    const char **shape_names, **shape_texts;
    struct vn_listener listener; /* told of problems, too */
};
int vn_check(struct vn_conversion **c, const struct check_options *o, struct vn_err *e);

/* check --data: only look at calibration data: those of a configuration, or a folder of them for a model. Fills in data. */
struct check_data_options {
    const char *config;                /* NULL: model and folder */
    const char *model, *prototxt, *folder;
    const char *images;                /* pictures that the data were made of; NULL: not known */
    struct vn_listener listener;
};
int vn_check_data(struct vn_conversion **c, const struct check_data_options *o, struct vn_err *e);

/* convert --fast-perf: how fast can it be? Every operator that can computes in integers, results included; what only moves at the ends is
 * left out; random calibration; O3. The results mean nothing. */
struct fast_options {
    struct check_options model;
    const char *prefix, *working_dir;
    struct vn_options run;
};
int vn_convert_fast(struct vn_conversion **c, const struct fast_options *o, struct vn_err *e);

#endif
