/* image/simd.h - inner loops are compiled twice, for what every x86-64 has and for AVX2; the loader picks. Same results: no fused
 * multiply-add but by fmaf, no other order. VN_IMAGE_PLAIN leaves out all that asks the CPU: a test compares. */
#ifndef VN_IMAGE_SIMD_H
#define VN_IMAGE_SIMD_H

#define VN_INLINE inline __attribute__((always_inline)) /* constants in the call make copies of the loop */

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(VN_IMAGE_PLAIN) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define VN_SIMD __attribute__((target_clones("avx2", "default"), optimize("O3")))
#define VN_SIMD_FMA __attribute__((target_clones("fma", "default"), optimize("O3"))) /* for what calls fmaf */
#else
#define VN_SIMD_FMA __attribute__((optimize("O3")))
#define VN_SIMD __attribute__((optimize("O3")))
#endif

#endif
