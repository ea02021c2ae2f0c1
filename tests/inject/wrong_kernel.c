/* The command line with one kernel that is wrong, for tools/inject_faults.py. VERNIER_WRONG_KERNEL names it:
 * a field of struct vn_kernels. The linker puts it in place (--wrap=vn_kernels_init); the program has no such
 * switch. */
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"

void __real_vn_kernels_init(struct vn_kernels *k, uint32_t cpu);
void __wrap_vn_kernels_init(struct vn_kernels *k, uint32_t cpu);

static struct vn_kernels right;

static enum vn_binary other(enum vn_binary op) { return op == VN_BIN_MAX ? VN_BIN_MIN : VN_BIN_MAX; }

/* One line of padding too many. */
#define CONV(field, params, in, out_type) \
    static void field(out_type *out, const in *x, const struct params *p, int row0, int row1, int kb0, \
                      int kb1) \
    { \
        struct params q = *p; \
        q.g.ph++; \
        right.field(out, x, &q, row0, row1, kb0, kb1); \
    }
CONV(conv_s8, vn_conv_s8, int8_t, void)
CONV(dwconv_s8, vn_conv_s8, int8_t, void)
CONV(conv_s16, vn_conv_s16, int16_t, void)
CONV(dwconv_s16, vn_conv_s16, int16_t, void)
CONV(conv_f32, vn_conv_f32, float, float)
CONV(dwconv_f32, vn_conv_f32, float, float)

/* The last product of each sum is missing. */
#define MATMUL(field, type, out_type) \
    static void field(out_type *c, const type *a, const type *b, const struct vn_matmul *p, int row0, \
                      int row1) \
    { \
        struct vn_matmul q = *p; \
        q.k--; \
        right.field(c, a, b, &q, row0, row1); \
    }
MATMUL(matmul_s8, int8_t, void)
MATMUL(matmul_s16, int16_t, void)
MATMUL(matmul_f32, float, float)

/* Another operation. */
#define BINARY(field, type) \
    static void field(type *out, const type *a, const type *b, size_t n, int step_a, int step_b, \
                      const struct vn_binary_s8 *p) \
    { \
        struct vn_binary_s8 q = *p; \
        q.op = other(q.op); \
        right.field(out, a, b, n, step_a, step_b, &q); \
    }
BINARY(binary_s8, int8_t)
BINARY(binary_s16, int16_t)

static void binary_f32(float *out, const float *a, const float *b, size_t n, int step_a, int step_b,
                       enum vn_binary op)
{
    right.binary_f32(out, a, b, n, step_a, step_b, other(op));
}

/* Truncation in place of rounding. */
#define QUANTIZE(field, type) \
    static void field(type *out, const float *x, size_t n, float scale, int32_t zero) \
    { \
        right.field(out, x, n, scale, zero); \
        for (size_t i = 0; i < n; i++) { \
            const int32_t q = (int32_t)(x[i] / scale) + zero; \
            out[i] = q < out[i] && q == (type)q ? (type)q : out[i]; \
        } \
    }
QUANTIZE(quantize_s8, int8_t)
QUANTIZE(quantize_s16, int16_t)

static void dequantize_s8(float *out, const int8_t *x, size_t n, float scale, int32_t zero)
{
    right.dequantize_s8(out, x, n, scale, zero + 1);
}

static void dequantize_s16(float *out, const int16_t *x, size_t n, float scale, int32_t zero)
{
    right.dequantize_s16(out, x, n, scale, zero + 1);
}

static void clamp_f32(float *out, const float *x, size_t n, float lo, float hi)
{
    right.clamp_f32(out, x, n, lo + 0.01f, hi);
}

static void table_s8(int8_t *out, const int8_t *x, size_t n, const int8_t table[256])
{
    right.table_s8(out, x, n, table);
    out[n - 1] ^= 1;
}

static void unary_f32(float *out, const float *x, size_t n, enum vn_unary op, float alpha, float beta)
{
    right.unary_f32(out, x, n, op, alpha, beta);
    out[n - 1] += 0.001f;
}

static void region_u8(uint8_t *out, const uint8_t *above, const uint8_t *below, const struct vn_tap *tap,
                      int n, int size, int weight)
{
    right.region_u8(out, above, below, tap, n, size, weight);
    out[n * size - 1] ^= 1;
}

#define WRONG(field) \
    { \
#field, offsetof(struct vn_kernels, field), (void (*)(void))field \
    }
#define SWAPPED(field, with) \
    { \
#field, offsetof(struct vn_kernels, field), NULL, offsetof(struct vn_kernels, with) \
    }
static const struct {
    const char *name;
    size_t at;
    void (*wrong)(void);
    size_t with; /* wrong NULL: the kernel of this field */
} wrongs[] = {
    WRONG(conv_s8),
    WRONG(dwconv_s8),
    WRONG(conv_s16),
    WRONG(dwconv_s16),
    WRONG(conv_f32),
    WRONG(dwconv_f32),
    WRONG(matmul_s8),
    WRONG(matmul_s16),
    WRONG(matmul_f32),
    WRONG(binary_s8),
    WRONG(binary_s16),
    WRONG(binary_f32),
    WRONG(quantize_s8),
    WRONG(quantize_s16),
    WRONG(dequantize_s8),
    WRONG(dequantize_s16),
    WRONG(clamp_f32),
    WRONG(table_s8),
    WRONG(unary_f32),
    WRONG(region_u8),
    SWAPPED(maxpool_s8, avgpool_s8),
    SWAPPED(avgpool_s8, maxpool_s8),
    SWAPPED(maxpool_s16, avgpool_s16),
    SWAPPED(avgpool_s16, maxpool_s16),
    SWAPPED(maxpool_f32, avgpool_f32),
    SWAPPED(avgpool_f32, maxpool_f32),
};

void __wrap_vn_kernels_init(struct vn_kernels *k, uint32_t cpu)
{
    const char *name = getenv("VERNIER_WRONG_KERNEL");
    __real_vn_kernels_init(k, cpu);
    right = *k;
    for (size_t i = 0; name && i < sizeof wrongs / sizeof wrongs[0]; i++)
        if (!strcmp(wrongs[i].name, name))
            memcpy((char *)k + wrongs[i].at,
                   wrongs[i].wrong ? (const void *)&wrongs[i].wrong : (const char *)&right + wrongs[i].with,
                   sizeof(void *));
}
