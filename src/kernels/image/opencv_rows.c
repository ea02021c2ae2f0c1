/* kernels/image/opencv_rows.c - OpenCV's separable passes: the definition of right. */
#include "kernels/image/opencv_rows_body.h"

PLAIN_ROWS(pairs_2)
PLAIN_ROWS(fixed_4)
PLAIN_ROWS(fixed_8)
PLAIN_ROWS(bytes_4)
PLAIN_ROWS(floats_2)
PLAIN_ROWS(floats_4)
PLAIN_ROWS(floats_8)

DOWN(cubic_4) { four_floats(out, (const float *const *)p, WEIGHTS(real), n); }

const struct vn_opencv_rows vn_opencv_rows_c = {
    .across = {
        [VN_ROW_LINEAR_BYTES] = pairs_2_rows,
        [VN_ROW_EXACT_BYTES] = pairs_2_rows,
        [VN_ROW_CUBIC_BYTES] = bytes_4_rows,
        [VN_ROW_CUBIC_FIXED] = fixed_4_rows,
        [VN_ROW_LANCZOS_BYTES] = fixed_8_rows,
        [VN_ROW_LINEAR_FLOATS] = floats_2_rows,
        [VN_ROW_CUBIC_FLOATS] = floats_4_rows,
        [VN_ROW_LANCZOS_FLOATS] = floats_8_rows,
    },
    .down = {
        [VN_ROW_LINEAR_BYTES] = linear_2,
        [VN_ROW_EXACT_BYTES] = exact_2,
        [VN_ROW_CUBIC_BYTES] = cubic_4,
        [VN_ROW_CUBIC_FIXED] = ints_4,
        [VN_ROW_LANCZOS_BYTES] = ints_8,
        [VN_ROW_LINEAR_FLOATS] = reals_2,
        [VN_ROW_CUBIC_FLOATS] = reals_4,
        [VN_ROW_LANCZOS_FLOATS] = reals_8,
    },
};
