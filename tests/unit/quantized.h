/* tests/unit/quantized.h - convolutions on eight channels, and networks that compute in integers. */
#ifndef VN_UNIT_QUANTIZED_H
#define VN_UNIT_QUANTIZED_H

#include "calib/calib.h"
#include "net.h"
#include "quant/quant.h"

static inline struct value *net_conv(struct net *n, struct value *x, int depthwise, int side)
{
    struct value *y = net_op(
        n, &vn_op_conv,
        NET_LIST(
            x, net_const(n, vn_arena_fmt(n->arena, "8x%dx%dx%d", depthwise ? 1 : 8, side, side), -0.5f, 0.5f),
            net_const(n, "8", -1, 1)));
    struct conv_attrs *a = y->producer->attrs;
    a->group = depthwise ? 8 : 1;
    a->pads = NET_INTS(n, side / 2, side / 2, side / 2, side / 2);
    return y;
}

/* Ranges from random data, zero points and outputs at random. The input is "x". */
static inline void net_quantize(struct net *n)
{
    struct vn_err e;
    struct config cfg = {
        .path = "", .folder = "", .n_inputs = 1, .inputs = NEW(n->arena, struct input_config)
    };
    struct vn_samples *samples;
    struct vn_ranges *ranges;
    struct vn_calibrate_options calibration;
    struct target target;
    vn_calibrate_options_default(&calibration);
    cfg.inputs[0] = (struct input_config){ .name = "x" };
    OK(vn_samples_random(&samples, n->arena, &cfg, n->g, 4, &e));
    OK(vn_calibrate(&ranges, n->arena, n->g, samples, &calibration, &e));
    OK(vn_target_read(&target, n->arena, "generic", &e));
    static const enum zero_points kinds[] = { ZERO_POINTS_SYMMETRIC, ZERO_POINTS_SKEWED,
                                              ZERO_POINTS_ASYMMETRIC };
    const struct vn_quant_options o = { .method = { .calibrator = vn_calibrator_find("max"),
                                                    .parameter = 1,
                                                    .zero_points = kinds[unit_pick(0, 2)] },
                                        .target = &target,
                                        .outputs_int8 = unit_pick(0, 1) };
    OK(vn_quantize_annotate(n->g, ranges, &o, &e));
    OK(vn_quantize_store(n->g, &e));
}

#endif
