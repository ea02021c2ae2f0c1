/* convert/conversion.h - the stages of a conversion and what each has made; see convert.c. */
#ifndef VN_CONVERSION_H
#define VN_CONVERSION_H

#include <vernier/check.h>
#include <vernier/convert.h>
#include <vernier/init.h>

#include "base/listen.h"
#include "calib/calib.h"
#include "compile/compile.h"
#include "config/config.h"
#include "data/dataset.h"
#include "graph/graph.h"
#include "inspect/inspect.h"
#include "passes/pass.h"
#include "quant/quant.h"

/* Stages live in `arena`, which goes when the work is done; what a caller may read lives in `kept`, with this
 * struct. */
struct vn_conversion {
    struct vn_arena *kept, *arena;
    struct vn_options run;
    int compare_limit;
    int accept_data; /* go on where the samples look wrong */
    struct vn_listener listener;
    struct vn_odd_listener odd;

    struct config *config;
    struct target target;
    struct graph *original, *optimized, *calibrated, *quantized;
    enum vn_source_format format; /* of the source, as asked for */
    struct graph *turned; /* quantized, with its inputs as quantized_layout says */
    struct graph *program; /* what the .bin computes: quantized, for input_batch images */
    struct pass_report *passes;
    struct vn_samples *samples;
    struct vn_ranges *ranges;
    const struct vn_map *loaded; /* parameters that the network brought along; NULL: they are not wanted */
    struct vn_folds folds; /* of the samples, where a method is searched for; n 0: none */
    int *fold_of, *ranked; /* by sample: its fold; samples in the order of what they hold */
    struct { /* the network with channels scaled for methods per_channel, where one is tried; else NULL */
        struct graph *graph;
        struct vn_folds folds;
        struct vn_ranges *ranges;
    } scaled;
    struct vn_quant_method method;
    struct comparison *comparison;
    struct vn_image bin;
    struct vn_staging *written; /* where products wait for the last one */
    const struct graph *good; /* the last stage that was written */
    int good_int8;
    struct vn_err problem; /* check: the last that was found and is not told yet; code VN_OK: none */

    /* results */
    VEC(struct vn_finding) findings;
    VEC(struct vn_node_row) nodes;
    VEC(struct vn_output_row) outputs;
    VEC(struct vn_march_row) marches;
    VEC(struct meta) products; /* stage, path */
    struct vn_convert_summary summary;
    int samples_count, integers;
    struct vn_checked *checked; /* public handles of this one */
    struct vn_data_check *data_check;
    struct vn_configuration *configuration;
};

#endif
