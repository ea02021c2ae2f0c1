/* The most multiply-accumulates per nanosecond that a core does, by loops of nothing else. */
#include <time.h>

#include <vernier/session.h>

#include "kernels/kernels.h"

#if defined(__x86_64__)

#define ROUNDS 100000
#define TRIES 5
#define CHAINS 12 /* sums, enough to hide the latency; what the registers hold does not matter */

#define CHAINED(step) \
    step(0) step(1) step(2) step(3) step(4) step(5) step(6) step(7) step(8) step(9) step(10) step(11)
#define LOOP(name, features, step) \
    __attribute__((target(features))) static void name(void) \
    { \
        for (int r = 0; r < ROUNDS; r++) \
            __asm__ volatile(CHAINED(step):: \
                                 : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", \
                                   "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"); \
        __asm__ volatile("vzeroupper"); \
    }
#define MADD256(n) "vpmaddwd %%ymm15, %%ymm14, %%ymm13\n\tvpaddd %%ymm13, %%ymm" #n ", %%ymm" #n "\n\t"
#define FMA256(n) "vfmadd231ps %%ymm15, %%ymm14, %%ymm" #n "\n\t"
#define MADD512(n) "vpmaddwd %%zmm15, %%zmm14, %%zmm13\n\tvpaddd %%zmm13, %%zmm" #n ", %%zmm" #n "\n\t"
#define FMA512(n) "vfmadd231ps %%zmm15, %%zmm14, %%zmm" #n "\n\t"
#define BYTES512(n) "vpdpbusd %%zmm15, %%zmm14, %%zmm" #n "\n\t"
#define WORDS512(n) "vpdpwssd %%zmm15, %%zmm14, %%zmm" #n "\n\t"
LOOP(madd256, "avx2", MADD256)
LOOP(fma256, "avx2", FMA256)
LOOP(madd512, "avx512f", MADD512)
LOOP(fma512, "avx512f", FMA512)
LOOP(bytes512, "avx512f", BYTES512)
LOOP(words512, "avx512f", WORDS512)

static const struct {
    enum vn_dtype type;
    uint32_t needs;
    void (*run)(void);
    int macs; /* per step */
} loops[] = {
    { VN_I8, VN_CPU_AVX512VNNI, bytes512, 64 }, { VN_I8, VN_CPU_AVX512, madd512, 32 },
    { VN_I8, VN_CPU_AVX2, madd256, 16 },        { VN_I16, VN_CPU_AVX512VNNI, words512, 32 },
    { VN_I16, VN_CPU_AVX512, madd512, 32 },     { VN_I16, VN_CPU_AVX2, madd256, 16 },
    { VN_F32, VN_CPU_AVX512, fma512, 16 },      { VN_F32, VN_CPU_AVX2, fma256, 8 },
};

static double nanoseconds(void (*run)(void))
{
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    run();
    clock_gettime(CLOCK_MONOTONIC, &to);
    return 1e9 * (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec);
}

double vn_peak_speed(enum vn_dtype type, uint32_t cpumask)
{
    const uint32_t cpu = vn_cpu_detect() & cpumask;
    double best = 0;
    for (size_t i = 0; i < sizeof loops / sizeof *loops; i++) {
        if (loops[i].type != type || !(cpu & loops[i].needs))
            continue;
        for (int k = 0; k < TRIES; k++) {
            const double speed = (double)ROUNDS * CHAINS * loops[i].macs / nanoseconds(loops[i].run);
            best = speed > best ? speed : best;
        }
        break;
    }
    return best;
}

#else

double vn_peak_speed(enum vn_dtype type, uint32_t cpumask)
{
    (void)type, (void)cpumask;
    return 0;
}

#endif
