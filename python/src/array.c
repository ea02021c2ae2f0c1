/* NumPy arrays through the buffer protocol. */
#include "native.h"

static const struct {
    enum vn_dtype type;
    const char *word;
    char kind; /* signed, unsigned, real, boolean */
    int bytes;
} dtypes[] = {
    { VN_F32, "float32", 'f', 4 }, { VN_U8, "uint8", 'u', 1 },   { VN_I8, "int8", 'i', 1 },
    { VN_U16, "uint16", 'u', 2 },  { VN_I16, "int16", 'i', 2 },  { VN_I32, "int32", 'i', 4 },
    { VN_I64, "int64", 'i', 8 },   { VN_BOOL, "bool", 'b', 1 },  { VN_F16, "float16", 'f', 2 },
    { VN_F64, "float64", 'f', 8 }, { VN_U32, "uint32", 'u', 4 }, { VN_U64, "uint64", 'u', 8 },
    { VN_BF16, "uint16", 0, 2 }, /* NumPy has no such type: the bits */
};
#define N_DTYPES ((int)(sizeof dtypes / sizeof *dtypes))

const char *native_dtype_word(enum vn_dtype t)
{
    for (int i = 0; i < N_DTYPES; i++)
        if (dtypes[i].type == t)
            return dtypes[i].word;
    return NULL;
}

/* Of a buffer's format: "<f", "l", ... */
static enum vn_dtype dtype_of(const char *format, Py_ssize_t bytes)
{
    const char *f = format ? format + (*format == '<' || *format == '=' || *format == '@') : "B";
    const char kind = !*f || f[1]            ? 0
                      : strchr("bhilqn", *f) ? 'i'
                      : strchr("BHILQN", *f) ? 'u'
                      : strchr("efd", *f)    ? 'f'
                      : *f == '?'            ? 'b'
                                             : 0;
    for (int i = 0; i < N_DTYPES && kind; i++)
        if (dtypes[i].kind == kind && dtypes[i].bytes == bytes)
            return dtypes[i].type;
    return VN_NONE;
}

/* 0: elements do not lie at multiples of their size. */
static int take_axes(struct native_array *a)
{
    const Py_buffer *b = &a->buffer;
    int64_t dense = 1;
    a->plain = 1;
    for (int i = b->ndim - 1; i >= 0; i--) {
        if (b->strides[i] % b->itemsize)
            return 0;
        a->shape[i] = b->shape[i];
        a->stride[i] = b->strides[i] / b->itemsize;
        a->plain &= a->stride[i] == dense || b->shape[i] == 1;
        dense *= b->shape[i];
    }
    return 1;
}

static int get(struct native_array *a, PyObject *array)
{
    if (PyObject_GetBuffer(array, &a->buffer, PyBUF_STRIDES | PyBUF_FORMAT) < 0)
        return -1;
    a->dtype = dtype_of(a->buffer.format, a->buffer.itemsize);
    if (a->dtype != VN_NONE && a->buffer.ndim <= VN_MAX_RANK && take_axes(a))
        return 0;
    PyErr_Format(
        PyExc_TypeError,
        "expected an array of numbers in the machine's byte order with at most %d axes, got %d axes of '%s'",
        VN_MAX_RANK, a->buffer.ndim, a->buffer.format);
    PyBuffer_Release(&a->buffer);
    return -1;
}

int native_array_get(struct native_array *a, PyObject *object)
{
    PyObject *array = PyObject_CheckBuffer(object)
                          ? Py_NewRef(object)
                          : PyObject_CallFunctionObjArgs(native.asarray, object, NULL);
    const int status = array ? get(a, array) : -1;
    Py_XDECREF(array); /* the buffer holds it */
    return status;
}

void native_array_release(struct native_array *a)
{
    if (a->buffer.obj)
        PyBuffer_Release(&a->buffer);
    a->buffer.obj = NULL;
}

PyObject *native_shape(int rank, const int64_t *shape)
{
    PyObject *t = PyTuple_New(rank);
    for (int i = 0; t && i < rank; i++)
        PyTuple_SetItem(t, i, PyLong_FromLongLong(shape[i]));
    return t;
}

/* Its memory stays where it is while the array lives, which the caller sees to. */
static int bytes_of(PyObject *array, void **data)
{
    Py_buffer b;
    if (PyObject_GetBuffer(array, &b, PyBUF_CONTIG) < 0)
        return -1;
    *data = b.buf;
    PyBuffer_Release(&b);
    return 0;
}

PyObject *native_array_new(enum vn_dtype t, int rank, const int64_t *shape, void **data)
{
    PyObject *a = PyObject_CallFunction(native.empty, "Ns", native_shape(rank, shape), native_dtype_word(t));
    if (a && bytes_of(a, data) < 0)
        Py_CLEAR(a);
    return a;
}

PyObject *native_array_of_view(const struct vn_view *v, int stored)
{
    void *data;
    const int real = !stored && v->n_scale > 0;
    PyObject *a = native_array_new(real ? VN_F32 : v->dtype, v->rank, v->shape, &data);
    if (a && real)
        vn_view_real(data, v);
    else if (a)
        vn_view_copy(data, v);
    return a;
}
