/* config/config.h - the conversion's YAML file: read, checked, resolved. keys.c has the table of all keys. */
#ifndef VN_CONFIG_H
#define VN_CONFIG_H

#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/words.h"

enum key_type {
    KEY_TEXT,
    KEY_BOOL,
    KEY_INT,
    KEY_FLOAT,
    KEY_CHOICE,
    KEY_LIST,
    KEY_NUMBERS,
    KEY_SHAPES,
    KEY_TREE,
    KEY_MAP, /* a tree of one level: NAME: WORD */
};

enum key_state {
    KEY_WORKS,
    KEY_VENDOR, /* names vendor hardware: checked, then reported as without meaning here */
};

/* A word of a key with fixed values (words.def); a table ends with text NULL. */
struct config_word {
    const char *text;
    int value; /* of the key's enum */
};
extern const struct config_word vn_words_input_type_train[], vn_words_input_type_rt[], vn_words_layout[],
    vn_words_value_range[], vn_words_norm_type[], vn_words_cal_data_type[], vn_words_calibration_type[],
    vn_words_quantized_layout[], vn_words_channels_last[], vn_words_equalization[], vn_words_search[],
    vn_words_effort[], vn_words_refine[], vn_words_zero_points[], vn_words_optimize_level[],
    vn_words_debug_mode[], vn_words_compile_mode[], vn_words_cache_mode[], vn_words_custom_op_method[],
    vn_words_remove_type[], vn_words_input_source[];
/* NULL: not there. */
const struct config_word *vn_word_find(const struct config_word *words, const char *text);
const char *vn_word_of(const struct config_word *words, int value);
/* All words. */
const char *vn_word_list(struct vn_arena *a, const struct config_word *w, const char *between);

/* Input types are enum vn_input_type, at run time and in training. */
enum input_layout {
#define LAYOUT(id, word) id,
#include "config/words.def"
};
enum value_range {
#define VALUE_RANGE(id, word) id,
#include "config/words.def"
};
enum norm_type { /* bits */
                 NORM_NONE = 0,
                 NORM_MEAN = 1,
                 NORM_SCALE = 2,
                 NORM_STD = 4,
                 NORM_MEAN_AND_SCALE = NORM_MEAN | NORM_SCALE,
                 NORM_MEAN_AND_STD = NORM_MEAN | NORM_STD,
};
enum calibration_type {
#define CALIBRATION(id, word) id,
#include "config/words.def"
};
enum quantized_layout {
#define QUANTIZED_LAYOUT(id, word) id,
#include "config/words.def"
};
enum channels_last {
#define CHANNELS_LAST(id, word) id,
#include "config/words.def"
};
enum equalization {
#define EQUALIZATION(id, word) id,
#include "config/words.def"
};
enum effort {
#define EFFORT(id, word) id,
#include "config/words.def"
};
enum refine_key {
#define REFINE(id, word) id,
#include "config/words.def"
};
enum compile_mode {
#define COMPILE_MODE(id, word) id,
#include "config/words.def"
};
enum input_source {
#define INPUT_SOURCE(id, word) id,
#include "config/words.def"
};
enum zero_points {
    ZERO_POINTS_NOT_GIVEN,
#define ZERO_POINTS(id, word) id,
#include "config/words.def"
};
static inline const char *vn_input_type_word(enum vn_input_type t)
{
    return vn_word_of(vn_words_input_type_rt, (int)t);
}
static inline const char *vn_layout_word(enum input_layout l) { return vn_word_of(vn_words_layout, (int)l); }

struct key {
    const char *group, *name;
    enum key_type type;
    enum key_state state;
    const char *def; /* default, as text; NULL: none */
    const struct config_word *words; /* KEY_CHOICE, and KEY_LIST with fixed values */
    double min, max; /* KEY_INT, KEY_FLOAT */
    const char *needs; /* "key=value|value" of any group: without it this key has no effect, an error */
    const char *idle; /* but a warning for this value, which would change nothing; "*": for every value */
    const char *excludes; /* other key that must not be given */
    const char *help;
};
extern const struct key vn_keys[];
extern const int vn_keys_count;

/* A scalar in a tree of at most two levels: first: { second: text }, or first: text. */
struct leaf {
    const char *first, *second; /* second NULL: directly below first */
    const char *text;
    int line, column;
};

/* One key as given in the file. */
struct setting {
    const struct key *key;
    const char *text; /* scalar; NULL for trees */
    VEC(struct leaf) leaves; /* trees that are read */
    int line, column;
    int ignored; /* has no effect or is wrong, as was said: counts as given, but its value is not used */
    int wrong; /* what follows from it cannot be judged */
};

/* What the configuration says of the types of a node, of all nodes of an operator, or of all. Later entries
 * win over earlier ones, and higher levels over lower ones. */
#define CONFIG_NODE_INPUTS 16
enum unit { UNIT_ANY = 0, UNIT_FLOAT, UNIT_INTEGER };
enum type_level { LEVEL_ALL = 1, LEVEL_KIND, LEVEL_SUBGRAPH, LEVEL_NODE };
struct type_rule {
    enum type_level level;
    const char *name; /* LEVEL_KIND: an ONNX operator; LEVEL_SUBGRAPH, LEVEL_NODE: a node */
    enum unit on;
    int in[CONFIG_NODE_INPUTS], out; /* bits: 0 not said, 8, 16 */
    const struct setting *given;
    int line, column;
    const char *word; /* as given, where the name alone would not say it; or NULL */
};

/* The nodes on all ways from one of `from` to one of `to`, both included: nodes or tensors. As a rule names
 * one node, they get theirs when the network is known. */
struct subgraph {
    const char *name;
    VEC(const char *) from, to;
    enum unit on;
    int bits;
    const struct setting *given;
};

/* node_info: auto: types are planned (tune) before they are used; limits as in vn_tune_options. */
struct plan_limits {
    int wanted;
    double latency_ratio, size_ratio, max_drop;
};

/* What quant_config says of methods: n values of each key; from 2 on the best combination is searched for. */
enum search_key {
    SEARCH_TYPE, /* enum calibration_type */
    SEARCH_PERCENTILE,
    SEARCH_PER_CHANNEL,
    SEARCH_ASYMMETRIC,
    SEARCH_BIAS_CORRECTION,
    SEARCH_KEYS
};
enum { SEARCH_MOST = 16, CONFIG_MOST_COMBINATIONS = 64 };
struct search_list {
    int n;
    double v[SEARCH_MOST];
};

#define CONFIG_MAX_CHANNELS 64

struct input_config {
    const char *name; /* NULL: take the model's */
    enum vn_input_type type_train, type_rt;
    enum input_layout layout_train, layout_rt; /* layout_rt: the training layout where it is not given */
    enum norm_type norm_type;
    enum value_range range;
    enum input_source source;
    const char *shape; /* NULL: take the model's */
    int n_mean, n_scale;
    double mean[CONFIG_MAX_CHANNELS], scale[CONFIG_MAX_CHANNELS]; /* scale: also 1 / std_value */
    const char *cal_dir; /* absolute or relative to the working directory of the process; NULL: none */
    enum vn_dtype cal_type; /* of raw calibration files; VN_NONE: float32 */
};

struct name_list {
    int n;
    const char **v;
};

struct config {
    const char *path; /* for messages */
    const char *folder; /* of the file: relative paths start there */
    const char *model; /* ONNX, or a caffemodel */
    const char *prototxt; /* of a caffemodel; NULL: an ONNX model */
    const char *march, *prefix, *working_dir;
    struct name_list output_nodes, remove_types, remove_nodes;
    struct name_list custom_ops; /* paths of libraries */
    int n_values;
    const char **values; /* "NAME=NUMBER": inputs that are constants */
    int n_inputs;
    struct input_config *inputs;
    enum calibration_type calibration_type;
    int random_data; /* no calibration data are given, or needed */
    enum equalization equalization;
    enum quantized_layout quantized_layout;
    double max_percentile; /* 1: plain max */
    int preprocess_on;
    const char *pipeline; /* steps applied to calibration pictures; NULL: none */
    int outputs_int8, outputs_int16; /* optimization: set_model_output_int8, set_model_output_int16 */
    VEC(struct type_rule)
    types; /* node_info, run_on_cpu, run_on_bpu, set_node_data_type, and optimization: set_... */
    VEC(struct subgraph) subgraphs;
    struct plan_limits plan;
    int asymmetric, bias_correction, batch_last, per_channel;
    enum effort effort;
    enum refine_key rounding, sequential_bias, bottlenecks;
    int vendor_search; /* by default: the vendor's steps */
    struct search_list search[SEARCH_KEYS];
    int combinations; /* of the lists; 1: nothing is searched for */
    int level; /* optimize_level 0..3 */
    int economy; /* compile_mode: 0 (latency) to 100 (bandwidth) */
    int layer_out_dump;
    int batch; /* of the .bin */
    int separate_batch;
    struct name_list separate;
    int dump_calibration;
    VEC(struct setting) settings; /* in file order */
    VEC(const char *) warnings;
    VEC(struct vn_err) problems; /* everything that is wrong with the file */
    VEC(const char *) meant; /* "KEY=VALUE" as vn_config_edit takes it: what misspelt keys and words mean */
    int unreadable; /* reading ended at the last problem: nothing else here is valid */
};

/* Read and check a file. Problems name file:line:column, what was found and what would be right; all of them
 * are kept in the configuration, and the rest of it is valid unless `unreadable`. Fails only without
 * memory. */
int vn_config_read_all(struct config **out, struct vn_arena *a, const char *path, struct vn_err *e);
/* The same, and the first problem is the error. */
int vn_config_read(struct config **out, struct vn_arena *a, const char *path, struct vn_err *e);
int vn_config_read_memory(struct config **out, struct vn_arena *a, const char *text, size_t bytes,
                          const char *path, struct vn_err *e);
/* Load the libraries of custom operators that it names. */
int vn_config_load_custom_ops(const struct config *c, struct vn_err *e);
/* A failure that has to do with what the user gave is kept as a problem: VN_OK. Others are passed on. The
 * same problem counts once. */
int vn_config_note(struct config *c, struct vn_arena *a, int status, const struct vn_err *e);
/* Resolve what depends on the model: input names in model order. More than one thing may be noted; where the
 * inputs do not match, it fails. */
int vn_config_match_inputs(struct config *c, struct vn_arena *a, int n, const char *const *names,
                           struct vn_err *e);
const struct setting *vn_config_given(const struct config *c, const char *key);
/* Type of raw calibration files by their folder's name: "_f32" is float32, others uint8. */
enum vn_dtype vn_config_folder_type(const char *dir);
/* A setting whose value counts; NULL: not given, or ignored. */
const struct setting *vn_config_used(const struct config *c, const char *key);
/* The value of a key as text: as given, or the default; NULL: neither. */
const char *vn_config_text(const struct config *c, const char *key);
/* 1: one of the keys (NULL-terminated) has an invalid value, so values derived from it cannot be checked. */
int vn_config_doubtful(const struct config *c, const char *const *keys);
/* "path:line:column: key" in front of the message. */
int vn_config_fail(const struct config *c, const struct setting *s, struct vn_err *e, int code,
                   const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The same at the place of a rule. */
int vn_config_fail_rule(const struct config *c, const struct type_rule *r, struct vn_err *e, int code,
                        const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The key that such a message is about; NULL: none. */
const char *vn_config_blamed(const struct config *c, struct vn_arena *a, const char *problem);

/* ---- targets: targets/NAME.yaml; docs/targets.md explains the format ---- */

enum limit {
#define LIMIT(name, meaning) LIMIT_##name,
#include "config/limits.def"
#undef LIMIT
    LIMIT_COUNT
};
extern const char *const vn_limit_names[];

/* What is allowed for one measure: v[0] <= x <= v[1], or x among v[0..one_of). */
struct target_limit {
    enum limit what;
    int one_of; /* 0: a range */
    double v[8];
};

/* An operator that the target computes in integers. */
struct target_op {
    const char *onnx;
    int int8, int16;
    struct target_limit *limits;
    int n_limits;
};

struct target {
    const char *name, *path, *description;
    uint32_t isa; /* enum vn_cpu bits */
    enum zero_points zero_points;
    int all_ops; /* every operator that has an integer form; ops then adds limits to some */
    struct target_op *ops;
    int n_ops;
    struct target_limit *limits; /* of every operator */
    int n_limits;
    const char *float_ops; /* space-separated ONNX types that stay float, "" for none */
    int float_tail; /* results that leave the network are not quantized */
    enum channels_last channels_last; /* inputs of four axes that its tools have as N,H,W,C */
    int cores; /* most that a model runs on (core_num); 0: not limited */
    double macs_per_cycle, memory_bandwidth, sram_bytes; /* int8 products; bytes per second; 0: not known */
};

/* Read a target by name or by path (ends in .yaml). Names are looked for in the folders of $VERNIER_TARGETS,
 * the installed data folder and the source tree. Errors: VN_E_INPUT with file:line:column, or with the
 * nearest known name. */
int vn_target_read(struct target *t, struct vn_arena *a, const char *name, struct vn_err *e);
/* Names of all targets that can be found; returns how many. */
int vn_target_list(struct vn_arena *a, const char ***names);
/* Keys of the configuration that the target limits. */
int vn_config_check_target(const struct config *c, const struct target *t, struct vn_err *e);
const struct target_op *vn_target_op(const struct target *t, const char *onnx); /* NULL: not listed */
/* Does an operator stay float there, unless a node is asked for by name? */
int vn_target_floats(const struct target *t, const char *onnx);

#endif
