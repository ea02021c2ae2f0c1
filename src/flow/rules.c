/* The rules of a diagnosis: what a failure comes from, as numbers, and which keys of the configuration may
 * repair it (proposals.c). */
#include <math.h>

#include "flow/diagnosis.h"

static const char *say_arithmetic(const struct seen *s, struct vn_arena *a)
{
    return vn_arena_fmt(a, "its kernels' integers differ from those of the reference executor: %s",
                        s->tensor);
}

static const char *say_undecided(const struct seen *s, struct vn_arena *a)
{
    return vn_arena_fmt(a,
                        "input %s: the float network is less confident than with %s: %.2f times the entropy",
                        s->node, s->other, s->size);
}

static const char *say_clipped(const struct seen *s, struct vn_arena *a)
{
    return vn_arena_fmt(a, "%.2g %% of tensor %s is outside its range", 100 * s->size, s->tensor);
}

static const char *say_odd_samples(const struct seen *s, struct vn_arena *a)
{
    return vn_arena_fmt(a, "%.2g %% of tensor %s is outside its calibrated range, mostly in %s",
                        100 * s->size, s->tensor, s->other);
}

static const char *say_dominant(const struct seen *s, struct vn_arena *a)
{
    return vn_arena_fmt(a, "tensor %s is %.3g times as large in %s as in other samples", s->tensor, s->size,
                        s->other);
}

static const char *say_mask(const struct seen *s, struct vn_arena *a)
{
    return vn_arena_fmt(a,
                        "a mask moves elements of tensor %s %.3g times as far below zero as the range of the "
                        "others, which leaves the others %.3g of 256 steps",
                        s->tensor, s->size, fmax(256 / s->size, 1));
}

static const char *say_conflict(const struct seen *s, struct vn_arena *a)
{
    return vn_arena_fmt(a, "tensor %s has %.3g times the range of its input %s: %.1f bits lost", s->tensor,
                        s->size, s->other, log2(s->size));
}

static const char *say_outlier(const struct seen *s, struct vn_arena *a)
{
    return vn_arena_fmt(a, "channel %s of tensor %s is %.3g times as large as the others", s->other,
                        s->tensor, s->size);
}

static const char *say_full_bias(const struct seen *s, struct vn_arena *a)
{
    return vn_arena_fmt(
        a, "channel %s of bias %s reaches the limit of its integer type, which costs its weights %.1f bits",
        s->other, s->tensor, s->size);
}

static const char *say_function(const struct seen *s, struct vn_arena *a)
{
    return vn_arena_fmt(a, "%.0f %% of the error of tensor %s, which %s reads, is its own rounding",
                        100 * s->size, s->tensor, s->other);
}

static const char *say_shift(const struct seen *s, struct vn_arena *a)
{
    return vn_arena_fmt(a, "%.0f %% of the error of tensor %s is a shift of its channel means", 100 * s->size,
                        s->tensor);
}

static const char *say_ceiling(const struct seen *s, struct vn_arena *a)
{
    return vn_arena_fmt(a, "with every node in int16 the cosine is %.6f: bit width is not the cause",
                        1 - s->size);
}

/* A step's own finding: what it is called is what it fails with. */
#define FINDING(name, looks_at, ...) \
    { \
        name, name, SEEN_NOTHING, 0, 0, NULL, { __VA_ARGS__ }, looks_at \
    }
/* Of the task's outputs (readings.c). */
#define READING(cause, others) \
    { \
        FAILS_IN_FLOAT, cause, SEEN_ELSEWHERE, 0, 0, NULL, { NULL }, "the float model's score with " others \
    }
#define QUANTIZATION(cause, symptom, least, alone, say, looks_at, ...) \
    { \
        "quantization", cause, symptom, least, alone, say, { __VA_ARGS__ }, looks_at \
    }

const struct cause_rule vn_flow_rules[] = {
    { "float_differs",
      "first_node",
      SEEN_ELSEWHERE,
      0,
      0,
      NULL,
      { NULL },
      "the first saved tensor, with other colours and normalizations of the saved input" },
    FINDING("normalised", "finding normalised in the calibration data",
            "input_type_train=featuremap;input_type_rt=featuremap;norm_type=;mean_value=;scale_value="),
    FINDING("mean_value", "finding mean_value, or network_input whose remedy changes this key alone",
            "@finding", "@mean"),
    FINDING("scale_value", "finding scale_value, or network_input whose remedy changes this key alone",
            "@finding", "@scale"),
    FINDING("network_input", "finding network_input", "@finding"),
    FINDING("unreadable", "calibration files that do not have the size of the input", "cal_data_type=float32",
            "cal_data_type=uint8", "input_shape="),
    FINDING("configuration", "keys, words, files that are misspelt; the other layout", "@meant", "@layout",
            "input_shape="),
    { "device_colours",
      "device_colours",
      SEEN_ELSEWHERE,
      0,
      0,
      NULL,
      { NULL },
      "the same images on three paths: conversion, the device's colours, quantization" },
    FINDING("value_range", "range of luma in the dumps of a device", "@finding"),
    READING("exchanged_outputs", "other outputs; scores and boxes swapped"),
    READING("score_function", "sigmoid, softmax or no function after the outputs' scores"),
    READING("exchanged_axes", "rows and columns or x and y swapped"),
    READING("strides", "other strides of grids"),
    READING("decode", "other forms of boxes"),
    READING("channel_order", "red and blue swapped, in the task or in input_type_train"),
    READING("postprocessing", "other units, classes, blanks"),
    { "drift",
      "drift",
      SEEN_ODD_SAMPLES,
      0.001,
      0,
      say_odd_samples,
      { "@test" },
      "share of elements of test samples outside the ranges; names the samples" },
    { "jitter",
      "jitter",
      SEEN_NOTHING,
      0,
      0,
      NULL,
      { "calibration_type=default;max_percentile=", "+asymmetric", "+set_model_output_int16",
        "@int16_anyway" },
      "second differences of outputs over consecutive frames, relative to float" },
    QUANTIZATION("program_differs", SEEN_ARITHMETIC, 0, 0, say_arithmetic,
                 "strict comparison of every tensor with the reference executor", NULL),
    QUANTIZATION("network_input", SEEN_UNDECIDED, 1.25, 0, say_undecided,
                 "entropy of the float model's decisions, relative to another common normalization",
                 "@finding"),
    QUANTIZATION("clipping", SEEN_CLIPPED, 0.01, 0, say_clipped,
                 "share of a tensor's float values outside its quantized range",
                 "max_percentile=", "calibration_type=max;max_percentile=", "@int16"),
    QUANTIZATION("mask", SEEN_MASK, 32, 0, say_mask,
                 "a tensor whose elements are either far below zero or near zero", "@node_int16",
                 "@node_float"),
    QUANTIZATION("wide_range", SEEN_DOMINANT, 8, 0, say_dominant,
                 "largest magnitude of a tensor in one sample, relative to the median sample",
                 "calibration_type=default;max_percentile=", "calibration_type=max;max_percentile=0.999",
                 "calibration_type=kl;max_percentile=", "@int16"),
    QUANTIZATION("range_conflict", SEEN_CONFLICT, 24, 0, say_conflict,
                 "range of a concatenated tensor, relative to its smallest input", "@node_int16", "@int16"),
    QUANTIZATION("outlier_channel", SEEN_OUTLIER, 50, 0, say_outlier,
                 "largest magnitude of a channel, relative to the median channel", "@node_int16", "@int16"),
    QUANTIZATION("full_bias", SEEN_FULL_BIAS, 2, 0, say_full_bias, "weight bits lost to a bias near 2^30",
                 "@node_float"),
    QUANTIZATION("function_int8", SEEN_FUNCTION, 0.5, 1, say_function,
                 "share of own rounding in the error of inputs of Softmax, LayerNormalization, Gelu, ...",
                 "+set_%s_input_int16", "@int16"),
    QUANTIZATION("shifted_means", SEEN_SHIFT, 0.5, 1, say_shift,
                 "share of a tensor's error due to shifted channel means", "+bias_correction", "+asymmetric",
                 "@int16"),
    QUANTIZATION("quantization", SEEN_NOTHING, 0, 0, NULL, "none of the above",
                 "calibration_type=default;max_percentile=", "+asymmetric", "+bias_correction", "@int16"),
    QUANTIZATION("not_quantization", SEEN_CEILING, 0, 0, say_ceiling,
                 "the step still fails with every node in int16", NULL),
};
const int vn_flow_rules_count = sizeof vn_flow_rules / sizeof *vn_flow_rules;

int vn_flow_rule(int i, const char **failure, const char **cause, const char **looks_at)
{
    if (i < 0 || i >= vn_flow_rules_count)
        return 0;
    *failure = vn_flow_rules[i].failure;
    *cause = vn_flow_rules[i].cause;
    *looks_at = vn_flow_rules[i].looks_at;
    return 1;
}
