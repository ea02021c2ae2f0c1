/* Structs of the public headers as dicts, and the other way round, by tables of fields. */
#include "native.h"

#include <vernier/reason.h>

static PyObject *text(const char *s)
{
    return s ? PyUnicode_DecodeUTF8(s, (Py_ssize_t)strlen(s), "replace") : Py_NewRef(Py_None);
}

static PyObject *reason(const struct vn_reason *r)
{
    const char *const *args;
    char sentence[1024];
    if (!r)
        return Py_NewRef(Py_None);
    const int n = vn_reason_args(r, &args);
    PyObject *list = PyTuple_New(n);
    for (int i = 0; list && i < n; i++)
        PyTuple_SetItem(list, i, text(args[i]));
    vn_reason_text(sentence, sizeof sentence, r);
    return Py_BuildValue("{s:s, s:N, s:N, s:N}", "id", vn_reason_id(r), "args", list, "text", text(sentence),
                         "remedy", text(vn_reason_remedy(r)));
}

static PyObject *value(const struct native_field *f, const void *record)
{
    const void *p = (const char *)record + f->at;
    switch (f->kind) {
    case FIELD_INT: return PyLong_FromLong(*(const int *)p);
    case FIELD_INT64: return PyLong_FromLongLong(*(const int64_t *)p);
    case FIELD_REAL: return PyFloat_FromDouble(*(const double *)p);
    case FIELD_SIZE: return PyLong_FromSize_t(*(const size_t *)p);
    case FIELD_U32: return PyLong_FromUnsignedLong(*(const uint32_t *)p);
    case FIELD_U64: return PyLong_FromUnsignedLongLong(*(const uint64_t *)p);
    case FIELD_TEXT: return text(*(const char *const *)p);
    case FIELD_REASON: return reason(*(const struct vn_reason *const *)p);
    case FIELD_DTYPE: return text(native_dtype_word(*(const enum vn_dtype *)p));
    default: return Py_NewRef(Py_None);
    }
}

PyObject *native_record(const struct native_field *f, const void *record)
{
    PyObject *d = PyDict_New();
    for (; d && f->kind; f++) {
        PyObject *x = value(f, record);
        if (!x || PyDict_SetItemString(d, f->name, x) < 0)
            Py_CLEAR(d);
        Py_XDECREF(x);
    }
    return d;
}

PyObject *native_records(const struct native_field *f, const void *records, int n, size_t size)
{
    PyObject *list = PyList_New(n);
    for (int i = 0; list && i < n; i++) {
        PyObject *x = native_record(f, (const char *)records + (size_t)i * size);
        if (x)
            PyList_SetItem(list, i, x);
        else
            Py_CLEAR(list);
    }
    return list;
}

/* ---- options ---- */

static int fill_texts(char *out, const struct native_field *f, PyObject *list, struct native_kept *keep)
{
    const Py_ssize_t n = PySequence_Size(list);
    const char **words = n < 0 || keep->n == (int)(sizeof keep->list / sizeof *keep->list)
                             ? NULL
                             : PyMem_Calloc((size_t)n + 1, sizeof *words);
    if (!words)
        return n < 0 ? -1 : (PyErr_NoMemory(), -1);
    keep->list[keep->n++] = words;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *x = PySequence_GetItem(list, i);
        words[i] = x ? PyUnicode_AsUTF8AndSize(x, NULL) : NULL;
        Py_XDECREF(x); /* the list holds it */
        if (!words[i])
            return -1;
    }
    *(const char *const **)(out + f->at) = words;
    *(int *)(out + f->count) = (int)n;
    return 0;
}

static int fill_field(char *out, const struct native_field *f, PyObject *x, struct native_kept *keep)
{
    switch (f->kind) {
    case FIELD_INT: *(int *)(out + f->at) = (int)PyLong_AsLong(x); break;
    case FIELD_REAL: *(double *)(out + f->at) = PyFloat_AsDouble(x); break;
    case FIELD_U32: *(uint32_t *)(out + f->at) = (uint32_t)PyLong_AsUnsignedLong(x); break;
    case FIELD_SIZE: *(size_t *)(out + f->at) = PyLong_AsSize_t(x); break;
    case FIELD_TEXT: *(const char **)(out + f->at) = PyUnicode_AsUTF8AndSize(x, NULL); break;
    case FIELD_TEXTS: return fill_texts(out, f, x, keep);
    default: PyErr_Format(PyExc_TypeError, "%s cannot be set", f->name);
    }
    return PyErr_Occurred() ? -1 : 0;
}

int native_fill(void *out, const struct native_field *f, PyObject *options, struct native_kept *keep)
{
    PyObject *key, *x;
    Py_ssize_t at = 0;
    while (PyDict_Next(options, &at, &key, &x)) {
        const struct native_field *g = f;
        while (g->kind && PyUnicode_CompareWithASCIIString(key, g->name) != 0)
            g++;
        if (!g->kind) {
            PyErr_Format(PyExc_TypeError, "unknown option %R", key);
            return -1;
        }
        if (x != Py_None && fill_field(out, g, x, keep) < 0)
            return -1;
    }
    return 0;
}

void native_release(struct native_kept *keep)
{
    while (keep->n)
        PyMem_Free(keep->list[--keep->n]);
}
