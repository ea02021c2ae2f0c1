#include "tensor/npy.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"

#define MAGIC "\x93NUMPY"

static const struct {
    const char *descr;
    enum vn_dtype dtype;
} descrs[] = {
    { "<f4", VN_F32 }, { "<f8", VN_F64 },  { "<f2", VN_F16 },  { "|u1", VN_U8 },  { "|i1", VN_I8 },
    { "<u2", VN_U16 }, { "<i2", VN_I16 },  { "<i4", VN_I32 },  { "<u4", VN_U32 }, { "<i8", VN_I64 },
    { "<u8", VN_U64 }, { "|b1", VN_BOOL }, { "<V2", VN_BF16 }, /* what NumPy calls the bfloat16 of ml_dtypes
                                                                */
};
#define N_DESCRS (sizeof descrs / sizeof *descrs)

int vn_npy_is(const uint8_t *data, size_t bytes) { return bytes >= 10 && !memcmp(data, MAGIC, 6); }

/* The text behind 'key': in the header's dictionary. */
static const char *find(const char *header, const char *key)
{
    const char *p = strstr(header, key);
    if (!p)
        return NULL;
    p += strlen(key);
    while (*p == ' ' || *p == ':')
        p++;
    return p;
}

static int parse_descr(struct vn_tensor *t, const char *p, const char *path, struct vn_err *e)
{
    char word[16] = { 0 };
    if (p && *p == '\'')
        for (int i = 0; i < 15 && p[1 + i] && p[1 + i] != '\''; i++)
            word[i] = p[1 + i];
    for (size_t i = 0; i < N_DESCRS; i++)
        if (!strcmp(word, descrs[i].descr) ||
            (word[0] == '<' && descrs[i].descr[0] == '|' && !strcmp(word + 1, descrs[i].descr + 1)))
            t->dtype = descrs[i].dtype;
    if (t->dtype == VN_NONE)
        return vn_fail(e, VN_E_UNSUPPORTED,
                       "%s: .npy of type '%s' is not supported; expected little-endian numbers or bool", path,
                       word);
    return VN_OK;
}

static int parse_shape(struct vn_tensor *t, const char *p, const char *path, struct vn_err *e)
{
    if (!p || *p++ != '(')
        return vn_fail(e, VN_E_INPUT, "%s: damaged .npy header: no shape", path);
    for (;;) {
        while (*p == ' ' || *p == ',')
            p++;
        if (*p == ')')
            return VN_OK;
        char *end;
        const long long d = *p >= '0' && *p <= '9' ? strtoll(p, &end, 10) : -1;
        if (d < 0 || t->shape.rank == VN_MAX_RANK)
            return vn_fail(e, VN_E_INPUT, "%s: damaged .npy header: wrong shape, or more than %d dimensions",
                           path, VN_MAX_RANK);
        t->shape.d[t->shape.rank++] = d;
        p = end;
    }
}

int vn_npy_view(struct vn_tensor **out, struct vn_arena *a, const uint8_t *data, size_t bytes,
                const char *path, struct vn_err *e)
{
    if (!vn_npy_is(data, bytes))
        return vn_fail(e, VN_E_INPUT, "%s: not a .npy file", path);
    const int wide = data[6] >= 2;
    const size_t head = wide ? 12 : 10;
    if (data[6] < 1 || data[6] > 3 || bytes < head)
        return vn_fail(e, VN_E_INPUT, "%s: .npy version %d is not supported", path, data[6]);
    size_t len = data[8] | (size_t)data[9] << 8;
    if (wide)
        len |= (size_t)data[10] << 16 | (size_t)data[11] << 24;
    if (len > bytes - head || len > 1 << 20)
        return vn_fail(e, VN_E_INPUT, "%s: damaged .npy: the header has %zu bytes, the file %zu", path, len,
                       bytes);
    const char *header = vn_arena_strn(a, (const char *)data + head, len);
    struct vn_tensor *t = NEW(a, struct vn_tensor);
    TRY(parse_descr(t, find(header, "'descr'"), path, e));
    TRY(parse_shape(t, find(header, "'shape'"), path, e));
    const char *fortran = find(header, "'fortran_order'");
    if (!fortran || (!strncmp(fortran, "True", 4) && t->shape.rank > 1))
        return vn_fail(e, VN_E_UNSUPPORTED,
                       "%s: .npy in Fortran order is not supported; save numpy.ascontiguousarray(x)", path);
    const int64_t count = vn_shape_count(&t->shape);
    const size_t room = bytes - head - len;
    if (count < 0 || (uint64_t)count > room / vn_dtype_size(t->dtype) ||
        (size_t)count * vn_dtype_size(t->dtype) != room) {
        char shape[VN_SHAPE_TEXT];
        return vn_fail(e, VN_E_INPUT, "%s: damaged .npy: shape %s of %s does not match %zu bytes of data",
                       path, vn_shape_text(&t->shape, shape), vn_dtype_name(t->dtype), room);
    }
    t->data = (void *)(uintptr_t)(data + head + len);
    *out = t;
    return VN_OK;
}

int vn_npy_parse(struct vn_tensor **out, struct vn_arena *a, const uint8_t *data, size_t bytes,
                 const char *path, struct vn_err *e)
{
    TRY(vn_npy_view(out, a, data, bytes, path, e));
    (*out)->data = vn_arena_copy(a, (*out)->data, vn_tensor_bytes(*out));
    return VN_OK;
}

int vn_npy_read(struct vn_tensor **out, struct vn_arena *a, const char *path, struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    struct vn_arena *file = vn_arena_new();
    int status = vn_file_map(file, path, &data, &bytes, e);
    if (status == VN_OK)
        status = vn_npy_parse(out, a, data, bytes, path, e);
    vn_arena_free(&file);
    return status;
}

static const char *descr_of(enum vn_dtype t)
{
    for (size_t i = 0; i < N_DESCRS; i++)
        if (descrs[i].dtype == t)
            return descrs[i].descr;
    return NULL;
}

int vn_npy_bytes(const uint8_t **data, size_t *bytes, struct vn_arena *a, const struct vn_tensor *t,
                 struct vn_err *e)
{
    if (!descr_of(t->dtype))
        return vn_fail(e, VN_E_UNSUPPORTED, ".npy cannot store %s", vn_dtype_name(t->dtype));
    char dims[VN_SHAPE_TEXT] = "", header[512];
    for (int i = 0; i < t->shape.rank; i++)
        sprintf(dims + strlen(dims),
                t->shape.rank == 1 ? "%lld,"
                : i                ? ", %lld"
                                   : "%lld",
                (long long)t->shape.d[i]);
    int n = sprintf(header, MAGIC "\x01%c??{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", 0,
                    descr_of(t->dtype), dims);
    while ((n + 1) % 64)
        header[n++] = ' ';
    header[n++] = '\n';
    header[8] = (char)((n - 10) & 255);
    header[9] = (char)((n - 10) >> 8);
    *bytes = (size_t)n + vn_tensor_bytes(t);
    uint8_t *file = vn_arena_alloc(a, *bytes);
    memcpy(file, header, (size_t)n);
    if (vn_tensor_bytes(t))
        memcpy(file + n, t->data, vn_tensor_bytes(t));
    *data = file;
    return VN_OK;
}

int vn_npy_write(const char *path, const struct vn_tensor *t, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    const uint8_t *data;
    size_t bytes;
    int status = vn_npy_bytes(&data, &bytes, a, t, e);
    if (status < 0)
        vn_fail_at(e, "%s", path);
    else
        status = vn_file_write(path, data, bytes, e);
    vn_arena_free(&a);
    return status;
}
