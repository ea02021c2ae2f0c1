/* TensorProto <-> vn_tensor: every encoding of the contents, and external files. */
#include <limits.h>
#include <stdlib.h>

#include "base/file.h"
#include "front/onnx/draft.h"

static const struct {
    int64_t code;
    const char *name;
} unsupported_types[] = {
    { 8, "string" },          { 14, "complex64" },  { 15, "complex128" },     { 17, "float8e4m3fn" },
    { 18, "float8e4m3fnuz" }, { 19, "float8e5m2" }, { 20, "float8e5m2fnuz" }, { 21, "uint4" },
    { 22, "int4" },           { 23, "float4e2m1" }, { 24, "float8e8m0" },
};

int vn_onnx_dtype(enum vn_dtype *out, int64_t elem_type, const char *what, struct vn_err *e)
{
    if (elem_type > 0 && elem_type <= VN_BF16 && vn_dtype_size((enum vn_dtype)elem_type)) {
        *out = (enum vn_dtype)elem_type;
        return VN_OK;
    }
    for (size_t i = 0; i < sizeof unsupported_types / sizeof *unsupported_types; i++)
        if (unsupported_types[i].code == elem_type)
            return vn_because(e, REASON_unsupported,
                              vn_fail(e, VN_E_UNSUPPORTED, "%s: element type %s is not supported", what,
                                      unsupported_types[i].name));
    return vn_fail(e, VN_E_INPUT, "%s: element type %lld does not exist", what, (long long)elem_type);
}

static int get_shape(struct vn_shape *s, const struct wire_list *dims, const char *what, struct vn_err *e)
{
    const int64_t *d = dims->v;
    if (dims->n > VN_MAX_RANK)
        return vn_fail(e, VN_E_UNSUPPORTED, "%s: has %d dimensions, expected at most %d", what, dims->n,
                       VN_MAX_RANK);
    for (int i = 0; i < dims->n; i++)
        if (d[i] < 0)
            return vn_fail(e, VN_E_INPUT, "%s: dimension %d is %lld", what, i, (long long)d[i]);
    *s = vn_shape_of(dims->n, d);
    const int64_t count = vn_shape_count(s);
    if (count < 0 || count > INT64_MAX / 8)
        return vn_fail(e, VN_E_INPUT, "%s: has too many elements", what);
    return VN_OK;
}

/* ---- contents inside the file ---- */

static int use_bytes(struct vn_tensor *t, struct wire_bytes b, struct vn_arena *a, const char *what,
                     struct vn_err *e)
{
    const size_t want = vn_tensor_bytes(t);
    if (b.n != want)
        return vn_fail(e, VN_E_INPUT, "%s: contains %zu bytes, expected %zu", what, b.n, want);
    const int aligned = (uintptr_t)b.p % vn_dtype_size(t->dtype) == 0;
    t->data = aligned && b.n ? (void *)(uintptr_t)b.p : vn_arena_copy(a, b.p, b.n);
    return VN_OK;
}

/* Elements stored in 64-bit fields, narrowed; unsigned and half types are bit patterns. */
static int narrow(struct vn_tensor *t, const int64_t *x, int64_t n, const char *what, struct vn_err *e)
{
    static const struct {
        int64_t min, max;
    } range[] = {
        [VN_U8] = { 0, UINT8_MAX },
        [VN_I8] = { INT8_MIN, INT8_MAX },
        [VN_U16] = { 0, UINT16_MAX },
        [VN_I16] = { INT16_MIN, INT16_MAX },
        [VN_I32] = { INT32_MIN, INT32_MAX },
        [VN_I64] = { INT64_MIN, INT64_MAX },
        [VN_BOOL] = { 0, 1 },
        [VN_F16] = { 0, UINT16_MAX },
        [VN_U32] = { 0, UINT32_MAX },
        [VN_U64] = { INT64_MIN, INT64_MAX },
        [VN_BF16] = { 0, UINT16_MAX },
    };
    const size_t size = vn_dtype_size(t->dtype);
    for (int64_t i = 0; i < n; i++) {
        if (x[i] < range[t->dtype].min || x[i] > range[t->dtype].max)
            return vn_fail(e, VN_E_INPUT, "%s: element %lld is %lld, out of range for %s", what, (long long)i,
                           (long long)x[i], vn_dtype_name(t->dtype));
        memcpy((char *)t->data + (size_t)i * size, &x[i], size); /* little-endian: the low bytes */
    }
    return VN_OK;
}

static const struct wire_list *typed_field(const struct onnx_tensor *t, enum vn_dtype type)
{
    switch (type) {
    case VN_F32: return &t->float_data;
    case VN_F64: return &t->double_data;
    case VN_I64: return &t->int64_data;
    case VN_U32:
    case VN_U64: return &t->uint64_data;
    default: return &t->int32_data;
    }
}

static int use_list(struct vn_tensor *t, const struct wire_list *l, struct vn_arena *a, const char *what,
                    struct vn_err *e)
{
    const int64_t count = vn_shape_count(&t->shape);
    if (l->n != count)
        return vn_fail(e, VN_E_INPUT, "%s: contains %d elements, expected %lld", what, l->n,
                       (long long)count);
    if (vn_dtype_size(t->dtype) == sizeof(int64_t) || t->dtype == VN_F32) {
        t->data = count ? l->v : vn_arena_alloc(a, 0);
        return VN_OK;
    }
    t->data = vn_arena_alloc(a, vn_tensor_bytes(t));
    return narrow(t, l->v, count, what, e);
}

/* ---- contents beside the file ---- */

static const char *entry_value(const struct wire_list *l, const char *key)
{
    const struct onnx_entry *x = l->v;
    for (int i = 0; i < l->n; i++)
        if (x[i].key && x[i].value && !strcmp(x[i].key, key))
            return x[i].value;
    return NULL;
}

static int get_number(uint64_t *out, const char *text, const char *key, const char *what, struct vn_err *e)
{
    char *end;
    *out = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || strlen(text) > 19)
        return vn_fail(e, VN_E_INPUT, "%s: external data: %s is '%s', expected a number", what, key, text);
    return VN_OK;
}

/* Inside the folder by its text: relative, no "..". */
static int is_inside(const char *location)
{
    if (*location == '/' || !*location)
        return 0;
    for (const char *p = location; p; p = strchr(p, '/')) {
        p += *p == '/';
        if (!strncmp(p, "..", 2) && (p[2] == '/' || !p[2]))
            return 0;
    }
    return 1;
}

/* Inside the folder after links are followed, too. A file that does not exist is left to the open that
 * follows. */
static int stays_inside(const char *folder, const char *path)
{
    char *root = realpath(folder, NULL), *real = realpath(path, NULL);
    const size_t n = root ? strlen(root) : 0;
    const int ok = !root || !real || (!strncmp(real, root, n) && (real[n] == '/' || n == 1));
    free(root);
    free(real);
    return ok;
}

static int map_external(struct wire_bytes *out, struct external_files *x, const char *location,
                        const char *what, struct vn_err *e)
{
    struct wire_bytes *file = vn_map_get(x->files, location);
    if (!file) {
        const char *path = vn_path_join(x->arena, x->folder, location);
        if (!stays_inside(x->folder, path))
            return vn_fail(e, VN_E_INPUT, "%s: external data: '%s' is outside the model's folder", what,
                           location);
        file = NEW(x->arena, struct wire_bytes);
        if (vn_file_map(x->arena, path, &file->p, &file->n, e) < 0)
            return vn_fail_at(e, "%s: external data", what);
        vn_map_set(x->files, location, file);
    }
    *out = *file;
    return VN_OK;
}

static int use_external(struct vn_tensor *t, const struct onnx_tensor *p, struct external_files *x,
                        const char *what, struct vn_err *e)
{
    const char *location = entry_value(&p->external_data, "location");
    const char *offset_text = entry_value(&p->external_data, "offset"),
               *length_text = entry_value(&p->external_data, "length");
    uint64_t offset = 0, length = vn_tensor_bytes(t);
    if (!location || !is_inside(location))
        return vn_fail(e, VN_E_INPUT,
                       "%s: external data: location '%s' is not a path inside the model's folder", what,
                       location ? location : "");
    if (!x->folder)
        return vn_fail(e, VN_E_UNSUPPORTED,
                       "%s: external data '%s' requires a model that is read from a file", what, location);
    if (offset_text)
        TRY(get_number(&offset, offset_text, "offset", what, e));
    if (length_text)
        TRY(get_number(&length, length_text, "length", what, e));
    struct wire_bytes file = { NULL, 0 };
    TRY(map_external(&file, x, location, what, e));
    if (offset > file.n || length > file.n - offset)
        return vn_fail(e, VN_E_INPUT, "%s: external data: bytes %llu to %llu, but '%s' has %zu", what,
                       (unsigned long long)offset, (unsigned long long)(offset + length), location, file.n);
    return use_bytes(t, (struct wire_bytes){ file.p + offset, (size_t)length }, x->arena, what, e);
}

int vn_onnx_tensor_read(const struct vn_tensor **out, const struct onnx_tensor *p, struct external_files *x,
                        const char *what, struct vn_err *e)
{
    struct vn_tensor *t = NEW(x->arena, struct vn_tensor);
    TRY(vn_onnx_dtype(&t->dtype, p->data_type, what, e));
    TRY(get_shape(&t->shape, &p->dims, what, e));
    if (p->segments)
        return vn_fail(e, VN_E_UNSUPPORTED, "%s: segmented storage is not supported", what);
    if (p->data_location == 1)
        TRY(use_external(t, p, x, what, e));
    else if (p->raw_data.p)
        TRY(use_bytes(t, p->raw_data, x->arena, what, e));
    else
        TRY(use_list(t, typed_field(p, t->dtype), x->arena, what, e));
    if (t->dtype == VN_BOOL)
        for (size_t i = 0; i < vn_tensor_bytes(t); i++)
            if (((const uint8_t *)t->data)[i] > 1)
                return vn_fail(e, VN_E_INPUT, "%s: element %zu is not a boolean", what, i);
    *out = t;
    return VN_OK;
}

void vn_onnx_tensor_write(struct onnx_tensor *out, const char *name, const struct vn_tensor *t,
                          struct vn_arena *a)
{
    const int rank = t->shape.rank;
    *out = (struct onnx_tensor){ .name = name, .data_type = t->dtype };
    out->dims =
        (struct wire_list){ vn_arena_copy(a, t->shape.d, (size_t)rank * sizeof *t->shape.d), rank, rank };
    out->raw_data = (struct wire_bytes){ t->data, vn_tensor_bytes(t) };
}
