/* kernels/region.c - a row of a resized region (docs/numerics.md, section 7): the C reference. */
#include "kernels/kernels.h"
#include "num/num.h"

void vn_region_u8_c(uint8_t *out, const uint8_t *above, const uint8_t *below, const struct vn_tap *tap, int n,
                    int size, int weight)
{
    for (int i = 0; i < n; i++, out += size) {
        const int a = tap[i].at * size, b = tap[i].weight ? a + size : a;
        for (int c = 0; c < size; c++)
            out[c] = vn_region_pixel(above[a + c], above[b + c], below[a + c], below[b + c], tap[i].weight,
                                     weight);
    }
}
