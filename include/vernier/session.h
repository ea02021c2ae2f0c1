/* vernier/session.h - any artefact: opened, fed, run in whole or in part, observed.
 *
 * A session is one network ready to run. It opens a float ONNX model, the ONNX file of any stage, a Caffe
 * network or a .bin, and treats them alike: the same inputs, the same outputs, the same names. ONNX and Caffe
 * networks are compiled in memory and run on the runtime (vernier/runtime.h) or, on request, on the reference
 * executor.
 *
 *     struct vn_err err;
 *     struct vn_session *s;
 *     struct vn_view out;
 *     if (vn_session_open(&s, "net.bin", NULL, &err) < 0) { fprintf(stderr, "%s\n", err.msg); return 1; }
 *     if (vn_session_feed_file(s, 0, "image.jpg", &err) < 0 || vn_session_run(s, &err) < 0) ...
 *     vn_session_output(s, 0, &out, &err);
 *     printf("%g\n", vn_view_at(&out, 0));
 *     vn_session_close(&s);
 *
 * One session belongs to one caller at a time; different sessions, also of one network (vn_session_share),
 * run in any number of threads. Results depend only on the network and its inputs. Every
 * function that can fail returns 0 or a negative enum vn_status and writes the reason into *e. Returned
 * strings and arrays belong to the session. vn_cancel_on (vernier/listener.h) stops a run. */
#ifndef VERNIER_SESSION_H
#define VERNIER_SESSION_H

#include <vernier/listener.h>
#include <vernier/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vn_session; /* opaque */

enum vn_artefact {
    VN_ARTEFACT_BIN, /* a compiled program */
    VN_ARTEFACT_ONNX,
    VN_ARTEFACT_CAFFE,
    VN_ARTEFACT_GRAPH, /* made in memory by the library */
};

/* Shapes and constants for inputs of ONNX and Caffe networks; those of a .bin are fixed. */
struct vn_input_settings {
    /* Replace shapes of the file: shape_names[i] is the name of an input, shapes[i] its shape, such as
     * "1x3x224x224". */
    int n_shapes;
    const char *const *shape_names, *const *shapes;
    /* ONNX: constants for inputs: "NAME=NUMBER", or "NAME=NUMBER,NUMBER,..." with one number per element. */
    int n_values;
    const char *const *values;
};

struct vn_session_options {
    /* Threads and CPU features of the runtime. vn_session_open and vn_session_open_memory limit image
     * functions to these features, too, from then on in the whole process. */
    struct vn_options run;
    int reference; /* 1: the reference executor: float64, exact integers, slow. Not for a .bin */
    /* 1: for inspection only: ONNX and Caffe networks are not compiled, and run on the reference executor. */
    int inspect;
    int level; /* fusion of programs that are compiled in memory, 0 to 3; results do not depend on it */
    /* The prototxt of a Caffe network, whose caffemodel is the opened file; NULL: not a Caffe network. */
    const char *prototxt;
    /* Files that will be fed, as for vn_session_feed_files: inputs of ONNX networks take dynamic dimensions
     * from the shapes of .npy files. */
    int n_files;
    const char *const *files;
    struct vn_input_settings inputs;
    /* NULL: every entry of `inputs` must name an input of the network, and a .bin accepts no entries.
     * Otherwise (several artefacts share the settings) n_shapes + n_values bytes: the byte of each entry that
     * names an input of this network is set to 1, shapes first; other entries are ignored. */
    unsigned char *marks;
    /* Steps that turn image files into inputs (docs/alignment.md), or the path of a .yaml file with steps.
     * NULL: resize to the input, bilinear. */
    const char *pipeline;
    /* Limit in bytes for this session and all that share its network: programs compiled in memory, working
     * memory, buffers and saved states; 0: no limit. Temporary memory of reading and compiling, and mapped
     * files, do not count. Functions that would exceed it fail with VN_E_NOMEM; the message has the number of
     * bytes requested and the limit. */
    size_t memory_limit;
    /* Receives warnings while the file is read, and the progress of vn_session_run_files. Must outlive the
     * session; NULL: none. */
    const struct vn_listener *listener;
};
/* One thread, every CPU feature, the runtime, level 3. */
void vn_session_options_default(struct vn_session_options *o);

/* Open a file. Its name determines the kind: .onnx; .caffemodel, or any name if o->prototxt is set; otherwise
 * a .bin. o NULL: the defaults. On success the caller owns *s, on failure it is NULL. Errors: VN_E_INPUT
 * (damaged, wrong shapes), VN_E_UNSUPPORTED, VN_E_IO, VN_E_USAGE (options that exclude each other),
 * VN_E_NOMEM. */
int vn_session_open(struct vn_session **s, const char *path, const struct vn_session_options *o,
                    struct vn_err *e);

/* The same for a .bin or an ONNX model in memory (the first bytes determine which). The caller keeps the
 * image readable and unchanged as long as this session, or one that shares its network, exists. */
int vn_session_open_memory(struct vn_session **s, const void *image, size_t bytes,
                           const struct vn_session_options *o, struct vn_err *e);

/* Another session of the network of `of`, for another thread. Weights, names and shapes are shared; working
 * memory, inputs, outputs and observers are separate. The network is freed with its last session; sessions
 * may be closed in any order. run NULL: the defaults. `of` may be running. Errors: VN_E_NOMEM. */
int vn_session_share(struct vn_session **s, const struct vn_session *of, const struct vn_options *run,
                     struct vn_err *e);

/* Close it, in any thread, and set *s to NULL; NULL is allowed. */
void vn_session_close(struct vn_session **s);

/* ---- what it is ---- */

enum vn_artefact vn_session_kind(const struct vn_session *s);
const char *vn_session_path(const struct vn_session *s);

/* Metadata of the artefact (hashes, method, versions) by key; NULL: no such key. */
const char *vn_session_meta(const struct vn_session *s, const char *key);
/* The i-th key and text. Returns 0, or VN_E_USAGE after the last. */
int vn_session_meta_at(const struct vn_session *s, int i, const char **key, const char **text);

/* The graph behind an ONNX or Caffe session. */
struct vn_graph_info {
    int ir_version, opset; /* of the file; 0: not ONNX */
    int nodes; /* after constants were folded */
    int integer_nodes; /* of these, the nodes that compute in integers */
};
/* VN_E_USAGE: a .bin has no graph. */
int vn_session_graph_info(const struct vn_session *s, struct vn_graph_info *out);

/* A node of that graph; nodes are numbered in execution order. */
struct vn_node_info {
    const char *name;
    const char *type; /* of its newest ONNX form: "Conv" */
    int integer; /* 1: it computes in integers */
    int n_in, n_out; /* slots, including omitted ones */
};
/* VN_E_USAGE: no such node, or a .bin. */
int vn_session_node(const struct vn_session *s, int i, struct vn_node_info *out);
/* Value that node i reads or produces at a slot; -1: omitted, or no such node or slot. */
int vn_session_node_input(const struct vn_session *s, int i, int slot);
int vn_session_node_output(const struct vn_session *s, int i, int slot);
/* A value of that graph: as vn_model_tensor, without data; `instruction` is the number of the node that
 * produces it, `dtype` the integer type if it is quantized. VN_E_USAGE: no such value, or a .bin. */
int vn_session_value_info(const struct vn_session *s, int value, struct vn_view *out);
/* The class axis of a value, whose largest element is a decision: the axis of the Softmax that produces it,
 * or the channels of the linear node; else 1. -1: no such value, a .bin, or the axis is missing or has one
 * element. VN_CLASSES_MIXED: a Concat joins results of several nodes along it (a box, its score, its
 * classes), so its largest element is not a decision. */
enum { VN_CLASSES_MIXED = -100 };
int vn_session_class_axis(const struct vn_session *s, int value);

/* The program that the session runs, for inspection: instructions, tensors, sizes and device-side inputs.
 * NULL on the reference executor. Valid as long as the session. */
const struct vn_model *vn_session_model(const struct vn_session *s);

/* ---- inputs and outputs ---- */

/* One input or output. */
struct vn_port {
    const char *name;
    int value; /* id of its value */
    enum vn_dtype dtype; /* what the network computes with: VN_F32 also where the tensor is quantized */
    int rank;
    int64_t shape[VN_MAX_RANK]; /* of the network's tensor; the largest one if it depends on the data */
    float scale; /* quantized: real = (q - zero) * scale; 0: not quantized */
    int32_t zero;
    /* Inputs only: what the device delivers. VN_IN_FEATUREMAP: the tensor itself; otherwise pixels, from
     * which the network's tensor is computed as "pixel - 128". */
    enum vn_input_type type;
    int channels_last; /* pixels are N,H,W,C */
    int nhwc; /* the network's tensor is N,H,W,C: an image, or a feature map transposed by the conversion */
    enum vn_dtype given; /* element type of the device's bytes */
    size_t bytes; /* size of the device's bytes, for vn_session_feed_bytes */
};
const struct vn_port *vn_session_inputs(const struct vn_session *s, int *n);
const struct vn_port *vn_session_outputs(const struct vn_session *s, int *n);
/* Index of an input or output by name; -1: none of that name. */
int vn_session_input(const struct vn_session *s, const char *name);
int vn_session_output_find(const struct vn_session *s, const char *name);

/* ---- feeding ----
 *
 * An input keeps its data until it is fed again, over any number of runs. Data are copied. If feeding fails,
 * the input counts as not fed. Errors of all functions: VN_E_USAGE (no such input), VN_E_INPUT (wrong
 * contents), VN_E_NOMEM. */

/* A file for input i: an image (by its suffix), processed by the pipeline; .npy of any numeric type;
 * otherwise raw bytes of the tensor's own type. For image inputs of a .bin, .npy and raw files hold the
 * device's bytes. */
int vn_session_feed_file(struct vn_session *s, int i, const char *path, struct vn_err *e);

/* Several files: each is "FILE" for the input at its place in the list, or "NAME=FILE". */
int vn_session_feed_files(struct vn_session *s, const char *const *files, int n, struct vn_err *e);

/* An array as the network's tensor: rank and shape as in vn_port; element (i, j, ...) is i*stride[0] +
 * j*stride[1] + ... elements after data; stride NULL: C order. Real numbers are converted to the input's type
 * as in C, or quantized; integers for a quantized tensor are stored as they are. For image inputs ("pixel -
 * 128") of a .bin values are rounded to pixels. */
int vn_session_feed_array(struct vn_session *s, int i, enum vn_dtype dtype, int rank, const int64_t *shape,
                          const int64_t *stride, const void *data, struct vn_err *e);

/* Exactly the bytes that the device delivers: vn_port.bytes of them. */
int vn_session_feed_bytes(struct vn_session *s, int i, const void *data, size_t bytes, struct vn_err *e);

/* Images in the caller's memory, one per batch element; see vn_model_pack_input. ONNX files do not record an
 * input source; they accept regions of any size. */
int vn_session_feed_planes(struct vn_session *s, int i, const struct vn_planes *images, struct vn_err *e);

/* Columns and rows of an image; both ends are inclusive. */
struct vn_region {
    int left, top, right, bottom;
};

/* A region of an image file, decoded and converted to the device's format at the image's original size
 * (without the last column or row if the size is odd and the format nv12). */
int vn_session_feed_region(struct vn_session *s, int i, const char *path, const struct vn_region *r,
                           struct vn_err *e);

/* As vn_session_feed_array and vn_session_feed_bytes, but without a copy if the data have the program's type
 * and are in C order: runs read them in place until the input is fed again. data NULL ends the loan; the
 * input then counts as not fed. */
int vn_session_lend_array(struct vn_session *s, int i, enum vn_dtype dtype, int rank, const int64_t *shape,
                          const int64_t *stride, const void *data, struct vn_err *e);
int vn_session_lend_bytes(struct vn_session *s, int i, const void *data, size_t bytes, struct vn_err *e);

/* Random data for all inputs, from one seed: uniform pixels; real numbers in [-1, 1); 0 or 1 for other types.
 * The same for every artefact of one network. */
int vn_session_feed_random(struct vn_session *s, uint64_t seed, struct vn_err *e);

/* ---- running ---- */

/* Run the whole network on the fed inputs. With VERNIER_SAVE_IO=DIR in the environment, inputs and outputs
 * are also written there as .npy. Errors: VN_E_USAGE (an input was not fed), VN_E_INPUT (a node cannot
 * compute with these data), VN_E_CANCELLED, VN_E_NOMEM, and VN_E_IO where files are written. */
int vn_session_run(struct vn_session *s, struct vn_err *e);

/* In parts, on the runtime only (VN_E_UNSUPPORTED on the reference executor). vn_session_run is
 * vn_session_start and vn_session_run_range of all instructions. */
int vn_session_instructions(const struct vn_session *s); /* 0 on the reference executor */
/* Copy the fed inputs into working memory; instruction 0 is next. */
int vn_session_start(struct vn_session *s, struct vn_err *e);
/* Run instructions first <= i < end on the current memory, as left by earlier instructions or as restored.
 * Outputs can be read once the last instruction has run. VN_E_USAGE: no such range. */
int vn_session_run_range(struct vn_session *s, int first, int end, struct vn_err *e);

/* Everything that a run changes. A state may be restored any number of times, into every session that shares
 * the network, and may outlive them all. The caller frees it. Errors: VN_E_NOMEM; VN_E_USAGE if it belongs to
 * another network. */
struct vn_session_state;
int vn_session_save(struct vn_session_state **state, const struct vn_session *s, struct vn_err *e);
int vn_session_restore(struct vn_session *s, const struct vn_session_state *state, struct vn_err *e);
void vn_session_state_free(struct vn_session_state **state);

/* Time `runs` whole runs on the fed inputs: nanoseconds[i] is the time of run i. VN_E_USAGE: less than one
 * run. Other errors: as vn_session_run. */
int vn_session_time(struct vn_session *s, int runs, uint64_t *nanoseconds, struct vn_err *e);
/* Start (1) or stop (0) measuring the time of each instruction; see vn_instruction.nanoseconds. */
void vn_session_profile(struct vn_session *s, int on);

/* Peak multiply-accumulates per nanosecond of one core of this machine on VN_I8, VN_I16 or VN_F32 with the
 * CPU features of `cpumask`, measured for about 2 ms by a loop of multiply-accumulates only. 0: unknown. */
double vn_peak_speed(enum vn_dtype type, uint32_t cpumask);

/* Output i of the last run, complete once its last instruction has run. A view into the session (tensor is
 * -1), valid until it runs again. Shapes are those of this run. Errors: VN_E_USAGE (no such output; the
 * network has not run to its end). */
int vn_session_output(const struct vn_session *s, int i, struct vn_view *out, struct vn_err *e);
/* Later runs write output i only to this buffer, which has vn_io.bytes bytes (vn_model_outputs of
 * vn_session_model(s)); NULL: to the session's memory. Errors: VN_E_USAGE (no such output, wrong size);
 * VN_E_UNSUPPORTED on the reference executor. */
int vn_session_lend_output(struct vn_session *s, int i, void *buffer, size_t bytes, struct vn_err *e);

/* ---- values ----
 *
 * A value is a tensor of the source network. Ids count from 0; a file has the same ids whenever it is opened,
 * with any options. Several tensors of a program can represent one value (vn_view.role). */

int vn_session_values(const struct vn_session *s);
const char *vn_session_value_name(const struct vn_session *s, int value); /* NULL: no such value */
int vn_session_value(const struct vn_session *s, const char *name); /* id; -1: none of that name */
/* Value that a tensor of the program represents (vn_view.tensor); -1: none. */
int vn_session_value_of(const struct vn_session *s, int tensor);

/* ---- observing ---- */

/* What to observe while the network runs. Views are valid until the callback returns. Callbacks are called in
 * the thread that runs, in execution order, and may call only functions that take the session as const. */
struct vn_observer {
    /* Before an instruction that produces a wanted tensor: its n inputs, as it will read them. May be NULL.
     * */
    void (*before)(void *user, int instruction, const struct vn_view *in, int n);
    /* A wanted tensor, just produced or fed, and the value that it represents (-1: none). May be NULL. */
    void (*after)(void *user, int value, const struct vn_view *v);
    /* One byte per value id, 1: observe it; NULL: all. Values that are not wanted cost no time. */
    const unsigned char *wanted;
    /* Bits 1u << enum vn_role; 0: VN_ROLE_VALUE alone. With the bit of VN_ROLE_VALUE, each value that is
     * computed or fed is observed once, as itself; constants that are outputs are observed as outputs. */
    unsigned roles;
    void *user;
};
/* Observe all later runs with *o, which is copied with its list; NULL stops it. Results do not change. The
 * reference executor passes VN_ROLE_VALUE only: VN_F64 data for real numbers, VN_I64 for all others, with the
 * node's number as the instruction and the value's id as the tensor. */
void vn_session_observe(struct vn_session *s, const struct vn_observer *o);

/* ---- views as numbers: in C order of the source network's axes, for any strides ---- */

int64_t vn_view_count(const struct vn_view *v);
/* 1: its elements are contiguous in C order. */
int vn_view_is_plain(const struct vn_view *v);
/* 1: its elements are contiguous in some order of the axes: data[0 .. count). */
int vn_view_is_dense(const struct vn_view *v);
/* Element at a flat index as a real number; quantized: (float)(q - zero) * scale, in float32. */
double vn_view_at(const struct vn_view *v, int64_t index);
/* All elements likewise, as float32; out has vn_view_count elements. */
void vn_view_real(float *out, const struct vn_view *v);
/* All stored integers; real numbers are truncated. */
void vn_view_integers(int64_t *out, const struct vn_view *v);
/* All elements as they are stored, in vn_view.bytes bytes. */
void vn_view_copy(void *out, const struct vn_view *v);

struct vn_extremes {
    double min, max; /* 0 if there are no elements */
    int64_t top; /* first flat index of max */
};
/* Of the stored numbers, without dequantizing. */
struct vn_extremes vn_view_extremes(const struct vn_view *v);

enum vn_view_format {
    VN_FORMAT_NPY,
    VN_FORMAT_BIN, /* the elements alone, in C order */
    VN_FORMAT_TXT, /* one number per line, "%.9g" */
};
/* The format named "npy", "bin" or "txt"; -1: unknown word. */
int vn_view_format_find(const char *word);
/* Write it to a file, completely or not at all. dequantize: as float32 if it is quantized. Errors: VN_E_IO,
 * VN_E_NOMEM. */
int vn_view_write(const struct vn_view *v, const char *path, enum vn_view_format format, int dequantize,
                  struct vn_err *e);

/* ---- samples on which networks differ most ---- */

/* One of them. Both sessions have just run on it; outputs can be read until the callback returns. */
struct vn_odd_sample {
    const char *path; /* of the first input's file */
    const char *metric; /* of an evaluation; NULL: none */
    double cosine; /* the minimum over the common outputs */
    int changed; /* top_k: 1: the correct class has a different rank */
    const struct vn_session *model[2]; /* the reference, and the one that differs most from it */
    /* Evaluations: the numbers that the metric keeps of each; coco: category, score, x, y, width and height
     * of each detection, in pixels of the image. */
    const double *record[2];
    int n_record[2];
};
/* Receives these samples at the end of a job, the worst first. The job runs them again. */
struct vn_odd_listener {
    int most; /* maximum number; 0: none */
    void (*show)(void *user, const struct vn_odd_sample *s);
    void *user;
};

/* ---- whole jobs ---- */

/* Write every output of the last run into a folder (created if missing), as NAME.npy and so on;
 * characters that cannot be in a file's name are replaced. Errors: as vn_session_output and vn_view_write. */
int vn_session_write_outputs(const struct vn_session *s, const char *folder, enum vn_view_format format,
                             struct vn_err *e);

/* Run on the fed inputs, and write every tensor of the run into a folder (created if missing): tensors that
 * represent a value as NAME.npy, others as NAME.ROLE.npy; int64 tensors are skipped. dequantize: integers as
 * float32. An observer stays set, but does not observe this run. Errors: as
 * vn_session_run; VN_E_UNSUPPORTED on the reference executor; VN_E_IO. */
int vn_session_dump(struct vn_session *s, const char *folder, int dequantize, struct vn_err *e);

/* Run on n samples, each a file for every input, in the order of the inputs (n * inputs files), and write
 * each output of all samples, stacked along the first axis in their order, or along a new axis if the first
 * is not 1, into `folder`; its files.txt has the names of the first input's files, one per line. folder NULL:
 * run only. Errors: VN_E_UNSUPPORTED (no axis left), VN_E_INPUT (outputs of different sizes), and those of
 * feeding and running. */
int vn_session_run_files(struct vn_session *s, const char *const *files, int n, const char *folder,
                         enum vn_view_format format, struct vn_err *e);

/* The same on the images, .npy and .bin files of folders, "NAME=DIR" for each input, or "DIR" for the only
 * one: sample i is the i-th file of every input in name order; *n: how many. Errors: also VN_E_USAGE (an
 * input without a folder, unequal numbers of files). */
int vn_session_run_folders(struct vn_session *s, const char *const *folders, int n_folders, int *n,
                           const char *folder, enum vn_view_format format, struct vn_err *e);

#ifdef __cplusplus
}
#endif
#endif
