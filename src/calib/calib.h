/* calib/calib.h - ranges of activations from samples: one streamed pass whose memory does not grow with their
 * number. */
#ifndef VN_CALIB_H
#define VN_CALIB_H

#include "base/listen.h"
#include "data/samples.h"
#include "ops/masks.h"
#include "result/result.h"

typedef int vn_histogram_fn(struct histogram *h, const float *x, size_t n);
/* vn_histogram_add or vn_histogram_add_range of a view; float32 elements that lie close together, in whatever
 * order, are not copied. */
int vn_histogram_add_view(struct histogram *h, const struct vn_view *v, vn_histogram_fn *add);

/* A calibrator: one file, one line in calib.def. */
struct calibrator {
    const char *name;
    const char *help;
    /* The largest magnitude to keep; above 0 unless all values are zero. `levels` integers lie between zero
     * and it: 127 to 255. */
    double (*threshold)(const struct histogram *h, double parameter, int levels);
};
extern const struct calibrator *const vn_calibrators[];
extern const int vn_calibrators_count;
const struct calibrator *vn_calibrator_find(const char *name);

/* ---- collecting ---- */

/* Sums along one axis, for values that weights are applied to. */
struct channel_sums {
    int axis, n;
    double *sum; /* n entries */
    uint64_t count; /* elements behind each */
};

/* What `of` leaves out. */
struct hidden_elements {
    uint64_t masked; /* elements */
    uint64_t infinite; /* in a value that carries no mask, which has no range then */
    double least_top; /* of a softmax's lines: the least of their largest elements; NaN: none */
};

struct vn_ranges {
    int n; /* values of the graph */
    const struct histogram **of; /* by value id; NULL: not seen */
    struct channel_sums **means; /* by value id; NULL: not the input of an operator with weights */
    const struct mask *masks; /* by value id: whose masked elements were left out of `of` */
    struct hidden_elements *hidden; /* by value id */
    /* What all of these are made from: vn_result_write keeps it. By value name a histogram, sums of each
     * channel and the elements behind one, the least top; by "masked NAME", "infinite NAME" numbers of
     * elements. */
    struct vn_result *result;
};
struct vn_calibrate_options {
    struct vn_options run;
    struct vn_shard part; /* of the samples; as zeroed: all of them */
    int bins; /* of magnitudes, too (default); 0: only least and largest */
    int means; /* of channels, too (default): what bias correction requires */
    int random; /* the samples mean nothing: what is NaN with them has no range, and is no error */
    const struct vn_listener *listener; /* NULL: none */
};
void vn_calibrate_options_default(struct vn_calibrate_options *o);
/* Run the samples of a part through the float graph and collect all its activations. A channel's sum within a
 * sample is in the order of memory, the sum of those is exact: parts that are joined give the ranges of the
 * whole, to the bit. */
int vn_calibrate(struct vn_ranges **out, struct vn_arena *a, const struct graph *g,
                 const struct vn_samples *s, const struct vn_calibrate_options *o, struct vn_err *e);

/* What one run collects of n sets of samples, each on its own. */
struct vn_folds {
    int n;
    struct vn_result **part;
    const char *job; /* all parts belong to these */
    uint64_t network, samples;
};
/* of: by sample its set, 0 to n - 1; NULL: all are in the first. */
int vn_calibrate_folds(struct vn_folds *f, struct vn_arena *a, const struct graph *g,
                       const struct vn_samples *s, const struct vn_calibrate_options *o, int n, const int *of,
                       struct vn_err *e);
/* Ranges of all sets but `without` (-1: of all): those that vn_calibrate gives of these samples alone. */
int vn_folds_join(struct vn_ranges **out, struct vn_arena *a, const struct graph *g, const struct vn_folds *f,
                  int without, struct vn_err *e);

/* The ranges of the whole from n files of parts (vn_result_write), in any order. VN_E_INPUT where a file is
 * damaged, belongs to another network, other samples or another version, or where a sample is in two parts or
 * in none. */
int vn_calibrate_join(struct vn_ranges **out, struct vn_arena *a, const struct graph *g,
                      const struct vn_samples *s, const struct vn_calibrate_options *o, int n,
                      const char *const *parts, struct vn_err *e);

#endif
