/* kernels/image/area_rows.c - OpenCV's area: the definition of right. */
#include "kernels/image/area_rows_body.h"

static void gather_bytes(float *out, const void *row, size_t values, const struct vn_parts *x, int w, int c)
{
    (void)values;
    part_bytes(out, row, x, 0, w, c);
}

static void gather_floats(float *out, const void *row, size_t values, const struct vn_parts *x, int w, int c)
{
    (void)values;
    part_floats(out, row, x, 0, w, c);
}

static void halve(uint8_t *out, const uint8_t *p, const uint8_t *q, int w, int c)
{
    halve_from(out, p, q, 0, w, c);
}

const struct vn_area_rows vn_area_rows_c = AREA_ROWS;
