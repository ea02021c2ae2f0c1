/* kernels/image/image_dispatch.c - which inner loops image functions use: one row for each level of the
 * CPU, all families in it. */
#include <stdatomic.h>

#include "kernels/image/image_kernels.h"
#include "kernels/kernels.h"
#include "vernier/runtime.h"

#define FAMILIES(isa) \
    &vn_pixel_rows_##isa, &vn_opencv_rows_##isa, &vn_area_rows_##isa, &vn_pillow_rows_##isa, \
        &vn_torchvision_rows_##isa, &vn_skimage_rows_##isa

static const struct vn_image_kernels levels[] = {
    { 0, FAMILIES(c) },
#if defined(__x86_64__)
    { VN_CPU_AVX2, FAMILIES(avx2) },
#endif
};

static _Atomic(const struct vn_image_kernels *) chosen;

const struct vn_image_kernels *vn_image_kernels_for(uint32_t cpu)
{
    const struct vn_image_kernels *best = levels;
    for (size_t i = 1; i < sizeof levels / sizeof *levels; i++)
        if ((levels[i].cpu & cpu) == levels[i].cpu)
            best = &levels[i];
    return best;
}

void vn_image_cpu(uint32_t mask) { atomic_store(&chosen, vn_image_kernels_for(vn_kernels_cpu() & mask)); }

const struct vn_image_kernels *vn_image_kernels_chosen(void)
{
    if (!atomic_load(&chosen))
        vn_image_cpu(~0u);
    return atomic_load(&chosen);
}
