/* The transformer functions, on arrays. */
#include "native.h"

#include <vernier/transformer.h>

static PyObject *args_of(int i)
{
    struct vn_transformer_arg a;
    PyObject *list = PyList_New(0);
    for (int k = 0; list && vn_transformer_arg_at(i, k, &a); k++) {
        PyObject *x = Py_BuildValue("(szz)", a.name, a.preset, a.words);
        if (!x || PyList_Append(list, x) < 0)
            Py_CLEAR(list);
        Py_XDECREF(x);
    }
    return list;
}

static PyObject *functions_of(PyObject *self, PyObject *none)
{
    const char *name;
    PyObject *all = PyDict_New();
    (void)self, (void)none;
    for (int i = 0; all && (name = vn_transformer_name(i)); i++) {
        PyObject *x = args_of(i);
        if (!x || PyDict_SetItemString(all, name, x) < 0)
            Py_CLEAR(all);
        Py_XDECREF(x);
    }
    return all;
}

static PyObject *transform(PyObject *self, PyObject *args)
{
    const char *text;
    PyObject *object, *result = NULL;
    struct native_array a = { .dtype = VN_NONE };
    struct vn_transformed *t = NULL;
    struct native_call call;
    struct vn_err e;
    (void)self;
    if (!PyArg_ParseTuple(args, "sO", &text, &object) || native_array_get(&a, object) < 0)
        return NULL;
    if (!a.plain)
        PyErr_SetString(PyExc_ValueError, "expected an array in C order");
    else {
        native_begin(&call);
        const int status = vn_transformer_run(&t, text, a.dtype, a.buffer.ndim, a.shape, a.buffer.buf, &e);
        if (native_end(&call, status, &e) == 0)
            result = native_array_of_view(vn_transformed_view(t), 1);
    }
    vn_transformed_free(&t);
    native_array_release(&a);
    return result;
}

PyMethodDef native_transformers[] = {
    { "transformers", functions_of, METH_NOARGS, NULL },
    { "transform", transform, METH_VARARGS, NULL },
    { 0 },
};
