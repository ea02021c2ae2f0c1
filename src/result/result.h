/* result/result.h - what a part of a job found; parts join to exactly what the whole job finds.
 *
 * A job runs over samples 0, 1, 2, ...; a part of it runs over some of them and fills a result: named
 * entries, each of a kind (results.def). Joining is exact and commutative, associative: the bytes of the file
 * do not depend on how a job was divided, nor on the order in which its parts were joined.
 *
 *     struct vn_result *r = vn_result_new(a, "calibration");
 *     vn_result_belongs(r, "network", hash);                   once for each thing that the numbers depend on
 *     vn_exact_sums_add(vn_result_entry(r, RESULT_sums, "loss"), a, 0, loss);
 *     vn_result_write(r, "part1.vnr", &err);
 *
 *     vn_result_read(&other, a, "part2.vnr", &err);
 *     vn_result_merge(r, other, &err);
 *
 * A file is binary, since histograms and exact sums are large as text and doubles must return to the bit: an
 * eight-byte magic, a version, a checksum, then the entries in order of name and kind, each number in its one
 * shortest form. Reading refuses any other form, so what was read is written back as the same bytes. All that
 * is read is checked.
 */
#ifndef VN_RESULT_H
#define VN_RESULT_H

#include "base/arena.h"
#include "base/err.h"
#include "result/histogram.h"

struct vn_result;

enum result_id {
#define RESULT(name) RESULT_##name,
#include "result/results.def"
#undef RESULT
    RESULT_KINDS
};

/* An empty result in `a`. `job` names what was done ("calibration"): results of other jobs are not joined
 * with it. */
struct vn_result *vn_result_new(struct vn_arena *a, const char *job);
/* For messages; the path of a result that was read. */
void vn_result_set_name(struct vn_result *r, const char *name);
/* The numbers depend on this: joining refuses results for which it has another hash, and names it. */
void vn_result_belongs(struct vn_result *r, const char *to, uint64_t hash);
/* VN_E_INPUT unless both are of one job and depend on the same things. */
int vn_result_same_job(const struct vn_result *r, const struct vn_result *other, struct vn_err *e);

/* The entry of this name and kind, a struct of the kind's below; made, empty, where it is absent. */
void *vn_result_entry(struct vn_result *r, enum result_id kind, const char *name);
/* NULL: absent. */
const void *vn_result_find(const struct vn_result *r, enum result_id kind, const char *name);

/* Join `from` to `to`; nothing of `from` is borrowed. VN_E_INPUT where they are of different jobs, have
 * samples in common or do not fit; `to` is of no further use then. */
int vn_result_merge(struct vn_result *to, const struct vn_result *from, struct vn_err *e);

/* Sample i was done; each in rising order. */
void vn_result_did(struct vn_result *r, uint64_t sample);
/* Read n files and join them to `to`, which then must have done samples 0 .. samples - 1, each once, and no
 * others: VN_E_INPUT names one that is in two files or in none. */
int vn_result_join(struct vn_result *to, uint64_t samples, int n, const char *const *paths, struct vn_err *e);

/* The bytes of a file, in `a`; VN_E_UNSUPPORTED beyond 2 GB. */
int vn_result_bytes(const uint8_t **data, size_t *bytes, struct vn_arena *a, const struct vn_result *r,
                    struct vn_err *e);
int vn_result_write(const struct vn_result *r, const char *path, struct vn_err *e);
/* `name` begins messages. VN_E_INPUT: not a result, of another version, damaged; with the place. */
int vn_result_parse(struct vn_result **out, struct vn_arena *a, const uint8_t *data, size_t bytes,
                    const char *name, struct vn_err *e);
int vn_result_read(struct vn_result **out, struct vn_arena *a, const char *path, struct vn_err *e);

#define RESULT_CHECKSUM 16 /* offset of the file's checksum: vn_hash of all, these 8 bytes as zero */

/* ---- the part of a job that a result covers ---- */

/* Samples i with i % of == index. { 0, 1 }, or { 0, 0 }: all. */
struct vn_shard {
    int index, of;
};
static inline int vn_shard_has(const struct vn_shard *s, int sample)
{
    return s->of <= 1 || sample % s->of == s->index;
}
/* VN_E_USAGE unless 0 <= index < of. */
int vn_shard_check(const struct vn_shard *s, struct vn_err *e);

/* ---- kinds of entries: zeroed memory is an empty one, and joining it changes nothing ---- */

struct counter { /* RESULT_counter: add to n */
    uint64_t n;
};

/* RESULT_samples: which samples were done. Joining refuses a sample that is in both. */
struct sample_range {
    uint64_t first, end;
};
struct sample_set {
    VEC(struct sample_range) all; /* rising, with gaps between them */
};
void vn_sample_set_add(struct sample_set *s, struct vn_arena *a,
                       uint64_t sample); /* above all that are in it */
uint64_t vn_sample_set_count(const struct sample_set *s);
/* The first of samples 0 .. n - 1 that is absent; n: none. */
uint64_t vn_sample_set_missing(const struct sample_set *s, uint64_t n);

/* RESULT_sums: sums of doubles without any rounding but that of the final value: each is one integer in units
 * of 2^-1074, wide enough for all terms: a superaccumulator (Kulisch, "Computer Arithmetic and Validity",
 * 2008, chapter 8: "long accumulator"). Up to 2^63 terms. All sums of an entry have the same words in memory,
 * only those that some term reached. */
struct exact_sums {
    int n; /* sums */
    int low, words; /* of each sum: words low .. low + words - 1 of 64 bits, the last one carries and sign */
    uint64_t *w; /* n x words, two's complement, least first */
    uint8_t *special; /* of each: infinities and NaN that were added */
};
/* n empty sums, where there are none yet. */
void vn_exact_sums_start(struct exact_sums *s, struct vn_arena *a, int n);
void vn_exact_sums_add(struct exact_sums *s, struct vn_arena *a, int i, double x);
/* The sum, rounded to nearest, ties to even, as math.fsum of Python: beyond the largest double an infinity;
 * with infinities of one sign among the terms that infinity; with both, or NaN, NaN; +0 where nothing is
 * left. */
double vn_exact_sums_value(const struct exact_sums *s, int i);

/* RESULT_minimum, RESULT_maximum: the value and the lowest sample that has it. NaN is beyond any number in
 * both; -0 is 0. */
struct extreme {
    int found;
    double value;
    uint64_t sample;
};
void vn_minimum_add(struct extreme *m, uint64_t sample, double x);
void vn_maximum_add(struct extreme *m, uint64_t sample, double x);

/* RESULT_first: numbers of the lowest sample that has any. */
struct first_values {
    uint64_t sample;
    int n; /* 0: none yet */
    const double *v;
};
void vn_first_values_add(struct first_values *f, struct vn_arena *a, uint64_t sample, int n, const double *v);

/* RESULT_records: numbers of each sample. A sample that is in both must have the same ones. */
struct sample_record {
    uint64_t sample;
    int n;
    const double *v;
};
struct sample_records {
    VEC(struct sample_record) all; /* rising */
};
void vn_sample_records_add(struct sample_records *s, struct vn_arena *a, uint64_t sample, int n,
                           const double *v); /* above all that are in it */

/* RESULT_histogram: histogram.h */

#endif
