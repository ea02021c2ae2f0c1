/* kernels/image/pillow_rows.c - Pillow's passes: the definition of right. */
#include "kernels/image/pillow_rows_body.h"

static void across(uint8_t *out, const uint8_t *in, const uint8_t *end, const struct vn_pillow_taps *t, int w,
                   int c)
{
    (void)end;
    across_from(out, in, t, 0, w, c);
}

static void down(uint8_t *out, const uint8_t *in, const struct vn_pillow_taps *t, int i, size_t row)
{
    down_from(out, in, t->weight + (size_t)i * t->most, t->count[i], 0, row);
}

const struct vn_pillow_rows vn_pillow_rows_c = { across, down };
