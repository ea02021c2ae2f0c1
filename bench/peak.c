/* peak - the speed of one core without memory: operations per nanosecond (2 for a multiply-accumulate) of a
 * loop of vpdpbusd on registers, or of the FMA loop with "float". 0: this CPU has no such instructions. */
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { CHAINS = 16, TURNS = 2000000, TRIES = 5 };

#if defined __x86_64__
#include <immintrin.h>

__attribute__((target("avx512f,avx512vnni"))) static int run_int8(void)
{
    __m512i acc[CHAINS] = { _mm512_setzero_si512() };
    const __m512i x = _mm512_set1_epi8(3), w = _mm512_set1_epi8(-2);
    for (int i = 0; i < TURNS; i++) {
#pragma GCC unroll 16
        for (int k = 0; k < CHAINS; k++) {
            acc[k] = _mm512_dpbusd_epi32(acc[k], x, w);
            __asm__ volatile("" : "+v"(acc[k]));
        }
    }
    return _mm512_reduce_add_epi32(acc[0]);
}

__attribute__((target("avx512f"))) static int run_float(void)
{
    __m512 acc[CHAINS] = { _mm512_setzero_ps() };
    const __m512 x = _mm512_set1_ps(0.5f);
    for (int i = 0; i < TURNS; i++) {
#pragma GCC unroll 16
        for (int k = 0; k < CHAINS; k++) {
            acc[k] = _mm512_fmadd_ps(acc[k], x, x);
            __asm__ volatile("" : "+v"(acc[k]));
        }
    }
    return _mm512_reduce_add_ps(acc[0]) > 0;
}

static int can_run(int is_float)
{
    return __builtin_cpu_supports("avx512f") && (is_float || __builtin_cpu_supports("avx512vnni"));
}
#else
static int run_int8(void) { return 0; }
static int run_float(void) { return 0; }
static int can_run(int is_float) { return is_float & 0; }
#endif

static double seconds(int (*run)(void))
{
    struct timespec from, to;
    static volatile int sink;
    clock_gettime(CLOCK_MONOTONIC, &from);
    sink = run();
    clock_gettime(CLOCK_MONOTONIC, &to);
    (void)sink;
    return (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
}

int main(int argc, char **argv)
{
    const int is_float = argc > 1 && !strcmp(argv[1], "float");
    const double operations = 2.0 * TURNS * CHAINS * (is_float ? 16 : 64);
    double best = 0;
    for (int i = 0; i < TRIES && can_run(is_float); i++) {
        const double speed = operations / seconds(is_float ? run_float : run_int8) * 1e-9;
        best = speed > best ? speed : best;
    }
    printf("%.1f\n", best);
    return 0;
}
