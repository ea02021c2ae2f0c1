/* result/: parts of a job join to what the whole finds, to the byte; files are checked. */
#include "base/hash.h"
#include "result/result.h"
#include "unit.h"

/* ---- exact sums ---- */

static double sum_of(struct vn_arena *a, const double *x, int n)
{
    struct exact_sums *s = NEW(a, struct exact_sums);
    vn_exact_sums_start(s, a, 1);
    for (int i = 0; i < n; i++)
        vn_exact_sums_add(s, a, 0, x[i]);
    return vn_exact_sums_value(s, 0);
}

static void same_double(double got, double expected)
{
    if (isnan(expected) ? !isnan(got) : memcmp(&got, &expected, sizeof got))
        fail_msg("got %a, expected %a", got, expected);
}

static void sums_with_known_values(void **state)
{
    (void)state;
    static const struct {
        int n;
        double x[6], sum;
    } cases[] = {
        { 0, { 0 }, 0 },
        { 2, { -0.0, -0.0 }, 0 },
        { 3, { 1, 0x1p-60, -1 }, 0x1p-60 },
        { 4, { 1e100, 1, -1e100, 1 }, 2 },
        { 2, { 1, 0x1p-53 }, 1 }, /* a tie, to even */
        { 2, { 1 + 0x1p-52, 0x1p-53 }, 1 + 0x1p-51 }, /* a tie, up */
        { 3, { 1, 0x1p-53, 0x1p-1074 }, 1 + 0x1p-52 }, /* no tie */
        { 3, { 1, 0x1p-53, -0x1p-1074 }, 1 },
        { 3, { -1, -0x1p-53, -0x1p-1074 }, -1 - 0x1p-52 },
        { 3, { 0x1p-1074, 0x1p-1074, 0x1p-1074 }, 0x3p-1074 },
        { 2, { 0x1p-1022, -0x1p-1074 }, 0x1p-1022 - 0x1p-1074 },
        { 4, { 1e308, 1e308, -1e308, 1e-308 }, 1e308 },
        { 5, { 1e308, 1e-308, 1e308, -1e308, -1e308 }, 1e-308 },
        { 2, { 1e308, 1e308 }, INFINITY },
        { 2, { -1e308, -1e308 }, -INFINITY },
        { 2, { 0x1.fffffffffffffp1023, 0x1p969 }, 0x1.fffffffffffffp1023 }, /* below half a unit more */
        { 2, { 0x1.fffffffffffffp1023, 0x1p970 }, INFINITY },
        { 3, { INFINITY, 1, -1e308 }, INFINITY },
        { 2, { -INFINITY, 1e308 }, -INFINITY },
        { 2, { INFINITY, -INFINITY }, NAN },
        { 2, { NAN, 1 }, NAN },
        { 2, { -INFINITY, NAN }, NAN },
    };
    struct vn_arena *a = vn_arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        same_double(sum_of(a, cases[i].x, cases[i].n), cases[i].sum);
    vn_arena_free(&a);
}

static double any_double(int lo, int hi)
{
    const double m = (double)(unit_random() >> 11) * 0x1p-53;
    return ldexp(unit_pick(0, 1) ? -m : m, unit_pick(lo, hi));
}

static void shuffle_doubles(double *x, int n)
{
    for (int i = n - 1; i > 0; i--) {
        const int k = unit_pick(0, i);
        const double t = x[i];
        x[i] = x[k];
        x[k] = t;
    }
}

/* Everything cancels but one term. */
static void sums_that_cancel(void **state)
{
    (void)state;
    struct vn_arena *a = vn_arena_new();
    double x[401];
    for (int round = 0; round < 300; round++) {
        const int n = unit_pick(0, 200);
        for (int i = 0; i < n; i++)
            x[2 * i + 1] = -(x[2 * i] = any_double(-1073, 1024));
        x[2 * n] = any_double(-1073, 1024);
        const double expected = x[2 * n] + 0.0;
        shuffle_doubles(x, 2 * n + 1);
        same_double(sum_of(a, x, 2 * n + 1), expected);
    }
    vn_arena_free(&a);
}

/* Terms that are integers times a power of two: the sum in 64 bits, rounded once. */
static void sums_of_integers(void **state)
{
    (void)state;
    struct vn_arena *a = vn_arena_new();
    double x[500];
    for (int round = 0; round < 300; round++) {
        const int n = unit_pick(1, 500), exponent = unit_pick(-1074, 900);
        int64_t sum = 0;
        for (int i = 0; i < n; i++) {
            const int64_t k = (int64_t)(unit_random() >> unit_pick(11, 60)) * (unit_pick(0, 2) ? 1 : -1);
            sum += k;
            x[i] = ldexp((double)k, exponent);
        }
        same_double(sum_of(a, x, n), ldexp((double)sum, exponent));
    }
    vn_arena_free(&a);
}

/* ---- results of parts ---- */

#define SAMPLES 60

static struct vn_result *new_result(struct vn_arena *a)
{
    struct vn_result *r = vn_result_new(a, "test");
    vn_result_belongs(r, "network", 0x1234);
    vn_result_belongs(r, "data", 0x5678);
    return r;
}

/* What each sample adds depends on its index alone. */
static void add_sample(struct vn_result *r, struct vn_arena *a, int i)
{
    unit_seed = 77 + (uint64_t)i;
    const double edges[] = { 0, -0.0, NAN, -INFINITY, 1e308, -1e308, 0x1p-1074 };
    float x[50];
    double v[3];
    for (int k = 0; k < 50; k++)
        x[k] = i % 7 ? ldexpf(unit_real(1), unit_pick(-140, i % 5 ? -20 : 100)) : k % 2 ? -0.0f : 0;
    for (int k = 0; k < 3; k++)
        v[k] = unit_pick(0, 5) ? any_double(-1000, 1000) : edges[unit_pick(0, 6)];
    ((struct counter *)vn_result_entry(r, RESULT_counter, "n"))->n += 3;
    vn_sample_set_add(vn_result_entry(r, RESULT_samples, "done"), a, (uint64_t)i);
    struct exact_sums *s = vn_result_entry(r, RESULT_sums, unit_pick(0, 1) ? "a" : "b");
    vn_exact_sums_start(s, a, 3);
    for (int k = 0; k < 3; k++)
        vn_exact_sums_add(s, a, k, v[k]);
    vn_minimum_add(vn_result_entry(r, RESULT_minimum, "v"), (uint64_t)i, v[unit_pick(0, 1)]);
    vn_maximum_add(vn_result_entry(r, RESULT_maximum, "v"), (uint64_t)i, v[2]);
    vn_first_values_add(vn_result_entry(r, RESULT_first, "v"), a, (uint64_t)i, 3 * (i > 2), v);
    vn_sample_records_add(vn_result_entry(r, RESULT_records, "v"), a, (uint64_t)i, unit_pick(0, 3), v);
    struct histogram *h = vn_result_entry(r, RESULT_histogram, i % 3 ? "h" : "g");
    assert_int_equal(vn_histogram_add(h, x, 50), VN_OK);
}

struct bytes {
    const uint8_t *v;
    size_t n;
};

static struct bytes bytes_of(struct vn_arena *a, const struct vn_result *r)
{
    struct vn_err e;
    struct bytes b;
    OK(vn_result_bytes(&b.v, &b.n, a, r, &e));
    return b;
}

static void same_bytes(struct bytes x, struct bytes y)
{
    assert_int_equal(x.n, y.n);
    assert_memory_equal(x.v, y.v, x.n);
}

static struct vn_result *whole_result(struct vn_arena *a)
{
    struct vn_result *r = new_result(a);
    for (int i = 0; i < SAMPLES; i++)
        add_sample(r, a, i);
    return r;
}

/* Each sample in one of n parts; every other part goes through a file's bytes. */
static void divide(struct vn_result **part, int n, struct vn_arena *a, uint64_t seed)
{
    struct vn_err e;
    for (int k = 0; k < n; k++)
        part[k] = new_result(a);
    for (int i = 0; i < SAMPLES; i++) {
        unit_seed = seed * 1000 + (uint64_t)i;
        add_sample(part[unit_pick(0, n - 1)], a, i);
    }
    for (int k = 0; k < n; k += 2) {
        const struct bytes b = bytes_of(a, part[k]);
        OK(vn_result_parse(&part[k], a, b.v, b.n, "part", &e));
    }
}

static void any_grouping_in_any_order(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 60; round++) {
        struct vn_err e;
        struct vn_arena *a = vn_arena_new();
        struct vn_result *part[9];
        unit_seed = round;
        int n = unit_pick(1, 9);
        divide(part, n, a, round);
        unit_seed = round + 500;
        while (n > 1) { /* any two become one */
            const int i = unit_pick(0, n - 1), k = (i + unit_pick(1, n - 1)) % n;
            OK(vn_result_merge(part[i], part[k], &e));
            part[k] = part[--n];
        }
        same_bytes(bytes_of(a, part[0]), bytes_of(a, whole_result(a)));
        vn_arena_free(&a);
    }
}

static void empty_results_change_nothing(void **state)
{
    (void)state;
    struct vn_err e;
    struct vn_arena *a = vn_arena_new();
    struct vn_result *whole = whole_result(a), *copy = new_result(a);
    for (int k = 0; k < RESULT_KINDS; k++)
        vn_result_entry(copy, (enum result_id)k, "empty");
    const struct bytes b = bytes_of(a, copy);
    struct vn_result *read;
    OK(vn_result_parse(&read, a, b.v, b.n, "empty", &e));
    same_bytes(bytes_of(a, read), b);
    OK(vn_result_merge(read, copy, &e));
    same_bytes(bytes_of(a, read), b);
    copy = new_result(a);
    OK(vn_result_merge(copy, whole, &e));
    OK(vn_result_merge(copy, new_result(a), &e));
    same_bytes(bytes_of(a, copy), bytes_of(a, whole));
    vn_arena_free(&a);
}

static void files_return_to_the_bit(void **state)
{
    (void)state;
    struct vn_err e;
    struct vn_arena *a = vn_arena_new();
    const char *path = vn_arena_fmt(a, "%s/whole.vnr", unit_folder(a));
    struct vn_result *whole = whole_result(a), *read;
    OK(vn_result_write(whole, path, &e));
    OK(vn_result_read(&read, a, path, &e));
    same_bytes(bytes_of(a, read), bytes_of(a, whole));
    const struct exact_sums *x = vn_result_find(whole, RESULT_sums, "a"),
                            *y = vn_result_find(read, RESULT_sums, "a");
    for (int k = 0; k < 3; k++)
        same_double(vn_exact_sums_value(y, k), vn_exact_sums_value(x, k));
    assert_null(vn_result_find(read, RESULT_counter, "a"));
    const struct sample_set *done = vn_result_find(read, RESULT_samples, "done");
    assert_true(done->all.n == 1 && vn_sample_set_count(done) == SAMPLES);
    assert_true(vn_sample_set_missing(done, SAMPLES) == SAMPLES &&
                vn_sample_set_missing(done, 99) == SAMPLES);
    remove(path);
    vn_arena_free(&a);
}

/* ---- what does not fit ---- */

static void expect_refusal(struct vn_result *to, const struct vn_result *from, const char *text)
{
    struct vn_err e = { 0 };
    assert_int_equal(vn_result_merge(to, from, &e), VN_E_INPUT);
    if (!strstr(e.msg, text))
        fail_msg("expected '%s', got '%s'", text, e.msg);
}

static struct vn_result *result_of(struct vn_arena *a, const char *job, const char *to, uint64_t hash)
{
    struct vn_result *r = vn_result_new(a, job);
    vn_result_belongs(r, to, hash);
    return r;
}

static void other_jobs_are_refused(void **state)
{
    (void)state;
    struct vn_arena *a = vn_arena_new();
    struct vn_result *r = result_of(a, "calibration", "network", 1);
    expect_refusal(r, result_of(a, "comparison", "network", 1), "job comparison, expected calibration");
    expect_refusal(r, result_of(a, "calibration", "network", 2),
                   "network has hash 0000000000000002, expected 0000000000000001");
    expect_refusal(r, result_of(a, "calibration", "data", 1),
                   "expected the hash of a network as in this result, got that of a data");
    expect_refusal(r, vn_result_new(a, "calibration"), "expected 1 hashes as in this result, got 0");
    vn_arena_free(&a);
}

static void common_samples_are_refused(void **state)
{
    (void)state;
    struct vn_arena *a = vn_arena_new();
    const double x = 1, y = 2;
    struct vn_result *one[3], *two[3];
    for (int k = 0; k < 3; k++) {
        one[k] = new_result(a);
        two[k] = new_result(a);
    }
    for (uint64_t i = 0; i < 10; i += 3)
        vn_sample_set_add(vn_result_entry(one[0], RESULT_samples, "done"), a, i);
    for (uint64_t i = 4; i < 7; i++)
        vn_sample_set_add(vn_result_entry(two[0], RESULT_samples, "done"), a, i);
    expect_refusal(one[0], two[0], "samples done: sample 6 is in both");
    vn_sample_records_add(vn_result_entry(one[1], RESULT_records, "empty"), a, 3, 0,
                          NULL); /* equal ones are one */
    vn_sample_records_add(vn_result_entry(two[1], RESULT_records, "empty"), a, 3, 0, NULL);
    vn_sample_records_add(vn_result_entry(one[1], RESULT_records, "r"), a, 3, 1, &x);
    vn_sample_records_add(vn_result_entry(two[1], RESULT_records, "r"), a, 3, 1, &y);
    expect_refusal(one[1], two[1], "records r: sample 3 has different values in both");
    vn_exact_sums_start(vn_result_entry(one[2], RESULT_sums, "s"), a, 2);
    vn_exact_sums_start(vn_result_entry(two[2], RESULT_sums, "s"), a, 3);
    expect_refusal(one[2], two[2], "sums s: expected 2 sums, got 3");
    vn_arena_free(&a);
}

static void shards_are_checked(void **state)
{
    (void)state;
    struct vn_err e;
    static const struct vn_shard good[] = { { 0, 0 }, { 0, 1 }, { 2, 3 } },
                                 bad[] = { { 3, 3 }, { -1, 2 }, { 1, 1 }, { 0, -1 } };
    for (int i = 0; i < 3; i++)
        OK(vn_shard_check(&good[i], &e));
    for (int i = 0; i < 4; i++)
        assert_int_equal(vn_shard_check(&bad[i], &e), VN_E_USAGE);
    assert_true(vn_shard_has(&good[0], 5) && vn_shard_has(&good[2], 5) && !vn_shard_has(&good[2], 6));
}

/* ---- hostile files ---- */

static void repair(uint8_t *data, size_t n)
{
    if (n < RESULT_CHECKSUM + 8)
        return;
    const uint64_t h = vn_hash(data, n, RESULT_CHECKSUM);
    memcpy(data + RESULT_CHECKSUM, &h, sizeof h);
}

/* From malloc, so that sanitizers see a read behind the end. An accepted file is the only form of what it
 * says. */
static int parse(const uint8_t *data, size_t n, struct vn_err *e)
{
    uint8_t *copy = malloc(n ? n : 1);
    struct vn_arena *a = vn_arena_new();
    struct vn_result *r;
    assert_non_null(copy);
    memcpy(copy, data, n);
    const int status = vn_result_parse(&r, a, copy, n, "x.vnr", e);
    if (status == VN_OK)
        same_bytes(bytes_of(a, r), (struct bytes){ copy, n });
    else
        assert_memory_equal(e->msg, "x.vnr: ", 7);
    vn_arena_free(&a);
    free(copy);
    return status;
}

static void damaged_files(void **state)
{
    (void)state;
    struct vn_err e;
    struct vn_arena *a = vn_arena_new();
    struct vn_result *r = new_result(a);
    for (int i = 0; i < 9; i++)
        add_sample(r, a, i);
    const struct bytes b = bytes_of(a, r);
    uint8_t *data = vn_arena_copy(a, b.v, b.n);
    for (size_t n = 0; n < b.n; n++) {
        assert_true(parse(b.v, n, &e) < 0);
        memcpy(data, b.v, n);
        repair(data, n);
        assert_true(parse(data, n, &e) < 0);
    }
    for (int round = 0; round < 20000; round++) {
        memcpy(data, b.v, b.n);
        for (int k = unit_pick(1, 3); k > 0; k--)
            data[unit_pick(0, (int)b.n - 1)] ^= (uint8_t)(1 << unit_pick(0, 7));
        repair(data, b.n);
        parse(data, b.n, &e);
    }
    vn_arena_free(&a);
}

#define HEAD "vnresult\1\0\0\0\0\0\0\0CHECKSUM"
#define BIG "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1" /* the largest integer */

static void files_that_say_wrong_things(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t n;
        const char *text;
    } cases[] = {
#define FILE_OF(data) data, sizeof data - 1
        { FILE_OF("vnresult"), "not the result" },
        { FILE_OF("vnresulx\1\0\0\0\0\0\0\0CHECKSUM\1j\0\0"), "not the result" },
        { FILE_OF("vnresult\7\0\0\0\0\0\0\0CHECKSUM\1j\0\0"), "expected a result of version 1, got 7" },
        { FILE_OF(HEAD "\5j"), "job: 5, but 1 bytes follow" },
        { FILE_OF(HEAD "\2j\0\0\0"), "job: byte 0 in a string" },
        { FILE_OF(HEAD "\1j" BIG), "number of hashes: 18446744073709551615, but 0 bytes follow" },
        { FILE_OF(HEAD "\1j\0" BIG), "number of entries: 18446744073709551615, but 0 bytes follow" },
        { FILE_OF(HEAD "\1j\0\x80"), "byte 27: number of entries: truncated" },
        { FILE_OF(HEAD "\1j\0\x80\0"), "integer longer than necessary" },
        { FILE_OF(HEAD "\1j\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\2"), "integer of more than 64 bits" },
        { FILE_OF(HEAD "\1j\0\0!"), "1 bytes after the last entry" },
        { FILE_OF(HEAD "\1j\0\1\1e\x63\0"), "kind of an entry: expected at most 7, got 99" },
        { FILE_OF(HEAD "\1j\0\1\1e\0\2\1\1"), "counter e: 1 bytes left over" },
        { FILE_OF(HEAD "\1j\0\2\1e\0\1\1\1e\0\1\1"), "counter e: duplicate, or out of order" },
        { FILE_OF(HEAD "\1j\0\2\1f\0\1\1\1e\0\1\1"), "counter e: duplicate, or out of order" },
        { FILE_OF(HEAD "\1j\0\1\1e\1\xb" BIG "\0"),
          "samples e: number of ranges: 18446744073709551615, but 1 bytes" },
        { FILE_OF(HEAD "\1j\0\1\1e\1\5\2\0\1\0\1"),
          "range 1 of samples is empty, or continues the previous one" },
        { FILE_OF(HEAD "\1j\0\1\1e\1\xd\1\1" BIG "\0"),
          "length of a range: expected at most 18446744073709551614" },
        { FILE_OF(HEAD "\1j\0\1\1e\2\4\1\0\0\x7f"), "sums e: sum: expected 127 bytes, got 0: truncated" },
        { FILE_OF(HEAD "\1j\0\1\1e\2\4\1\x10\0\0"), "flags of a sum: expected at most 15, got 16" },
        { FILE_OF(HEAD "\1j\0\1\1e\2\5\1\0\0\1\0"), "sum longer than necessary" },
        { FILE_OF(HEAD "\1j\0\1\1e\2\4\1\x8\0\0"), "sum longer than necessary" },
        { FILE_OF(HEAD "\1j\0\1\1e\2\6\1\0\x8f\2\1\1"), "offset of a sum: expected at most 270, got 271" },
        { FILE_OF(HEAD "\1j\0\1\1e\3\x9\0\0\0\0\0\0\0\x80\1"), "value: expected neither -0 nor NaN" },
        { FILE_OF(HEAD "\1j\0\1\1e\5\2\1\0"), "expected at least one" },
        { FILE_OF(HEAD "\1j\0\1\1e\6\x1\x9"), "histogram e: minimum: expected 4 bytes, got 0: truncated" },
        { FILE_OF(HEAD "\1j\0\1\1e\6\x9\1\0\0\x80\x7f\0\0\x80\x7f"),
          "minimum: expected a finite number other than -0, got inf" },
        { FILE_OF(HEAD "\1j\0\1\1e\6\x9\1\0\0\x80\x3f\0\0\0\0"), "minimum 1 is above maximum 0" },
        { FILE_OF(HEAD "\1j\0\1\1e\6\xc\2\0\0\0\0\0\0\0\0\1\0\1"),
          "bins up to 0 with 1 values, expected up to 0 with 2" },
        { FILE_OF(HEAD "\1j\0\1\1e\6\xf\2\0\0\0\0\0\0\0\0\2\xff\x1f\1\x1f\1"),
          "gap between bins: expected at most 0, got 4095" },
        { FILE_OF(HEAD "\1j\0\1\1e\6\xe\2\0\0\0\0\0\0\0\0\2\0\1\0\1"),
          "number of bins: 2, but bin 0, of the largest magnitude, is number 1" },
        { FILE_OF(HEAD "\1j\0\1\1e\7\5\2\1\0\1\0"), "record of sample 1: out of order" },
        { FILE_OF(HEAD "\1j\0\1\1e\7\3\1\1\5"), "values of a sample: 5, but 0 bytes follow" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vn_err e = { 0 };
        uint8_t data[100];
        memcpy(data, cases[i].data, cases[i].n);
        repair(data, cases[i].n);
        assert_int_equal(parse(data, cases[i].n, &e), VN_E_INPUT);
        if (!strstr(e.msg, cases[i].text))
            fail_msg("expected '%s', got '%s'", cases[i].text, e.msg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_with_known_values),
        cmocka_unit_test(sums_that_cancel),
        cmocka_unit_test(sums_of_integers),
        cmocka_unit_test(any_grouping_in_any_order),
        cmocka_unit_test(empty_results_change_nothing),
        cmocka_unit_test(files_return_to_the_bit),
        cmocka_unit_test(other_jobs_are_refused),
        cmocka_unit_test(common_samples_are_refused),
        cmocka_unit_test(shards_are_checked),
        cmocka_unit_test(damaged_files),
        cmocka_unit_test(files_that_say_wrong_things),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
