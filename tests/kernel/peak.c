/* tests/kernel/peak.c - the most multiply-accumulates per nanosecond that this core does at each level, by
 * loops of nothing else. */
#include "harness.h"

#include <time.h>

#define ROUNDS 200000
#define CHAINS 12

double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

#if defined(__x86_64__)

/* A loop of one step on twelve sums, enough to hide the latency. What the registers hold does not matter. */
#define TWELVE(step) \
    step(0) step(1) step(2) step(3) step(4) step(5) step(6) step(7) step(8) step(9) step(10) step(11)
#define STEPS(name, features, step) \
    __attribute__((target(features))) static void name(void) \
    { \
        for (int r = 0; r < ROUNDS; r++) \
            __asm__ volatile(TWELVE(step):: \
                                 : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", \
                                   "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"); \
        __asm__ volatile("vzeroupper"); \
    }
#define MADD256(n) "vpmaddwd %%ymm15, %%ymm14, %%ymm13\n\tvpaddd %%ymm13, %%ymm" #n ", %%ymm" #n "\n\t"
#define FMA256(n) "vfmadd231ps %%ymm15, %%ymm14, %%ymm" #n "\n\t"
#define MADD512(n) "vpmaddwd %%zmm15, %%zmm14, %%zmm13\n\tvpaddd %%zmm13, %%zmm" #n ", %%zmm" #n "\n\t"
#define FMA512(n) "vfmadd231ps %%zmm15, %%zmm14, %%zmm" #n "\n\t"
#define DOT512(n) "vpdpbusd %%zmm15, %%zmm14, %%zmm" #n "\n\t"
STEPS(madd256, "avx2", MADD256)
STEPS(fma256, "avx2", FMA256)
STEPS(madd512, "avx512f", MADD512)
STEPS(fma512, "avx512f", FMA512)
STEPS(dot512, "avx512f", DOT512)

static const struct {
    void (*run)(void);
    int macs; /* per step */
} loops[MAX_LEVELS][2] = {
    { { 0 }, { 0 } },
    { { madd256, 16 }, { fma256, 8 } },
    { { madd512, 32 }, { fma512, 16 } },
    { { dot512, 64 }, { fma512, 16 } },
    { { dot512, 64 }, { fma512, 16 } },
};

double peak_speed(int level, int is_f32)
{
    static double known[MAX_LEVELS][2];
    for (int i = 0; i < 5 && loops[level][is_f32].run; i++) {
        const double start = now();
        loops[level][is_f32].run();
        const double speed = (double)ROUNDS * CHAINS * loops[level][is_f32].macs / (now() - start);
        known[level][is_f32] = speed > known[level][is_f32] ? speed : known[level][is_f32];
    }
    return known[level][is_f32];
}
#else
double peak_speed(int level, int is_f32)
{
    (void)level, (void)is_f32;
    return 0;
}
#endif
