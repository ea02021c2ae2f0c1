/* native.h - what the files of vernier._native share.
 *
 * The module wraps the public headers and decides nothing: names, defaults and results as classes are made
 * in the
 * Python files beside it. It is built for the limited API, so that one build serves every Python from 3.11
 * on, and
 * reaches arrays through the buffer protocol, so that any NumPy will do. */
#ifndef VERNIER_NATIVE_H
#define VERNIER_NATIVE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <string.h>

#include <vernier/session.h>

/* Strings and calls that are used again and again; made once. */
struct native_names {
    PyObject *error; /* vernier.Error */
    PyObject *empty, *asarray, *ndarray, *dtype; /* of numpy */
    unsigned long main_thread;
};
extern struct native_names native;

/* ---- errors (module.c) ---- */

/* Raises vernier.Error; returns NULL. */
PyObject *native_raise(const struct vn_err *e);

/* ---- long calls (call.c) ---- */

/* A call into the library without the GIL: `flag` stops it, on the main thread also Ctrl-C does. */
struct native_call {
    volatile int own;
    volatile int *flag;
    PyThreadState *thread;
    PyGILState_STATE gil; /* in a callback; those of one call come one after the other */
    PyObject *type, *value, *trace; /* of an exception in a callback */
    int main;
};
void native_begin(struct native_call *c);
/* Takes the GIL again. Returns 0; below 0 where a Python exception is set: of a callback, of Ctrl-C, of
 * `status`. */
int native_end(struct native_call *c, int status, const struct vn_err *e);
/* Around what a callback does in Python. An exception that it leaves ends the call. */
void native_enter_python(struct native_call *c);
void native_leave_python(struct native_call *c);

/* ---- arrays (array.c) ---- */

/* "float32"; NULL: NumPy has no such type. */
const char *native_dtype_word(enum vn_dtype t);
/* The NumPy array that an object is or becomes, and its elements. VN_NONE: a Python exception is set. */
struct native_array {
    Py_buffer buffer;
    enum vn_dtype dtype;
    int64_t shape[VN_MAX_RANK], stride[VN_MAX_RANK]; /* in elements */
    int plain; /* C order without gaps */
};
int native_array_get(struct native_array *a, PyObject *object);
void native_array_release(struct native_array *a);
/* A new array and its bytes. */
PyObject *native_array_new(enum vn_dtype t, int rank, const int64_t *shape, void **data);
/* A view's elements, copied: as they are stored, or (real) dequantized. */
PyObject *native_array_of_view(const struct vn_view *v, int stored);
PyObject *native_shape(int rank, const int64_t *shape);

/* ---- structs (record.c) ---- */

enum native_kind {
    FIELD_END,
    FIELD_INT,
    FIELD_INT64,
    FIELD_REAL,
    FIELD_SIZE,
    FIELD_U32,
    FIELD_U64,
    FIELD_TEXT, /* NULL: None */
    FIELD_TEXTS, /* options: a list of strings; `count` is where their number goes */
    FIELD_REASON,
    FIELD_DTYPE,
};
struct native_field {
    const char *name;
    enum native_kind kind;
    size_t at, count;
};
#define FIELD(type, name, kind) \
    { \
#name, FIELD_##kind, offsetof(struct type, name), 0 \
    }
#define FIELD_LIST(type, name, n) \
    { \
#name, FIELD_TEXTS, offsetof(struct type, name), offsetof(struct type, n) \
    }

/* A dict of a struct's fields. */
PyObject *native_record(const struct native_field *f, const void *record);
/* A list of dicts of n records of `size` bytes. */
PyObject *native_records(const struct native_field *f, const void *records, int n, size_t size);
/* Sets fields of *out from a dict; others stay. What lists take is noted in *keep, to be freed with
 * native_release. Names that `f` has not are an error. */
struct native_kept {
    void *list[16];
    int n;
};
int native_fill(void *out, const struct native_field *f, PyObject *options, struct native_kept *keep);
void native_release(struct native_kept *keep);

/* ---- listeners (listener.c) ---- */

struct native_ears {
    struct native_call *call;
    PyObject *log, *progress, *problem; /* Py_None: not heard */
};
void native_listen(struct vn_listener *l, struct native_ears *ears);

/* ---- types and functions ---- */

PyObject *native_session_type(PyObject *module);
extern PyMethodDef native_jobs[], native_transformers[];

#endif
