#include "tensor/tensor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name;
    int bytes, is_float, bits, is_signed;
} dtypes[] = {
    [VN_F32] = { "float32", 4, 1, 0, 1 },   [VN_U8] = { "uint8", 1, 0, 8, 0 },
    [VN_I8] = { "int8", 1, 0, 8, 1 },       [VN_U16] = { "uint16", 2, 0, 16, 0 },
    [VN_I16] = { "int16", 2, 0, 16, 1 },    [VN_I32] = { "int32", 4, 0, 32, 1 },
    [VN_I64] = { "int64", 8, 0, 64, 1 },    [VN_BOOL] = { "bool", 1, 0, 1, 0 },
    [VN_F16] = { "float16", 2, 1, 0, 1 },   [VN_F64] = { "float64", 8, 1, 0, 1 },
    [VN_U32] = { "uint32", 4, 0, 32, 0 },   [VN_U64] = { "uint64", 8, 0, 64, 0 },
    [VN_BF16] = { "bfloat16", 2, 1, 0, 1 },
};
#define N_DTYPES ((int)(sizeof dtypes / sizeof *dtypes))

static int known(enum vn_dtype t) { return (int)t > 0 && (int)t < N_DTYPES && dtypes[t].name; }

const char *vn_dtype_name(enum vn_dtype t) { return known(t) ? dtypes[t].name : "?"; }
size_t vn_dtype_size(enum vn_dtype t) { return known(t) ? (size_t)dtypes[t].bytes : 0; }
int vn_dtype_is_float(enum vn_dtype t) { return known(t) && dtypes[t].is_float; }

enum vn_dtype vn_dtype_from_name(const char *name)
{
    for (int i = 1; i < N_DTYPES; i++)
        if (known(i) && !strcmp(dtypes[i].name, name))
            return i;
    return VN_NONE;
}

struct vn_shape vn_shape_of(int rank, const int64_t *d)
{
    struct vn_shape s = { .rank = rank };
    for (int i = 0; i < rank; i++)
        s.d[i] = d[i];
    return s;
}

struct vn_shape vn_shape_unknown(void) { return (struct vn_shape){ .rank = -1 }; }

int vn_shape_equal(const struct vn_shape *a, const struct vn_shape *b)
{
    return a->rank == b->rank && (a->rank <= 0 || !memcmp(a->d, b->d, (size_t)a->rank * sizeof *a->d));
}

int vn_shape_is_static(const struct vn_shape *s) { return vn_shape_count(s) >= 0; }

int64_t vn_shape_count(const struct vn_shape *s)
{
    if (s->rank < 0)
        return -1;
    int64_t n = 1;
    int empty = 0;
    for (int i = 0; i < s->rank; i++) {
        if (s->d[i] < 0)
            return -1;
        if (s->d[i] == 0)
            empty = 1;
        else if (n > ((int64_t)1 << 62) / s->d[i])
            return -1;
        else
            n *= s->d[i];
    }
    return empty ? 0 : n;
}

const char *vn_shape_text(const struct vn_shape *s, char *buf)
{
    if (s->rank <= 0)
        return strcpy(buf, s->rank < 0 ? "?" : "scalar");
    char *p = buf;
    for (int i = 0; i < s->rank; i++) {
        const char *sep = i ? "x" : "";
        p += s->d[i] < 0 ? sprintf(p, "%s?", sep) : sprintf(p, "%s%lld", sep, (long long)s->d[i]);
    }
    return buf;
}

int vn_shape_parse(struct vn_shape *s, const char *text, struct vn_err *e)
{
    s->rank = 0;
    if (!strcmp(text, "scalar"))
        return VN_OK;
    for (const char *p = text;;) {
        char *end;
        const long long d = *p >= '0' && *p <= '9' ? strtoll(p, &end, 10) : -1;
        if (d < 0 || d > INT32_MAX || s->rank == VN_MAX_RANK)
            return vn_fail(
                e, VN_E_USAGE,
                "'%s' is not a shape: expected up to %d integers separated by x, such as 1x3x224x224", text,
                VN_MAX_RANK);
        s->d[s->rank++] = d;
        if (!*end)
            return VN_OK;
        p = *end == 'x' || *end == 'X' || *end == ',' ? end + 1 : end;
        if (p == end)
            return vn_fail(e, VN_E_USAGE, "'%s' is not a shape: unexpected '%c'", text, *end);
    }
}

int vn_shape_broadcast(struct vn_shape *out, const struct vn_shape *a, const struct vn_shape *b,
                       struct vn_err *e)
{
    const int rank = a->rank > b->rank ? a->rank : b->rank;
    struct vn_shape s = { .rank = rank };
    for (int i = 0; i < rank; i++) {
        const int64_t x = i < rank - a->rank ? 1 : a->d[i - (rank - a->rank)];
        const int64_t y = i < rank - b->rank ? 1 : b->d[i - (rank - b->rank)];
        if (x != y && x != 1 && y != 1) {
            char ta[VN_SHAPE_TEXT], tb[VN_SHAPE_TEXT];
            return vn_fail(e, VN_E_INPUT, "shapes %s and %s do not broadcast", vn_shape_text(a, ta),
                           vn_shape_text(b, tb));
        }
        s.d[i] = x == 1 ? y : x;
    }
    *out = s;
    return VN_OK;
}

int vn_shape_axis(const struct vn_shape *s, int64_t axis)
{
    if (axis < -s->rank || axis >= s->rank)
        return -1;
    return (int)(axis < 0 ? axis + s->rank : axis);
}

int vn_shape_coordinate(const struct vn_shape *s, int axis, int64_t i)
{
    int64_t inner = 1;
    for (int k = axis + 1; axis >= 0 && k < s->rank; k++)
        inner *= s->d[k];
    return axis < 0 ? 0 : (int)(i / inner % s->d[axis]);
}

void vn_shape_strides(const struct vn_shape *s, int64_t *stride)
{
    int64_t n = 1;
    for (int i = s->rank - 1; i >= 0; i--) {
        stride[i] = n;
        n *= s->d[i];
    }
}

size_t vn_tensor_bytes(const struct vn_tensor *t)
{
    const int64_t n = vn_shape_count(&t->shape);
    return n < 0 ? 0 : (size_t)n * vn_dtype_size(t->dtype);
}

struct vn_tensor *vn_tensor_new(struct vn_arena *a, enum vn_dtype t, const struct vn_shape *s)
{
    struct vn_tensor *x = NEW(a, struct vn_tensor);
    *x = (struct vn_tensor){ .dtype = t, .shape = *s };
    x->data = vn_arena_alloc(a, vn_tensor_bytes(x));
    return x;
}

static uint64_t load(const struct vn_tensor *t, int64_t i)
{
    const int n = dtypes[t->dtype].bytes;
    uint64_t u = 0;
    memcpy(&u, (const char *)t->data + i * n, (size_t)n);
    return u;
}

static void store(struct vn_tensor *t, int64_t i, uint64_t u)
{
    const int n = dtypes[t->dtype].bytes;
    memcpy((char *)t->data + i * n, &u, (size_t)n);
}

static float bits_to_f32(uint64_t u)
{
    const uint32_t w = (uint32_t)u;
    float f;
    memcpy(&f, &w, sizeof f);
    return f;
}

static double float_value(enum vn_dtype t, uint64_t u)
{
    double d;
    switch (t) {
    case VN_F32: return bits_to_f32(u);
    case VN_F16: return vn_f16_to_f32((uint16_t)u);
    case VN_BF16: return vn_bf16_to_f32((uint16_t)u);
    default: memcpy(&d, &u, sizeof d); return d;
    }
}

int64_t vn_tensor_i64(const struct vn_tensor *t, int64_t i)
{
    const uint64_t u = load(t, i);
    if (dtypes[t->dtype].is_float) {
        const double x = float_value(t->dtype, u);
        return x != x                        ? 0
               : x >= 9223372036854775807.0  ? INT64_MAX
               : x <= -9223372036854775808.0 ? INT64_MIN
                                             : (int64_t)x;
    }
    const int bits = 8 * dtypes[t->dtype].bytes;
    if (!dtypes[t->dtype].is_signed || bits == 64)
        return (int64_t)u;
    return (int64_t)(u << (64 - bits)) >> (64 - bits);
}

double vn_tensor_f64(const struct vn_tensor *t, int64_t i)
{
    float f;
    if (t->dtype == VN_F32) { /* the usual one, at once */
        memcpy(&f, (const char *)t->data + i * (int64_t)sizeof f, sizeof f);
        return f;
    }
    if (dtypes[t->dtype].is_float)
        return float_value(t->dtype, load(t, i));
    return t->dtype == VN_U64 ? (double)load(t, i) : (double)vn_tensor_i64(t, i);
}

static uint64_t float_bits(enum vn_dtype t, double x)
{
    const float f = (float)x;
    uint32_t w;
    uint64_t u;
    switch (t) {
    case VN_F32: memcpy(&w, &f, sizeof w); return w;
    case VN_F16: return vn_f32_to_f16(f);
    case VN_BF16: return vn_f32_to_bf16(f);
    default: memcpy(&u, &x, sizeof u); return u;
    }
}

static uint64_t saturate(enum vn_dtype t, double x)
{
    const int bits = dtypes[t].bits, sign = dtypes[t].is_signed;
    if (x != x)
        return 0;
    if (t == VN_BOOL)
        return x != 0;
    const double hi = ldexp(1, bits - sign), lo = sign ? -hi : 0;
    if (x >= hi)
        return bits - sign == 64 ? UINT64_MAX : ((uint64_t)1 << (bits - sign)) - 1;
    if (x <= lo)
        return sign ? (uint64_t)INT64_MIN >> (64 - bits) : 0;
    return x < 0 ? (uint64_t)(int64_t)x : (uint64_t)x;
}

void vn_tensor_set_f64(struct vn_tensor *t, int64_t i, double x)
{
    store(t, i, dtypes[t->dtype].is_float ? float_bits(t->dtype, x) : saturate(t->dtype, rint(x)));
}

void vn_tensor_to_f32(float *out, const struct vn_tensor *t)
{
    const int64_t n = vn_shape_count(&t->shape);
    if (t->dtype == VN_F32 && n)
        memcpy(out, t->data, (size_t)n * sizeof *out);
    else if (t->dtype == VN_U8)
        for (int64_t i = 0; i < n; i++)
            out[i] = ((const uint8_t *)t->data)[i];
    else
        for (int64_t i = 0; i < n; i++)
            out[i] = (float)vn_tensor_f64(t, i);
}

struct vn_tensor *vn_tensor_cast(struct vn_arena *a, const struct vn_tensor *t, enum vn_dtype to)
{
    struct vn_tensor *y = vn_tensor_new(a, to, &t->shape);
    const int64_t n = vn_shape_count(&t->shape);
    const int from_float = dtypes[t->dtype].is_float, to_float = dtypes[to].is_float;
    if (to == VN_F32 || t->dtype == to) {
        if (to == VN_F32)
            vn_tensor_to_f32(y->data, t);
        else if (n)
            memcpy(y->data, t->data, vn_tensor_bytes(t));
        return y;
    }
    for (int64_t i = 0; i < n; i++) {
        if (to_float)
            store(y, i, float_bits(to, vn_tensor_f64(t, i)));
        else if (to == VN_BOOL)
            store(y, i, from_float ? vn_tensor_f64(t, i) != 0 : vn_tensor_i64(t, i) != 0);
        else if (from_float)
            store(y, i, saturate(to, trunc(vn_tensor_f64(t, i))));
        else
            store(y, i, (uint64_t)vn_tensor_i64(t, i)); /* integers wrap, as in NumPy */
    }
    return y;
}
