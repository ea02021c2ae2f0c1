/* image/resize_x86.h - AVX2 bodies of resizing; each does a part and says how much, the C beside it does the rest. */
#ifndef VN_RESIZE_X86_H
#define VN_RESIZE_X86_H

#include <stddef.h>
#include <stdint.h>

#define VN_SPLIT 11 /* weight = high * 2^11 + low, 0 <= low < 2^11 */

int vn_image_has_avx2(void);

/* Pillow's passes, c = 3 or 4. `high` and `low` have `most` entries for each output index, a multiple of 4, zero behind `count`.
 * `end` is behind the last byte that may be read. Returns the number of pixels done. */
int vn_row_weigh_avx2(uint8_t *out, const uint8_t *in, const uint8_t *end, int w, int c, const int *first, const int *count, const int16_t *high,
                      const int16_t *low, int most);
/* One row from n rows; returns the number of values done. */
size_t vn_column_weigh_avx2(uint8_t *out, const uint8_t *in, const int16_t *high, const int16_t *low, int n, size_t row);
/* OpenCV's linear, c = 3 or 4: weights are pairs of 16 bits. `out` has room for 4 values behind its end. */
int vn_row_linear_avx2(int16_t *out, const uint8_t *in, const uint8_t *end, int w, int c, const int *index, const int32_t *weights);
/* OpenCV's area, c = 3 or 4: `out` has room for 4 values behind its end. Parts as in resize_opencv.c. */
int vn_row_area_avx2(float *out, const uint8_t *in, const uint8_t *end, int w, int c, const int *start, const int *from, const float *weight);
/* OpenCV's cubic in float32, c = 3 or 4: four source pixels and weights for each output pixel. `out` as above. */
int vn_row_cubic_avx2(float *out, const uint8_t *in, const uint8_t *end, int w, int c, const int *index, const float *weight);

#endif
