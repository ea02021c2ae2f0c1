/* convert/stages.h - what the files of this folder share: each stage's helpers, in the order of the flow. */
#ifndef VN_CONVERT_STAGES_H
#define VN_CONVERT_STAGES_H

#include <jansson.h>

#include "convert/conversion.h"

/* Lines of the vendor flow that only scripts of it read: hb_mapper prints them. */
#define DETAIL(c, ...) vn_say(&(c)->listener, VN_LOG_DEBUG, __VA_ARGS__)
#define INFO(c, ...) vn_say(&(c)->listener, VN_LOG_INFO, __VA_ARGS__)
#define WARN(c, ...) vn_say(&(c)->listener, VN_LOG_WARNING, __VA_ARGS__)

/* original.c */
int vn_convert_read_config(struct vn_conversion *c, const char *path, struct vn_err *e);
/* Can working_dir be made and written to? Nothing is made. */
int vn_convert_check_folder(struct vn_conversion *c, struct vn_err *e);
/* A failure that has to do with what the user gave is kept, and the checks go on: VN_OK. */
int vn_convert_note(struct vn_conversion *c, int status, const struct vn_err *e);
/* Tells the listener every problem that was kept; the first is the error. */
int vn_convert_verdict(struct vn_conversion *c, struct vn_err *e);
int vn_convert_read_model(struct vn_conversion *c, struct vn_err *e);
int vn_convert_match_inputs(struct vn_conversion *c, struct vn_err *e);
/* Do images have the layouts of the inputs that are to take them? */
int vn_convert_check_layouts(struct vn_conversion *c, struct vn_err *e);
int vn_convert_make_original(struct vn_conversion *c, struct vn_err *e);
int vn_convert_note_origin(struct vn_conversion *c, struct graph *g, struct vn_err *e);
/* Of a file's bytes, as 16 hexadecimal digits in `a`. */
int vn_convert_hash(const char **text, struct vn_arena *a, const char *path, struct vn_err *e);

/* optimized.c */
int vn_convert_optimize(struct vn_conversion *c, struct vn_err *e);
/* Check that requested types name existing nodes and operators, in the optimized graph or, without one, in
 * the original. */
int vn_convert_check_rules(struct vn_conversion *c, struct vn_err *e);

/* subgraphs.c: rules for the nodes of each subgraph */
int vn_convert_add_subgraphs(struct vn_conversion *c, struct vn_err *e);

/* calibration_data.c */
int vn_convert_note_steps(struct vn_conversion *c, struct vn_err *e);
/* By input of the original graph: elements that mask others. */
const struct masked_elements *vn_convert_masked_inputs(struct vn_conversion *c);
int vn_convert_open_samples(struct vn_conversion *c, struct vn_err *e);
/* Into the metadata of the first two stages. */
int vn_convert_note_samples(struct vn_conversion *c, struct vn_err *e);
int vn_convert_dump_samples(struct vn_conversion *c, struct vn_err *e);

/* network_input.c: findings where the network contradicts how its image inputs are normalised */
void vn_convert_judge_inputs(struct vn_conversion *c);

/* equalize.c: channels of the optimized graph, before it is written; float results stay equal to the bit */
int vn_convert_equalize(struct vn_conversion *c, struct vn_err *e);
/* A copy of it with a scale for each channel, as c->scaled. */
int vn_convert_scale_channels(struct vn_conversion *c, struct vn_err *e);

/* quantized.c */
int vn_convert_quantize(const struct vn_conversion *c, struct vn_arena *a, const struct vn_quant_method *m,
                        const struct vn_ranges *r, struct graph **calibrated, struct graph **quantized,
                        struct vn_err *e);
struct vn_quant_method vn_convert_method(const struct vn_conversion *c, const char *calibrator,
                                         double parameter);

/* parameter_log.c: what the conversion goes by, as lines of the log */
const char *vn_convert_sizes(struct vn_arena *a, const struct vn_shape *s); /* [1, 3, 224, 224] */
void vn_convert_tell_inputs(const struct vn_conversion *c);
void vn_convert_tell_settings(const struct vn_conversion *c); /* once the model is known */
void vn_convert_tell_calibration(const struct vn_conversion *c);
void vn_convert_tell_samples(const struct vn_conversion *c);
void vn_convert_tell_compiler(const struct vn_conversion *c);

#define ENOUGH_SQNR 50.0 /* dB on held-out samples: a search ends, what is lost does not matter */
#define VENDOR_ENOUGH 0.995 /* cosine at which the vendor's search ends */

/* method_search.c: for the calibration types default and mix, and for lists of quant_config */
int vn_convert_search(struct vn_conversion *c, struct vn_err *e);
/* The percentiles that it tries, as a list. */
const char *vn_convert_percentiles(struct vn_arena *a);
static inline int vn_convert_searches(const struct config *c)
{
    return c->calibration_type == CALIBRATION_DEFAULT || c->calibration_type == CALIBRATION_MIX ||
           c->combinations > 1;
}
/* refine.c: weights and biases of the chosen method, found layer by layer */
int vn_convert_refines(const struct config *c);
int vn_convert_refine(struct vn_conversion *c, struct vn_err *e);
enum { VN_REFINE_ROUNDED = 1, VN_REFINE_BIASES = 2, VN_REFINE_WAYS = 4 /* combinations of the two */ };
/* c->method with weights and biases refined in some ways, by a part of the samples (c->ranked is set), in the
 * arena. */
int vn_convert_refined(struct vn_quant_method *m, const struct vn_conversion *c, struct vn_arena *a,
                       const struct vn_ranges *ranges, struct vn_shard part, int ways, struct vn_err *e);
/* vendor_search.c: the steps of the vendor's default */
int vn_convert_vendor_search(struct vn_conversion *c, struct vn_err *e);

/* mixed_method.c: kl with other calibrators for some tensors; the methods that it is made of */
int vn_convert_mix(struct vn_quant_method *out, const struct vn_conversion *c, struct vn_err *e);
struct vn_quant_method vn_convert_mixed(const struct vn_conversion *c, int i);
int vn_convert_mixed_count(void);

/* accuracy.c */
/* What judges an output: itself where it is float, else the float value with the least mean cosine among the
 * last in front of it. NULL: there is none. */
const struct value *vn_convert_judge(struct vn_arena *a, const struct graph *g, const struct comparison *cmp,
                                     const struct value *output);
/* The least mean cosine of what judges the outputs; NaN: nothing does. */
double vn_convert_worst_cosine(struct vn_arena *a, const struct graph *g, const struct comparison *cmp);
void vn_convert_note_accuracy(struct vn_conversion *c, struct graph *g);

/* convert.c: stages that other ways of converting share */
/* Everything that is wrong with what the user gave, in one go, and before a file is written. After it: the
 * configuration, its march, the original and the optimized graph, the samples. */
int vn_convert_check_all(struct vn_conversion *c, const char *config, struct vn_err *e);
int vn_convert_collect_ranges(struct vn_conversion *c, struct vn_err *e);
/* From ranges; where several are allowed, the best. */
int vn_convert_choose_method(struct vn_conversion *c, struct vn_err *e);
int vn_convert_compile(struct vn_conversion *c, struct vn_err *e);
/* From ranges and a method to the last files and tables. */
int vn_convert_make_products(struct vn_conversion *c, struct vn_err *e);

/* turn_inputs.c: c->turned */
int vn_convert_turn_inputs(struct vn_conversion *c, struct vn_err *e);

/* requests.c: after quantization, warnings about requested types and units that have no effect */
void vn_convert_tell_requests(struct vn_conversion *c);

/* arithmetic.c: warnings of what clips, overflows or is wasted */
void vn_convert_check_arithmetic(const struct vn_conversion *c);

/* batch.c: the graph of the .bin; what the configuration says of its input i */
int vn_convert_make_batch(struct vn_conversion *c, struct vn_err *e);
const struct input_config *vn_convert_program_input(const struct vn_conversion *c, int i);

/* note_settings.c: what the configuration said, into the metadata of the .bin */
void vn_convert_note_settings(struct vn_conversion *c);

/* edits.c: the outputs that the configuration names; the nodes that it removes from the .bin */
int vn_convert_set_outputs(struct vn_conversion *c, struct vn_err *e);
int vn_convert_check_removals(struct vn_conversion *c, struct vn_err *e);
int vn_convert_remove_nodes(struct vn_conversion *c, struct vn_err *e);

/* products.c: they are written aside, and appear together at the end. */
int vn_convert_begin_products(struct vn_conversion *c, struct vn_err *e);
int vn_convert_end_products(struct vn_conversion *c, struct vn_err *e);
/* After a failure: the last good stage as PREFIX_fail.onnx. */
void vn_convert_write_fail(struct vn_conversion *c);
int vn_convert_write_onnx(struct vn_conversion *c, const struct graph *g, const char *stage, int int8_inputs,
                          struct vn_err *e);
int vn_convert_write_bin(struct vn_conversion *c, struct vn_err *e);
int vn_convert_write_text(struct vn_conversion *c, const char *stage, const char *file, const char *text,
                          struct vn_err *e);
/* The same of a JSON value, which is released. */
int vn_convert_write_json(struct vn_conversion *c, const char *stage, const char *file, json_t *value,
                          struct vn_err *e);
/* layer_out_dump: which tensor each convolution makes, for hrt_bin_dump. */
int vn_convert_write_map(struct vn_conversion *c, struct vn_err *e);

/* quant_info.c: after the tables */
int vn_convert_write_quant_info(struct vn_conversion *c, struct vn_err *e);

/* tables.c */
/* The quantized graph with the optimized one, for the tables. */
int vn_convert_compare(struct vn_conversion *c, struct vn_err *e);
void vn_convert_fill_tables(struct vn_conversion *c);
void vn_convert_fill_nodes(struct vn_conversion *c);
/* What the summary says of the target and the method. */
void vn_convert_name_method(struct vn_conversion *c);
void vn_convert_keep_findings(struct vn_conversion *c, const struct data_report *r);

/* conversion.c: do `work` on a new conversion, which the caller gets where it succeeds, without the stages.
 * Running out of memory is an error as any other. run NULL: the defaults. */
typedef int conversion_work(struct vn_conversion *c, const void *options, struct vn_err *e);
int vn_convert_guarded(struct vn_conversion **out, conversion_work *work, const void *options,
                       const struct vn_options *run, const struct vn_listener *l, struct vn_err *e);

/* check.c */
/* Random data in every input: enough to see which nodes can compute in integers, and that all lowers. */
void vn_convert_feature_inputs(struct vn_conversion *c);
/* The model with the shapes that its source gives; its problems go to `survey`, or (NULL) are an error. */
int vn_convert_read_named(struct vn_conversion *c, const struct vn_source *source,
                          const struct vn_listener *survey, struct vn_err *e);

#endif
