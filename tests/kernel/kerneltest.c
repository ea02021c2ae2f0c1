/* tests/kernel/kerneltest.c - every kernel at every level of this CPU against a formula written from
 * kernels.h.
 *
 *     kerneltest                       all cases
 *     kerneltest --only conv_s8 --seed 1 --case 17     repeat one
 *     kerneltest --bench               times instead, with the share of what the core can do
 *     kerneltest --bench --only conv_s8    of one kernel's layers */
#include "harness.h"

#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#define PATTERN 0xa5
#define MAX_BUFFERS 64

static struct {
    void *start;
    size_t mapped; /* 0: from malloc */
} buffers[MAX_BUFFERS];
static int buffer_count;

uint64_t next(struct test *t) /* splitmix64: Steele, Lea, Flood,
    "Fast splittable pseudorandom number generators" (2014) */
{
    uint64_t z = t->rng += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

int pick(struct test *t, int lo, int hi)
{
    return (int)(lo + (int64_t)(next(t) % (uint64_t)((int64_t)hi - lo + 1)));
}
int one_in(struct test *t, int n) { return next(t) % (uint64_t)n == 0; }
float real(struct test *t, float size) { return size * ((float)(next(t) >> 40) / 8388608.0f - 1.0f); }

float odd_float(struct test *t)
{
    static const float special[] = { 0.0f,   -0.0f,   INFINITY, -INFINITY, NAN,
                                     1e-45f, -1e-40f, 3.4e38f,  -3.4e38f,  1.1754944e-38f };
    const uint32_t bits = (uint32_t)next(t);
    float f;
    memcpy(&f, &bits, sizeof f);
    return one_in(t, 3) ? special[next(t) % (sizeof special / sizeof *special)] : f;
}

void fill_s8(struct test *t, int8_t *x, size_t n)
{
    const int kind = pick(t, 0, 5), both = kind == 3;
    for (size_t i = 0; i < n; i++)
        x[i] = (int8_t)(kind == 0   ? -128
                        : kind == 1 ? 127
                        : both      ? (one_in(t, 2) ? -128 : 127)
                                    : pick(t, -128, 127));
}

void fill_s16(struct test *t, int16_t *x, size_t n)
{
    const int kind = pick(t, 0, 5), both = kind == 3;
    for (size_t i = 0; i < n; i++)
        x[i] = (int16_t)(kind == 0   ? -32768
                         : kind == 1 ? 32767
                         : both      ? (one_in(t, 2) ? -32768 : 32767)
                                     : pick(t, -32768, 32767));
}

void fill_f32(struct test *t, float *x, size_t n)
{
    const int special = one_in(t, 5);
    for (size_t i = 0; i < n; i++)
        x[i] = special && one_in(t, 40) ? odd_float(t) : real(t, 2.0f);
}

static char *new_buffer(size_t bytes)
{
    if (buffer_count == MAX_BUFFERS)
        abort();
    char *const b = malloc(bytes);
    if (!b)
        abort();
    buffers[buffer_count].mapped = 0;
    buffers[buffer_count++].start = b;
    return b;
}

void *new_paged(size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (bytes + page - 1) / page * page;
    if (buffer_count == MAX_BUFFERS)
        abort();
    char *const b = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (b == MAP_FAILED || mprotect(b + room, page, PROT_NONE))
        abort();
    buffers[buffer_count].mapped = room + page;
    buffers[buffer_count++].start = b;
    return b + (room - bytes);
}

void free_all(void)
{
    while (buffer_count) {
        buffer_count--;
        if (buffers[buffer_count].mapped)
            munmap(buffers[buffer_count].start, buffers[buffer_count].mapped);
        else
            free(buffers[buffer_count].start);
    }
}

/* Buffers start anywhere that suits a float. */
void *new_input(struct test *t, size_t bytes)
{
    const size_t shift = 4 * (size_t)pick(t, 0, 15);
    char *const b = new_buffer(shift + bytes + BIN_SLACK) + shift;
    for (int i = 0; i < BIN_SLACK; i++)
        b[bytes + i] = (char)next(t);
    return b;
}

void *new_output(size_t bytes)
{
    const size_t shift = 4 * (bytes % 16);
    char *const b = new_buffer(shift + bytes + 2 * GUARD) + shift + GUARD;
    reset_output(b, bytes);
    return b;
}

void reset_output(void *out, size_t bytes) { memset((char *)out - GUARD, PATTERN, bytes + 2 * GUARD); }

int guards_hold(const void *out, size_t bytes)
{
    const unsigned char *const b = out;
    for (int i = 0; i < GUARD; i++)
        if (b[i - GUARD] != PATTERN || b[bytes + i] != PATTERN)
            return 0;
    return 1;
}

void verdict(struct test *t, int ok, const char *level, const char *what)
{
    if (ok) {
        t->passed++;
        return;
    }
    t->failed++;
    printf("FAIL %s %s: %s   (--only %s --seed %llu --case %d)\n", t->family, level, what, t->family,
           (unsigned long long)t->seed, t->case_no);
}

static int same_floats(const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(a + i, b + i, sizeof *a) && !(a[i] != a[i] && b[i] != b[i]))
            return 0;
    return 1;
}

void check(struct test *t, const char *level, const void *got, const void *want, size_t bytes, int is_f32,
           const char *what)
{
    const int equal = is_f32 ? same_floats(got, want, bytes / sizeof(float)) : !memcmp(got, want, bytes);
    char text[512];
    snprintf(text, sizeof text, "%s%s %s", equal ? "" : "result differs, ",
             guards_hold(got, bytes) ? "" : "guard bytes overwritten, ", what);
    if (!equal && t->verbose)
        for (size_t i = 0, shown = 0; i < bytes / (is_f32 ? 4 : 1) && shown < 8; i++) {
            if (is_f32 && !same_floats((const float *)got + i, (const float *)want + i, 1) && ++shown)
                printf("  [%zu] %.9g, want %.9g\n", i, ((const float *)got)[i], ((const float *)want)[i]);
            if (!is_f32 && ((const int8_t *)got)[i] != ((const int8_t *)want)[i] && ++shown)
                printf("  [%zu] %d, want %d\n", i, ((const int8_t *)got)[i], ((const int8_t *)want)[i]);
        }
    verdict(t, equal && guards_hold(got, bytes), level, text);
}

static void find_levels(struct test *t)
{
    static const struct level all[MAX_LEVELS] = {
        { .name = "c", .cpu = 0 },
        { .name = "avx2", .cpu = VN_CPU_AVX2 },
        { .name = "avx512", .cpu = VN_CPU_AVX2 | VN_CPU_AVX512 },
        { .name = "avx512vnni", .cpu = VN_CPU_AVX2 | VN_CPU_AVX512 | VN_CPU_AVX512VNNI },
        { .name = "avx512vbmi", .cpu = VN_CPU_AVX2 | VN_CPU_AVX512 | VN_CPU_AVX512VNNI | VN_CPU_AVX512VBMI },
    };
    const uint32_t cpu = vn_kernels_cpu();
    for (int i = 0; i < MAX_LEVELS; i++)
        if ((all[i].cpu & cpu) == all[i].cpu) {
            t->level[t->levels] = all[i];
            vn_kernels_init(&t->level[t->levels++].k, all[i].cpu);
        }
}

static void run_families(struct test *t, const struct family *list, const char *only, int only_case)
{
    for (const struct family *f = list; f->name; f++) {
        if (only && strcmp(only, f->name))
            continue;
        t->family = f->name;
        for (int i = 0; i < f->cases; i++) {
            if (only_case >= 0 && i != only_case)
                continue;
            t->case_no = i;
            t->rng = t->seed * 1000003u + (uint64_t)i;
            f->run(t);
            free_all();
        }
    }
}

int main(int argc, char **argv)
{
    struct test t = { .seed = 1 };
    const char *only = NULL;
    int only_case = -1, bench = 0;
    for (int i = 1; i < argc; i++) {
        const int more = i + 1 < argc;
        if (!strcmp(argv[i], "--bench")) {
            bench = 1;
        } else if (!strcmp(argv[i], "--seed") && more) {
            t.seed = strtoull(argv[++i], NULL, 0);
        } else if (!strcmp(argv[i], "--case") && more) {
            only_case = atoi(argv[++i]);
            t.verbose = 1;
        } else if (!strcmp(argv[i], "--only") && more) {
            only = argv[++i];
        } else {
            fprintf(stderr, "usage: kerneltest [--only FAMILY] [--seed N] [--case N] [--bench]\n");
            return 2;
        }
    }
    find_levels(&t);
    if (bench) {
        bench_layers(&t, only);
        if (!only)
            bench_kernels(&t);
        return 0;
    }
    run_families(&t, num_families, only, only_case);
    run_families(&t, conv_families, only, only_case);
    run_families(&t, span_families, only, only_case);
    run_families(&t, s16_families, only, only_case);
    run_families(&t, copy_families, only, only_case);
    run_families(&t, layer_families, only, only_case);
    printf("%ld passed, %ld failed\n", t.passed, t.failed);
    return t.failed != 0;
}
