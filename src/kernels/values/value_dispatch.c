/* kernels/values/value_dispatch.c - which loops over elements are used: one row for each level of the CPU. */
#include <stdatomic.h>
#include <vernier/runtime.h>

#include "kernels/kernels.h"
#include "kernels/values/value_kernels.h"

static const struct vn_value_kernels *const levels[] = { &vn_value_kernels_c,
#if defined(__x86_64__)
                                                         &vn_value_kernels_avx2, &vn_value_kernels_avx512
#endif
};

static _Atomic(const struct vn_value_kernels *) chosen;

const struct vn_value_kernels *vn_value_kernels_for(uint32_t cpu)
{
    const struct vn_value_kernels *best = levels[0];
    for (size_t i = 1; i < sizeof levels / sizeof *levels; i++)
        if ((levels[i]->cpu & cpu) == levels[i]->cpu)
            best = levels[i];
    return best;
}

void vn_value_cpu(uint32_t mask) { atomic_store(&chosen, vn_value_kernels_for(vn_kernels_cpu() & mask)); }

const struct vn_value_kernels *vn_value_kernels_chosen(void)
{
    if (!atomic_load(&chosen))
        vn_value_cpu(~0u);
    return atomic_load(&chosen);
}
