/* inspect/inspect.h - networks compared, as numbers: never text for humans. Verification:
 * vernier/verify.h. */
#ifndef VN_INSPECT_H
#define VN_INSPECT_H

#include "base/listen.h"
#include "data/samples.h"
#include "result/result.h"
#include "session/session.h"
#include "session/similarity.h"

/* ---- float against quantized, node by node ---- */

struct node_similarity {
    int exact; /* integers or booleans: the cosines below are shares of equal elements */
    struct similarity first; /* first sample */
    double min, mean; /* cosine over all samples; mean: an exact sum, divided */
    int worst; /* sample of the minimum */
    int samples;
};
struct comparison {
    int n; /* values of the quantized graph */
    struct node_similarity *of; /* by value id; samples 0: not seen in both */
    /* What `of` is made from: by value name the first sample, the minimum, the sum of cosines, their
     * number. */
    struct vn_result *result;
};
struct compare_options {
    struct vn_options run;
    int limit; /* maximum number of samples; 0: all */
    struct vn_shard part; /* of them; as zeroed: all */
    /* By value id of the quantized graph, 1: compare it; NULL: all. */
    const unsigned char *wanted;
    int level; /* fusion of both programs; what is fused away and wanted is computed once more */
    const struct vn_listener *listener; /* NULL: none */
    const char *what; /* for the listener */
    const struct vn_odd_listener *odd; /* NULL: nobody wants to see the worst samples */
};
/* Both graphs have the same value names. */
int vn_compare_graphs(struct comparison **out, struct vn_arena *a, const struct graph *reference,
                      const struct graph *quantized, const struct vn_samples *s,
                      const struct compare_options *o, struct vn_err *e);
/* The comparison of the whole from n files of parts (vn_result_write of comparison.result), in any order;
 * errors as of vn_calibrate_join. */
int vn_compare_join(struct comparison **out, struct vn_arena *a, const struct graph *reference,
                    const struct graph *quantized, const struct vn_samples *s,
                    const struct compare_options *o, int n, const char *const *parts, struct vn_err *e);

#endif
