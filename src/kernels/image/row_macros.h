/* kernels/image/row_macros.h - what the bodies of rows share. */
#ifndef VN_ROW_MACROS_H
#define VN_ROW_MACROS_H

/* Constants in the call make copies of the loop. */
#define ROW_INLINE static inline __attribute__((always_inline))

static inline int row_clamp(int x, int lo, int hi) { return x < lo ? lo : x > hi ? hi : x; }

#endif
