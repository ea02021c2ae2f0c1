/* tests/kernel/harness.h - what the kernel tests share: repeatable random numbers, guarded buffers, the list
 * of levels. */
#ifndef HARNESS_H
#define HARNESS_H

#include "kernels/kernels.h"
#include "num/num.h"
#include "vernier/runtime.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_LEVELS 5

struct level {
    const char *name;
    uint32_t cpu;
    struct vn_kernels k;
};

struct test {
    uint64_t rng;
    uint64_t seed;
    const char *family;
    int case_no;
    int levels; /* level[0] is C */
    struct level level[MAX_LEVELS];
    long passed, failed;
    int verbose;
};

struct family {
    const char *name;
    void (*run)(struct test *t);
    int cases;
};
extern const struct family conv_families[], span_families[], s16_families[], num_families[], copy_families[],
    layer_families[];

/* ---- random ---- */

uint64_t next(struct test *t);
int pick(struct test *t, int lo, int hi); /* both ends included */
int one_in(struct test *t, int n);
float real(struct test *t, float size); /* uniform in [-size, size] */
float odd_float(struct test *t); /* any bits: NaN, infinities, subnormals */
void fill_s8(struct test *t, int8_t *x, size_t n); /* random, or all at one end */
void fill_s16(struct test *t, int16_t *x, size_t n);
void fill_f32(struct test *t, float *x, size_t n); /* random, rarely with special values */

/* ---- buffers ---- */

#define GUARD 64
/* An input with BIN_SLACK random bytes behind it. All buffers are released by free_all. */
void *new_input(struct test *t, size_t bytes);
/* An output: guards on both sides, all filled with one pattern. */
void *new_output(size_t bytes);
void reset_output(void *out, size_t bytes);
int guards_hold(const void *out, size_t bytes);
/* Ends at a page that cannot be touched; starts anywhere that suits a float if bytes does. */
void *new_paged(size_t bytes);
void free_all(void);

/* ---- verdicts: equal bytes (floats: any NaN equals any NaN), guards untouched; prints how to repeat a
 * failure ---- */

void check(struct test *t, const char *level, const void *got, const void *want, size_t bytes, int is_f32,
           const char *what);
void verdict(struct test *t, int ok, const char *level, const char *what);

/* ---- times ---- */

double median_ns(const struct vn_kernels *k, void (*call)(const struct vn_kernels *, void *), void *ctx);
void bench_kernels(struct test *t);
void bench_layers(struct test *t, const char *only); /* kernel, NULL: all */

#endif
