/* front/onnx/onnx.h - ONNX files in and out.
 *
 * Reading gives a graph in the newest form of each operator, whatever the file's version. Shapes of what
 * nodes compute are not known yet (rank -1, no type), apart from hints for the graph's outputs; shape
 * inference is a pass. Quantized files in the form that we write come back as value->q.
 */
#ifndef VN_FRONT_ONNX_H
#define VN_FRONT_ONNX_H

#include "base/listen.h"
#include "graph/graph.h"

struct vn_onnx_input_shape {
    const char *name; /* of a graph input; NULL: of input `place`; Caffe: of the only one */
    struct vn_shape shape;
    int place;
    int where_open; /* only for axes that the file leaves open, and only where it fits */
};

struct vn_onnx_options {
    const struct vn_onnx_input_shape *shapes; /* replace those in the file */
    int n_shapes;
    const char *const *values; /* "NAME=NUMBER", or a number for each element: constants */
    int n_values;
    /* NULL: shapes and values must be of inputs of the network. Else these bytes, one each, become 1 where
     * they are, and others are passed over. */
    unsigned char *shape_marks, *value_marks;
    const struct vn_listener *listener; /* told what was assumed, as warnings; may be NULL */
    /* 1: report every problem of the network to the listener instead of failing at the first. The graph is
     * then incomplete (values without producer, of unknown shape) and can only be inspected. */
    int survey;
};

/* Read a model. Operator sets 7 to 28 of the default domain; weights stay in the mapped file where their
 * alignment allows it. The graph lives in `a`. `o` may be NULL. Out of memory goes to the caller's vn_oom
 * guard. Errors: VN_E_INPUT for a damaged or wrong file, VN_E_UNSUPPORTED for what we cannot do (all
 * operators in one message). */
int vn_onnx_read(struct graph **g, struct vn_arena *a, const char *path, const struct vn_onnx_options *o,
                 struct vn_err *e);

/* The same from memory, which must outlive the graph. `path` is for messages and names the folder of
 * external data; NULL: external data is refused. */
int vn_onnx_read_memory(struct graph **g, struct vn_arena *a, const void *data, size_t bytes,
                        const char *path, const struct vn_onnx_options *o, struct vn_err *e);

struct vn_onnx_write_options {
    int int8_inputs; /* inputs with q are stored integers in the file, not float32 */
    const char *producer_version; /* NULL: left out */
    size_t external_above; /* bytes of constants above which they go to PATH.data; 0: the format's limit of 2
                              GB */
};

/* Write a graph: opset 21 (20 where all its integers have 8 bits), IR 10, or newer where an operator needs
 * it. Quantized values become QuantizeLinear and DequantizeLinear pairs (see qdq_write.c). `o` may be NULL.
 * Errors: VN_E_IO; VN_E_NOMEM. */
int vn_onnx_write(const struct graph *g, const char *path, const struct vn_onnx_write_options *o,
                  struct vn_err *e);

/* The same to memory in `a`. */
int vn_onnx_write_memory(const uint8_t **data, size_t *bytes, struct vn_arena *a, const struct graph *g,
                         const struct vn_onnx_write_options *o, struct vn_err *e);

#endif
