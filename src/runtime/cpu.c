/* CPU features: what this machine has, and words for masks of them. */
#include <vernier/runtime.h>

#include <string.h>

#include "kernels/kernels.h"

static const struct {
    const char *word;
    uint32_t mask;
} masks[] = { { "all", ~0u },
              { "c", 0 },
              { "avx2", VN_CPU_AVX2 },
              { "avx512", VN_CPU_AVX2 | VN_CPU_AVX512 },
              { "avx512vnni", VN_CPU_AVX2 | VN_CPU_AVX512 | VN_CPU_AVX512VNNI },
              { "avx512vbmi", VN_CPU_AVX2 | VN_CPU_AVX512 | VN_CPU_AVX512VNNI | VN_CPU_AVX512VBMI },
              { "neon", VN_CPU_NEON },
              { "dotprod", VN_CPU_NEON | VN_CPU_DOTPROD } };

uint32_t vn_cpu_detect(void) { return vn_kernels_cpu(); }

int vn_cpu_find(uint32_t *mask, const char *word)
{
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++)
        if (!strcmp(word, masks[i].word)) {
            *mask = masks[i].mask;
            return VN_OK;
        }
    return VN_E_USAGE;
}
