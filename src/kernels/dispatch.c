/* kernels/dispatch.c - which kernel runs: C first, then each level of the CPU overwrites what it does better.
 */
#include "kernels/kernels.h"
#include "vernier/runtime.h"

/* GCC's and clang's answer includes whether the operating system saves the wide registers. */
uint32_t vn_kernels_cpu(void)
{
    uint32_t cpu = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return cpu;
    cpu |= VN_CPU_AVX2;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
        return cpu;
    cpu |= VN_CPU_AVX512;
    if (__builtin_cpu_supports("avx512vnni"))
        cpu |= VN_CPU_AVX512VNNI;
    if (cpu & VN_CPU_AVX512VNNI && __builtin_cpu_supports("avx512vbmi"))
        cpu |= VN_CPU_AVX512VBMI;
#endif
    return cpu;
}

#if defined(__x86_64__)
/* kernels/spans_body.h */
#define SPANS(level) \
    k->clamp_s8 = vn_clamp_s8_##level; \
    k->clamp_f32 = vn_clamp_f32_##level; \
    k->rescale_s8 = vn_rescale_s8_##level; \
    k->rescale_s8_s16 = vn_rescale_s8_s16_##level; \
    k->rescale_s16_s8 = vn_rescale_s16_s8_##level; \
    k->rescale_s16 = vn_rescale_s16_##level; \
    k->unary_f32 = vn_unary_f32_##level; \
    k->squash_f64 = vn_squash_f64_##level;

/* kernels/integer_body.h */
#define INTEGERS(level, width) \
    k->binary_##width = vn_binary_##width##_##level; \
    k->quantize_##width = vn_quantize_##width##_##level; \
    k->dequantize_##width = vn_dequantize_##width##_##level; \
    k->normalize_##width = vn_normalize_##width##_##level;

/* kernels/x86/softmax_body.h */
#define SOFTMAX(level) \
    k->softmax_s8 = vn_softmax_s8_##level; \
    k->softmax_s16 = vn_softmax_s16_##level; \
    k->softmax_f32 = vn_softmax_f32_##level;

static void init_x86(struct vn_kernels *k, uint32_t cpu)
{
    if (!(cpu & VN_CPU_AVX2))
        return;
    k->conv_s8 = vn_conv_s8_avx2;
    k->conv_s16 = vn_conv_s16_avx2;
    k->dwconv_s16 = vn_dwconv_s16_avx2;
    k->matmul_s16 = vn_matmul_s16_avx2;
    SPANS(avx2)
    SOFTMAX(avx2)
    INTEGERS(avx2, s8)
    INTEGERS(avx2, s16)
    k->maxpool_s16 = vn_maxpool_s16_avx2;
    k->avgpool_s16 = vn_avgpool_s16_avx2;
    k->resize_linear_s8 = vn_resize_linear_s8_avx2;
    k->resize_linear_s16 = vn_resize_linear_s16_avx2;
    k->resize_linear_f32 = vn_resize_linear_f32_avx2;
    k->dwconv_s8 = vn_dwconv_s8_avx2;
    k->conv_f32 = vn_conv_f32_avx2;
    k->dwconv_f32 = vn_dwconv_f32_avx2;
    k->matmul_s8 = vn_matmul_s8_avx2;
    k->matmul_f32 = vn_matmul_f32_avx2;
    k->binary_f32 = vn_binary_f32_avx2;
    k->dots_f64 = vn_dots_f64_avx2;
    k->normalize_f32 = vn_normalize_f32_avx2;
    k->table_s8 = vn_table_s8_avx2;
    k->maxpool_s8 = vn_maxpool_s8_avx2;
    k->avgpool_s8 = vn_avgpool_s8_avx2;
    k->maxpool_f32 = vn_maxpool_f32_avx2;
    k->avgpool_f32 = vn_avgpool_f32_avx2;
    k->preprocess_s8 = vn_preprocess_s8_avx2;
    k->preprocess_s16 = vn_preprocess_s16_avx2;
    k->copy_rows = vn_copy_rows_avx2;
    k->transpose = vn_transpose_avx2;
    k->copy_strided = vn_copy_strided_avx2;

    if (!(cpu & VN_CPU_AVX512))
        return;
    k->resize_linear_s8 = vn_resize_linear_s8_avx512;
    k->resize_linear_s16 = vn_resize_linear_s16_avx512;
    k->resize_linear_f32 = vn_resize_linear_f32_avx512;
    SPANS(avx512)
    SOFTMAX(avx512)
    INTEGERS(avx512, s8)
    INTEGERS(avx512, s16)
    k->dots_f64 = vn_dots_f64_avx512;
    k->normalize_f32 = vn_normalize_f32_avx512;
    k->conv_f32 = vn_conv_f32_avx512;
    k->dwconv_f32 = vn_dwconv_f32_avx512;

    if (!(cpu & VN_CPU_AVX512VNNI))
        return;
    k->conv_s8 = vn_conv_s8_avx512vnni;
    k->dwconv_s8 = vn_dwconv_s8_avx512vnni;
    k->conv_s16 = vn_conv_s16_avx512vnni;
    k->dwconv_s16 = vn_dwconv_s16_avx512vnni;
    k->matmul_s8 = vn_matmul_s8_avx512vnni;
    k->matmul_s16 = vn_matmul_s16_avx512vnni;

    if (!(cpu & VN_CPU_AVX512VBMI))
        return;
    k->table_s8 = vn_table_s8_avx512vbmi;
    k->softmax_s8 = vn_softmax_s8_avx512vbmi;
}
#endif

void vn_kernels_init(struct vn_kernels *k, uint32_t cpu)
{
    *k = (struct vn_kernels){
        .conv_s8 = vn_conv_s8_c,
        .dwconv_s8 = vn_dwconv_s8_c,
        .conv_s16 = vn_conv_s16_c,
        .dwconv_s16 = vn_dwconv_s16_c,
        .matmul_s16 = vn_matmul_s16_c,
        .binary_s16 = vn_binary_s16_c,
        .quantize_s16 = vn_quantize_s16_c,
        .dequantize_s16 = vn_dequantize_s16_c,
        .rescale_s8 = vn_rescale_s8_c,
        .rescale_s8_s16 = vn_rescale_s8_s16_c,
        .rescale_s16_s8 = vn_rescale_s16_s8_c,
        .rescale_s16 = vn_rescale_s16_c,
        .maxpool_s16 = vn_maxpool_s16_c,
        .avgpool_s16 = vn_avgpool_s16_c,
        .resize_linear_s8 = vn_resize_linear_s8_c,
        .resize_linear_s16 = vn_resize_linear_s16_c,
        .resize_linear_f32 = vn_resize_linear_f32_c,
        .softmax_s8 = vn_softmax_s8_c,
        .softmax_s16 = vn_softmax_s16_c,
        .softmax_f32 = vn_softmax_f32_c,
        .normalize_s8 = vn_normalize_s8_c,
        .normalize_s16 = vn_normalize_s16_c,
        .normalize_f32 = vn_normalize_f32_c,
        .conv_f32 = vn_conv_f32_c,
        .dwconv_f32 = vn_dwconv_f32_c,
        .matmul_s8 = vn_matmul_s8_c,
        .matmul_f32 = vn_matmul_f32_c,
        .binary_s8 = vn_binary_s8_c,
        .binary_f32 = vn_binary_f32_c,
        .clamp_s8 = vn_clamp_s8_c,
        .clamp_f32 = vn_clamp_f32_c,
        .table_s8 = vn_table_s8_c,
        .quantize_s8 = vn_quantize_s8_c,
        .dequantize_s8 = vn_dequantize_s8_c,
        .unary_f32 = vn_unary_f32_c,
        .squash_f64 = vn_squash_f64_c,
        .dots_f64 = vn_dots_f64_c,
        .maxpool_s8 = vn_maxpool_s8_c,
        .avgpool_s8 = vn_avgpool_s8_c,
        .maxpool_f32 = vn_maxpool_f32_c,
        .avgpool_f32 = vn_avgpool_f32_c,
        .preprocess_s8 = vn_preprocess_s8_c,
        .preprocess_s16 = vn_preprocess_s16_c,
        .region_u8 = vn_region_u8_c,
        .copy_rows = vn_copy_rows_c,
        .transpose = vn_transpose_c,
        .copy_strided = vn_copy_strided_c,
    };
#if defined(__x86_64__)
    init_x86(k, cpu);
#else
    (void)cpu;
#endif
}
