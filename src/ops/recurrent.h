/* ops/recurrent.h - what RNN, GRU and LSTM share. */
#ifndef VN_RECURRENT_H
#define VN_RECURRENT_H

#include "ops/portable_op.h"

struct recurrent_attrs {
    struct floats alpha, beta;
    struct texts activations;
    float clip;
    int direction;
    int64_t hidden, layout, option;
};
extern const char *const vn_recurrent_directions[];
#define RECURRENT_ATTRS \
    A_FLOATS(struct recurrent_attrs, alpha, "activation_alpha"), \
        A_FLOATS(struct recurrent_attrs, beta, "activation_beta"), \
        A_STRINGS(struct recurrent_attrs, activations, "activations"), \
        A_FLOAT(struct recurrent_attrs, clip, "clip", 0), \
        A_ENUM(struct recurrent_attrs, direction, "direction", 0, vn_recurrent_directions), \
        A_INT(struct recurrent_attrs, hidden, "hidden_size", 0, 0, 1 << 24), \
        A_INT(struct recurrent_attrs, layout, "layout", 0, 0, 1)

/* Shapes of Y, Y_h and Y_c, and whether the activations are known. kind: 0 RNN, 1 GRU, 2 LSTM. */
int vn_recurrent_infer(struct node *n, int kind, struct vn_err *e);
int vn_recurrent_eval(const struct node *n, const struct eval *ev, int kind, struct vn_err *e);
int vn_recurrent_lower(const struct node *n, struct lowering *l, int kind, struct vn_err *e);

#define RECURRENT(file, type, kind, inputs, outputs) \
    static int infer(struct node *n, struct vn_err *e) { return vn_recurrent_infer(n, kind, e); } \
    static int eval(const struct node *n, const struct eval *ev, struct vn_err *e) \
    { \
        return vn_recurrent_eval(n, ev, kind, e); \
    } \
    static int lower(const struct node *n, struct lowering *l, struct vn_err *e) \
    { \
        return vn_recurrent_lower(n, l, kind, e); \
    } \
    const struct op_def vn_op_##file = { \
        .name = #file, \
        .onnx = type, \
        .min_in = 3, \
        .max_in = inputs, \
        .min_out = 1, \
        .max_out = outputs, \
        .attrs = specs, \
        .attrs_size = sizeof(struct recurrent_attrs), \
        .infer = infer, \
        .eval = eval, \
        .lower = lower, \
        .lowers_all = 1, \
    }

#endif
