/* vernier._native: the module. */
#include "native.h"

#include <vernier/custom_op.h>
#include <vernier/reason.h>

struct native_names native;

static const char *status_word(int code)
{
    static const char *const words[] = { "ok", "usage",  "input",    "unsupported",
                                         "io", "memory", "internal", "cancelled" };
    return code <= 0 && -code < (int)(sizeof words / sizeof *words) ? words[-code] : "internal";
}

PyObject *native_raise(const struct vn_err *e)
{
    PyObject *x = PyObject_CallFunction(native.error, "Nszz",
                                        PyUnicode_DecodeUTF8(e->msg, (Py_ssize_t)strlen(e->msg), "replace"),
                                        status_word(e->code), vn_problem_id(e), vn_problem_remedy(e));
    if (x)
        PyErr_SetObject(native.error, x);
    Py_XDECREF(x);
    return NULL;
}

/* ---- facts ---- */

static PyObject *cpu_mask(PyObject *self, PyObject *word)
{
    uint32_t mask;
    const char *text = PyUnicode_AsUTF8AndSize(word, NULL);
    (void)self;
    if (!text)
        return NULL;
    return vn_cpu_find(&mask, text) == VN_OK
               ? PyLong_FromUnsignedLong(mask)
               : PyErr_Format(PyExc_ValueError,
                              "cpu: expected all, c, avx2, avx512, avx512vnni, neon or dotprod, got '%s'",
                              text);
}

static PyObject *load_custom_ops(PyObject *self, PyObject *path)
{
    struct vn_err e = { 0 };
    PyObject *bytes;
    (void)self;
    if (!PyUnicode_FSConverter(path, &bytes))
        return NULL;
    const int status = vn_custom_load(PyBytes_AsString(bytes), &e);
    Py_DECREF(bytes);
    if (status < 0)
        return native_raise(&e);
    Py_RETURN_NONE;
}

#define MOST_MODELS 1024

/* Of a file in memory, at a multiple of 8 bytes. */
static PyObject *pack_names(PyObject *self, PyObject *image)
{
    Py_buffer b;
    const char *names[MOST_MODELS];
    (void)self;
    if (PyObject_GetBuffer(image, &b, PyBUF_SIMPLE) < 0)
        return NULL;
    const int n = vn_model_pack_names(names, MOST_MODELS, b.buf, (size_t)b.len);
    PyObject *list = PyList_New(n > 0 ? n : 0);
    for (int i = 0; list && i < n; i++)
        PyList_SetItem(list, i, PyUnicode_DecodeUTF8(names[i], (Py_ssize_t)strlen(names[i]), "replace"));
    PyBuffer_Release(&b);
    return list;
}

static PyMethodDef functions[] = {
    { "load_custom_ops", load_custom_ops, METH_O, "Load a library of custom operators for this process." },
    { "cpu_mask", cpu_mask, METH_O, "The mask of CPU features that a word stands for." },
    { "pack_names", pack_names, METH_O, "The names of the models of a pack in memory." },
    { 0 },
};

/* ---- the module ---- */

static PyObject *import_from(const char *module, const char *name)
{
    PyObject *m = PyImport_ImportModule(module), *x = m ? PyObject_GetAttrString(m, name) : NULL;
    Py_XDECREF(m);
    return x;
}

static int main_thread(void)
{
    PyObject *f = import_from("threading", "main_thread"), *thread = f ? PyObject_CallNoArgs(f) : NULL,
             *ident = thread ? PyObject_GetAttrString(thread, "ident") : NULL;
    native.main_thread = ident ? PyLong_AsUnsignedLong(ident) : 0;
    Py_XDECREF(f);
    Py_XDECREF(thread);
    Py_XDECREF(ident);
    return PyErr_Occurred() ? -1 : 0;
}

static int find_names(void)
{
    const struct {
        PyObject **to;
        const char *module, *name;
    } names[] = {
        { &native.error, "vernier.errors", "Error" }, { &native.empty, "numpy", "empty" },
        { &native.asarray, "numpy", "asarray" },      { &native.ndarray, "numpy", "ndarray" },
        { &native.dtype, "numpy", "dtype" },
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!(*names[i].to = import_from(names[i].module, names[i].name)))
            return -1;
    return main_thread();
}

static int add_type(PyObject *module, const char *name, PyObject *type)
{
    const int status = type ? PyModule_AddObjectRef(module, name, type) : -1;
    Py_XDECREF(type);
    return status;
}

static int load_named_ops(void)
{
    struct vn_err e = { 0 };
    if (vn_custom_load_all(getenv("VERNIER_CUSTOM_OPS"), &e) == VN_OK)
        return 0;
    native_raise(&e);
    return -1;
}

static int fill_module(PyObject *module)
{
    return find_names() < 0 || load_named_ops() < 0 || PyModule_AddFunctions(module, functions) < 0 ||
                   PyModule_AddFunctions(module, native_jobs) < 0 ||
                   PyModule_AddFunctions(module, native_transformers) < 0 ||
                   add_type(module, "Session", native_session_type(module)) < 0
               ? -1
               : 0;
}

PyMODINIT_FUNC PyInit__native(void)
{
    static PyModuleDef_Slot slots[] = { { Py_mod_exec, fill_module }, { 0, NULL } };
    static struct PyModuleDef definition = { PyModuleDef_HEAD_INIT, .m_name = "vernier._native",
                                             .m_doc = "The public headers of Vernier.", .m_slots = slots };
    return PyModuleDef_Init(&definition);
}
