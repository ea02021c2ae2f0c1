/* Views as numbers, and as files. */
#include <stdio.h>

#include "base/file.h"
#include "kernels/values/value_kernels.h"
#include "session/network.h"
#include "tensor/npy.h"

int64_t vn_view_count(const struct vn_view *v)
{
    int64_t n = 1;
    for (int i = 0; i < v->rank; i++)
        n *= v->shape[i];
    return n;
}

int vn_view_is_plain(const struct vn_view *v)
{
    int64_t step = 1;
    for (int d = v->rank - 1; d >= 0; d--) {
        if (v->shape[d] != 1 && v->stride[d] != step)
            return 0;
        step *= v->shape[d];
    }
    return 1;
}

/* No two elements share a place, so they fill all places up to the last one, or leave some out. */
int vn_view_is_dense(const struct vn_view *v)
{
    int64_t last = 0;
    for (int d = 0; d < v->rank; d++) {
        if (v->stride[d] < 0)
            return 0;
        last += (v->shape[d] - 1) * v->stride[d];
    }
    return last + 1 == vn_view_count(v) || !vn_view_count(v);
}

/* ---- one element ---- */

/* The memory as a flat tensor, for the conversions that are there. */
static struct vn_tensor flat(const struct vn_view *v)
{
    return (struct vn_tensor){ .dtype = v->dtype, .data = (void *)(uintptr_t)v->data };
}

/* `along`: index on v->axis. */
static double real_at(const struct vn_view *v, const struct vn_tensor *t, int64_t place, int64_t along)
{
    if (!v->n_scale || vn_dtype_is_float(v->dtype))
        return vn_tensor_f64(t, place);
    return (float)(vn_tensor_i64(t, place) - v->zero[along]) * v->scale[along];
}

double vn_view_at(const struct vn_view *v, int64_t index)
{
    const struct vn_tensor t = flat(v);
    int64_t place = 0, along = 0;
    for (int d = v->rank - 1; d >= 0; d--) {
        const int64_t k = index % v->shape[d];
        index /= v->shape[d];
        place += k * v->stride[d];
        along = d == v->axis ? k : along;
    }
    return real_at(v, &t, place, along);
}

/* ---- all elements ---- */

/* Steps through a view in C order, one line along the last axis at a time. */
struct cursor {
    const struct vn_view *v;
    int64_t index[VN_MAX_RANK], place;
};

static void step_from(struct cursor *c, int axis)
{
    for (int d = axis; d >= 0; d--) {
        c->place += c->v->stride[d];
        if (++c->index[d] < c->v->shape[d])
            return;
        c->place -= c->index[d] * c->v->stride[d];
        c->index[d] = 0;
    }
}

static void step(struct cursor *c) { step_from(c, c->v->rank - 1); }
static void step_line(struct cursor *c) { step_from(c, c->v->rank - 2); }

static int64_t along(const struct cursor *c) { return c->v->axis >= 0 ? c->index[c->v->axis] : 0; }

/* n elements of a line, `stride` elements apart. */
typedef void line_fn(void *out, const void *in, int64_t n, int64_t stride, const struct vn_view *v);

/* Elements of `size` bytes in, of `out_size` out. */
static void each_line(void *out, const struct vn_view *v, size_t size, size_t out_size, line_fn *fn)
{
    const int plain = vn_view_is_plain(v) || !v->rank;
    const int64_t count = vn_view_count(v), n = plain ? count : v->shape[v->rank - 1];
    struct cursor c = { .v = v };
    for (int64_t i = 0; i < count; i += n, step_line(&c))
        fn((char *)out + (size_t)i * out_size, (const char *)v->data + c.place * (int64_t)size, n,
           plain ? 1 : v->stride[v->rank - 1], v);
}

#define COPY_LINE(size) \
    static void copy_##size(void *out, const void *in, int64_t n, int64_t stride, const struct vn_view *v) \
    { \
        (void)v; \
        if (stride == 1) \
            memcpy(out, in, (size_t)n *(size)); \
        else \
            for (int64_t i = 0; i < n; i++) \
                memcpy((char *)out + i * (size), (const char *)in + i * stride * (size), (size)); \
    }
COPY_LINE(1)
COPY_LINE(2)
COPY_LINE(4)
COPY_LINE(8)

static line_fn *const copy_line[] = { [1] = copy_1, [2] = copy_2, [4] = copy_4, [8] = copy_8 };

#define REAL_LINE(name, type, kernel) \
    static void name(void *to, const void *from, int64_t n, int64_t stride, const struct vn_view *v) \
    { \
        float *out = to; \
        const type *in = from; \
        if (stride == 1) \
            vn_value_kernels_chosen()->kernel(out, in, *v->zero, *v->scale, (size_t)n); \
        else \
            for (int64_t i = 0; i < n; i++) \
                out[i] = (float)((int32_t)in[i * stride] - *v->zero) * *v->scale; \
    }
REAL_LINE(real_i8, int8_t, real_s8)
REAL_LINE(real_i16, int16_t, real_s16)

/* Integers with one scale, of the types that programs compute in; NULL: others. */
static line_fn *quantized_line(const struct vn_view *v)
{
    if (v->n_scale != 1 || *v->zero < INT16_MIN || *v->zero > INT16_MAX)
        return NULL;
    return v->dtype == VN_I8 ? real_i8 : v->dtype == VN_I16 ? real_i16 : NULL;
}

int vn_view_is_flat(const struct vn_view *v)
{
    return vn_view_is_dense(v) && (v->dtype == VN_F32 || quantized_line(v));
}

void vn_view_flat(float *out, const struct vn_view *v)
{
    line_fn *fn = v->dtype == VN_F32 ? copy_4 : quantized_line(v);
    fn(out, v->data, vn_view_count(v), 1, v);
}

void vn_view_real(float *out, const struct vn_view *v)
{
    const int64_t n = vn_view_count(v);
    const struct vn_tensor t = flat(v);
    struct cursor c = { .v = v };
    line_fn *line = quantized_line(v);
    if (v->dtype == VN_F32)
        vn_view_copy(out, v);
    else if (line)
        each_line(out, v, vn_dtype_size(v->dtype), sizeof *out, line);
    else
        for (int64_t i = 0; i < n; i++, step(&c))
            out[i] = (float)real_at(v, &t, c.place, along(&c));
}

void vn_view_integers(int64_t *out, const struct vn_view *v)
{
    const int64_t n = vn_view_count(v);
    const struct vn_tensor t = flat(v);
    struct cursor c = { .v = v };
    for (int64_t i = 0; i < n; i++, step(&c))
        out[i] = vn_tensor_i64(&t, c.place);
}

void vn_view_copy(void *out, const struct vn_view *v)
{
    const size_t size = vn_dtype_size(v->dtype);
    each_line(out, v, size, size, copy_line[size]);
}

struct vn_tensor *vn_view_tensor(const struct vn_view *v, struct vn_arena *a)
{
    const struct vn_shape shape = vn_shape_of(v->rank, v->shape);
    struct vn_tensor *t = vn_tensor_new(a, v->dtype, &shape);
    vn_view_copy(t->data, v);
    return t;
}

struct vn_extremes vn_view_extremes(const struct vn_view *v)
{
    const int64_t n = vn_view_count(v);
    const struct vn_tensor t = flat(v);
    struct cursor c = { .v = v };
    struct vn_extremes x = { .min = 0 };
    for (int64_t i = 0; i < n; i++, step(&c)) {
        const double y = vn_tensor_f64(&t, c.place);
        x.min = !i || y < x.min ? y : x.min;
        if (!i || y > x.max) {
            x.max = y;
            x.top = i;
        }
    }
    return x;
}

/* ---- files ---- */

static const char *const formats[] = {
    [VN_FORMAT_NPY] = "npy", [VN_FORMAT_BIN] = "bin", [VN_FORMAT_TXT] = "txt"
};

int vn_view_format_find(const char *word)
{
    for (int i = 0; i < (int)(sizeof formats / sizeof *formats); i++)
        if (!strcmp(formats[i], word))
            return i;
    return -1;
}

const char *vn_view_format_word(enum vn_view_format f) { return formats[f]; }

static int write_txt(const char *path, const struct vn_tensor *t, struct vn_arena *a, struct vn_err *e)
{
    struct vn_file_out *f;
    TRY(vn_file_create(&f, a, path, e));
    for (int64_t i = 0, n = vn_shape_count(&t->shape); i < n; i++) {
        char text[40];
        const int len = snprintf(text, sizeof text, "%.9g\n", vn_tensor_f64(t, i));
        TRY(vn_file_put(f, text, (size_t)len, e));
    }
    return vn_file_commit(f, e);
}

int vn_tensor_write(const struct vn_tensor *t, const char *path, enum vn_view_format format,
                    struct vn_arena *a, struct vn_err *e)
{
    switch (format) {
    case VN_FORMAT_BIN: return vn_file_write(path, t->data, vn_tensor_bytes(t), e);
    case VN_FORMAT_TXT: return write_txt(path, t, a, e);
    default: return vn_npy_write(path, t, e);
    }
}

static int write_view(const struct vn_view *v, const char *path, enum vn_view_format format, int dequantize,
                      struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    struct vn_tensor *t;
    if (dequantize && v->n_scale) {
        const struct vn_shape shape = vn_shape_of(v->rank, v->shape);
        t = vn_tensor_new(a, VN_F32, &shape);
        vn_view_real(t->data, v);
    } else
        t = vn_view_tensor(v, a);
    const int status = vn_tensor_write(t, path, format, a, e);
    vn_arena_free(&a);
    return status;
}

int vn_view_write(const struct vn_view *v, const char *path, enum vn_view_format format, int dequantize,
                  struct vn_err *e)
{
    int status;
    VN_GUARDED(status, e, write_view(v, path, format, dequantize, e));
    return status;
}
