/* vernier._native.Session: a network, and as many sessions of it as threads run it at a time. */
#include "native.h"

#include <structmember.h>

struct session {
    PyObject_HEAD struct vn_session *first; /* NULL: closed */
    struct vn_session **idle; /* those that no call has, the first one among them */
    int n_idle, room;
    struct vn_options run;
    Py_buffer image; /* of a network in memory */
    PyObject *in_names, *out_names; /* tuples */
    int users; /* calls that run */
};

/* ---- opening and closing ---- */

static const struct native_field open_fields[] = {
    FIELD(vn_session_options, reference, INT),
    FIELD(vn_session_options, inspect, INT),
    FIELD(vn_session_options, level, INT),
    FIELD(vn_session_options, prototxt, TEXT),
    FIELD(vn_session_options, pipeline, TEXT),
    FIELD(vn_session_options, memory_limit, SIZE),
    FIELD_LIST(vn_session_options, files, n_files),
    { "threads", FIELD_INT, offsetof(struct vn_session_options, run.threads), 0 },
    { "model", FIELD_TEXT, offsetof(struct vn_session_options, run.model), 0 },
    { "cpumask", FIELD_U32, offsetof(struct vn_session_options, run.cpumask), 0 },
    { "shape_names", FIELD_TEXTS, offsetof(struct vn_session_options, inputs.shape_names),
      offsetof(struct vn_session_options, inputs.n_shapes) },
    { "shapes", FIELD_TEXTS, offsetof(struct vn_session_options, inputs.shapes),
      offsetof(struct vn_session_options, inputs.n_shapes) },
    { "values", FIELD_TEXTS, offsetof(struct vn_session_options, inputs.values),
      offsetof(struct vn_session_options, inputs.n_values) },
    { 0 },
};

static PyObject *names_of(const struct vn_port *p, int n)
{
    PyObject *t = PyTuple_New(n);
    for (int i = 0; t && i < n; i++)
        PyTuple_SetItem(t, i, PyUnicode_DecodeUTF8(p[i].name, (Py_ssize_t)strlen(p[i].name), "replace"));
    return t;
}

static int give_back(struct session *s, struct vn_session *one)
{
    if (s->n_idle == s->room) {
        struct vn_session **more = PyMem_Realloc(s->idle, sizeof *more * (size_t)(s->room + 8));
        if (!more)
            return -1;
        s->idle = more;
        s->room += 8;
    }
    s->idle[s->n_idle++] = one;
    return 0;
}

static int note_opened(struct session *s)
{
    int n_in, n_out;
    const struct vn_port *in = vn_session_inputs(s->first, &n_in),
                         *out = vn_session_outputs(s->first, &n_out);
    s->in_names = names_of(in, n_in);
    s->out_names = names_of(out, n_out);
    return s->in_names && s->out_names ? give_back(s, s->first) : -1;
}

static int open_source(struct session *s, PyObject *source, const struct vn_session_options *o,
                       struct native_ears *ears)
{
    struct vn_err e = { .code = VN_OK };
    struct native_call call;
    const char *path = PyUnicode_Check(source) ? PyUnicode_AsUTF8AndSize(source, NULL) : NULL;
    if (!path && (PyErr_Occurred() || PyObject_GetBuffer(source, &s->image, PyBUF_SIMPLE) < 0))
        return -1;
    ears->call = &call;
    native_begin(&call);
    const int status = path ? vn_session_open(&s->first, path, o, &e)
                            : vn_session_open_memory(&s->first, s->image.buf, (size_t)s->image.len, o, &e);
    return native_end(&call, status, &e);
}

static void close_all(struct session *s)
{
    while (s->n_idle)
        vn_session_close(&s->idle[--s->n_idle]);
    PyMem_Free(s->idle);
    s->idle = NULL;
    s->room = 0;
    if (s->image.obj)
        PyBuffer_Release(&s->image);
}

static int init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    struct session *s = (struct session *)self;
    struct native_kept keep = { .n = 0 };
    struct native_ears ears = { 0 };
    struct vn_session_options o;
    struct vn_listener listener;
    PyObject *source, *options;
    if (!PyArg_ParseTuple(args, "OO!O", &source, &PyDict_Type, &options, &ears.log))
        return -1;
    if (kwargs || s->first) {
        PyErr_SetString(PyExc_TypeError, kwargs ? "no keywords" : "it is open already");
        return -1;
    }
    vn_session_options_default(&o);
    native_listen(&listener, &ears);
    int status = native_fill(&o, open_fields, options, &keep);
    o.listener = &listener;
    if (status == 0)
        status = open_source(s, source, &o, &ears);
    native_release(&keep);
    s->run = o.run;
    return status == 0 ? note_opened(s) : -1;
}

static void dealloc(PyObject *self)
{
    struct session *s = (struct session *)self;
    PyTypeObject *type = Py_TYPE(self);
    close_all(s);
    Py_XDECREF(s->in_names);
    Py_XDECREF(s->out_names);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyObject *close_session(PyObject *self, PyObject *none)
{
    struct session *s = (struct session *)self;
    (void)none;
    s->first = NULL;
    if (!s->users) /* else the last call does */
        close_all(s);
    Py_RETURN_NONE;
}

/* ---- one call's session ---- */

static struct session *opened(PyObject *self)
{
    struct session *s = (struct session *)self;
    if (!s->first)
        PyErr_SetString(PyExc_ValueError, "the session is closed");
    return s->first ? s : NULL;
}

/* An idle session, or another one of the network. */
static struct vn_session *take(struct session *s)
{
    struct vn_session *one;
    struct vn_err e;
    if (s->n_idle) {
        s->users++;
        return s->idle[--s->n_idle];
    }
    if (vn_session_share(&one, s->first, &s->run, &e) < 0)
        return native_raise(&e), NULL;
    s->users++;
    return one;
}

static void put(struct session *s, struct vn_session *one)
{
    s->users--;
    if (give_back(s, one) < 0)
        vn_session_close(&one);
    if (!s->first && !s->users)
        close_all(s);
}

/* ---- a run ---- */

#define MOST_PORTS 64

struct run {
    struct session *s;
    struct vn_session *one;
    struct native_call call;
    struct vn_err e;
    int n_in, n_out;
    const struct vn_port *in;
    PyObject *fed[MOST_PORTS]; /* borrowed */
    PyObject *path[MOST_PORTS]; /* a file is fed instead; owned */
    struct native_array array[MOST_PORTS];
    PyObject *result[MOST_PORTS]; /* of outputs that are wanted; owned */
    PyObject *observe; /* a dict or a function; NULL */
    int stored;
    unsigned char *wanted;
};

static PyObject *unknown(PyObject *name, const char *what, PyObject *names)
{
    return PyErr_Format(PyExc_KeyError, "no %s %R; there are %R", what, name, names);
}

static int find_inputs(struct run *r, PyObject *feed)
{
    Py_ssize_t found = 0;
    if (!PyDict_Check(feed)) {
        PyErr_Format(PyExc_TypeError, "expected a dict of arrays by the names of inputs, got %R",
                     (PyObject *)Py_TYPE(feed));
        return -1;
    }
    for (int i = 0; i < r->n_in; i++) {
        PyObject *name = PyTuple_GetItem(r->s->in_names, i);
        r->fed[i] = PyDict_GetItemWithError(feed, name);
        if (!r->fed[i])
            return PyErr_Occurred() ? -1 : (PyErr_Format(PyExc_KeyError, "input %R has no data", name), -1);
        found++;
    }
    PyObject *key, *value;
    for (Py_ssize_t at = 0; found != PyDict_Size(feed) && PyDict_Next(feed, &at, &key, &value);)
        if (!PySequence_Contains(r->s->in_names, key))
            return unknown(key, "input", r->s->in_names), -1;
    return 0;
}

static int take_inputs(struct run *r)
{
    for (int i = 0; i < r->n_in; i++) {
        if (PyUnicode_Check(r->fed[i]) || PyObject_HasAttrString(r->fed[i], "__fspath__")) {
            if (!(r->path[i] = PyOS_FSPath(r->fed[i])))
                return -1;
        } else if (native_array_get(&r->array[i], r->fed[i]) < 0)
            return -1;
    }
    return 0;
}

/* Indices of wanted outputs; None: all. */
static int find_outputs(struct run *r, PyObject *names, int *index, int *n)
{
    *n = names == Py_None ? r->n_out : (int)PySequence_Size(names);
    if (*n < 0 || *n > MOST_PORTS)
        return *n < 0 ? -1 : (PyErr_Format(PyExc_ValueError, "expected at most %d outputs", MOST_PORTS), -1);
    for (int k = 0; k < *n; k++) {
        PyObject *name = names == Py_None ? NULL : PySequence_GetItem(names, k);
        Py_ssize_t at = name ? PySequence_Index(r->s->out_names, name) : k;
        if (at < 0)
            unknown(name, "output", r->s->out_names);
        Py_XDECREF(name);
        if (at < 0)
            return -1;
        index[k] = (int)at;
    }
    return 0;
}

/* An output of the runtime goes straight into its array. */
static int lend_output(struct run *r, int i)
{
    int n;
    void *data;
    const struct vn_model *m = vn_session_model(r->one);
    if (!m || r->result[i])
        return 0;
    const struct vn_io *io = &vn_model_outputs(m, &n)[i];
    const struct vn_port *p = &vn_session_outputs(r->one, &n)[i];
    r->result[i] = native_array_new(io->dtype, p->rank, p->shape, &data);
    if (!r->result[i])
        return -1;
    if (vn_session_lend_output(r->one, i, data, io->bytes, &r->e) < 0)
        return native_raise(&r->e), -1;
    return 0;
}

static int feed(struct run *r, int i)
{
    const struct native_array *a = &r->array[i];
    const struct vn_port *p = &r->in[i];
    if (r->path[i])
        return vn_session_feed_file(r->one, i, PyUnicode_AsUTF8AndSize(r->path[i], NULL), &r->e);
    if (p->type != VN_IN_FEATUREMAP && a->dtype == VN_U8 && a->plain) /* pixels */
        return vn_session_lend_bytes(r->one, i, a->buffer.buf, (size_t)a->buffer.len, &r->e);
    return vn_session_lend_array(r->one, i, a->dtype, a->buffer.ndim, a->shape, a->stride, a->buffer.buf,
                                 &r->e);
}

static void show(void *user, int value, const struct vn_view *v)
{
    struct run *r = user;
    native_enter_python(&r->call);
    const char *name = value >= 0 ? vn_session_value_name(r->one, value) : v->name;
    PyObject *key = PyUnicode_DecodeUTF8(name, (Py_ssize_t)strlen(name), "replace"),
             *x = native_array_of_view(v, r->stored), *done = NULL;
    if (key && x && PyDict_Check(r->observe))
        PyDict_SetItem(r->observe, key, x);
    else if (key && x)
        done = PyObject_CallFunctionObjArgs(r->observe, key, x, NULL);
    Py_XDECREF(done);
    Py_XDECREF(key);
    Py_XDECREF(x);
    native_leave_python(&r->call);
}

static int want(struct run *r)
{
    PyObject *key, *x;
    r->wanted = PyMem_Calloc((size_t)vn_session_values(r->one) + 1, 1);
    for (Py_ssize_t at = 0; r->wanted && PyDict_Next(r->observe, &at, &key, &x);) {
        const char *name = PyUnicode_AsUTF8AndSize(key, NULL);
        const int value = name ? vn_session_value(r->one, name) : -1;
        if (value < 0)
            return name ? (PyErr_Format(PyExc_KeyError, "no value %R in the network", key), -1) : -1;
        r->wanted[value] = 1;
    }
    return r->wanted ? 0 : (PyErr_NoMemory(), -1);
}

static int watch(struct run *r)
{
    if (!r->observe)
        return 0;
    if (PyDict_Check(r->observe) && PyDict_Size(r->observe) && want(r) < 0)
        return -1;
    vn_session_observe(r->one, &(struct vn_observer){ .after = show, .wanted = r->wanted, .user = r });
    return 0;
}

static int compute(struct run *r)
{
    native_begin(&r->call);
    int status = VN_OK;
    for (int i = 0; i < r->n_in && status == VN_OK; i++)
        status = feed(r, i);
    if (status == VN_OK)
        status = vn_session_run(r->one, &r->e);
    return native_end(&r->call, status, &r->e);
}

/* What was computed elsewhere, or is smaller than the largest that it can be. */
static int complete(struct run *r, int i)
{
    struct vn_view v;
    if (vn_session_output(r->one, i, &v, &r->e) < 0)
        return native_raise(&r->e), -1;
    int n, same = r->result[i] != NULL;
    const struct vn_port *p = &vn_session_outputs(r->one, &n)[i];
    for (int k = 0; k < v.rank && same; k++)
        same = v.shape[k] == p->shape[k];
    if (same)
        return 0;
    Py_XDECREF(r->result[i]);
    return (r->result[i] = native_array_of_view(&v, 1)) ? 0 : -1;
}

static PyObject *results(struct run *r, const int *index, int n)
{
    for (int k = 0; k < n; k++)
        if (complete(r, index[k]) < 0)
            return NULL;
    PyObject *list = PyList_New(n);
    for (int k = 0; list && k < n; k++)
        PyList_SetItem(list, k, Py_NewRef(r->result[index[k]]));
    return list;
}

/* The session as it was. */
static void clean(struct run *r)
{
    for (int i = 0; i < r->n_in; i++) {
        vn_session_lend_array(r->one, i, VN_F32, 0, NULL, NULL, NULL, &r->e);
        native_array_release(&r->array[i]);
        Py_XDECREF(r->path[i]);
    }
    for (int i = 0; i < r->n_out && vn_session_model(r->one); i++)
        vn_session_lend_output(r->one, i, NULL, 0, &r->e);
    for (int i = 0; i < r->n_out; i++)
        Py_XDECREF(r->result[i]);
    if (r->observe)
        vn_session_observe(r->one, NULL);
    PyMem_Free(r->wanted);
}

static PyObject *run_once(struct run *r, PyObject *names, PyObject *fed)
{
    int index[MOST_PORTS], n;
    if (find_inputs(r, fed) < 0 || take_inputs(r) < 0 || find_outputs(r, names, index, &n) < 0 ||
        watch(r) < 0)
        return NULL;
    for (int k = 0; k < n; k++)
        if (lend_output(r, index[k]) < 0)
            return NULL;
    return compute(r) < 0 ? NULL : results(r, index, n);
}

static PyObject *run(PyObject *self, PyObject *args)
{
    PyObject *names, *fed, *observe, *done = NULL;
    struct session *s = opened(self);
    struct run r = { .s = s };
    if (!s || !PyArg_ParseTuple(args, "OOOp", &names, &fed, &observe, &r.stored) || !(r.one = take(s)))
        return NULL;
    r.observe = observe == Py_None ? NULL : observe;
    r.in = vn_session_inputs(r.one, &r.n_in);
    vn_session_outputs(r.one, &r.n_out);
    if (r.n_in > MOST_PORTS || r.n_out > MOST_PORTS) {
        PyErr_Format(PyExc_ValueError, "networks of more than %d inputs or outputs are unsupported",
                     MOST_PORTS);
        r.n_in = r.n_out = 0;
    } else
        done = run_once(&r, names, fed);
    clean(&r);
    put(s, r.one);
    return done;
}

/* ---- what it is ---- */

static PyObject *port(const struct vn_port *p, enum vn_dtype given)
{
    return Py_BuildValue("{s:s, s:z, s:z, s:N, s:f, s:i, s:i, s:i, s:i, s:n}", "name", p->name, "dtype",
                         native_dtype_word(given), "computes", native_dtype_word(p->dtype), "shape",
                         native_shape(p->rank, p->shape), "scale", (double)p->scale, "zero", p->zero, "type",
                         (int)p->type, "channels_last", p->channels_last, "nhwc", p->nhwc, "bytes",
                         (Py_ssize_t)p->bytes);
}

static PyObject *inputs(PyObject *self, PyObject *none)
{
    int n;
    struct session *s = opened(self);
    (void)none;
    if (!s)
        return NULL;
    const struct vn_port *p = vn_session_inputs(s->first, &n);
    PyObject *list = PyList_New(n);
    for (int i = 0; list && i < n; i++)
        PyList_SetItem(list, i, port(&p[i], p[i].given));
    return list;
}

static PyObject *outputs(PyObject *self, PyObject *none)
{
    int n, m;
    struct session *s = opened(self);
    (void)none;
    if (!s)
        return NULL;
    const struct vn_port *p = vn_session_outputs(s->first, &n);
    const struct vn_io *io =
        vn_session_model(s->first) ? vn_model_outputs(vn_session_model(s->first), &m) : NULL;
    PyObject *list = PyList_New(n);
    for (int i = 0; list && i < n; i++)
        PyList_SetItem(list, i, port(&p[i], io ? io[i].dtype : p[i].dtype));
    return list;
}

static PyObject *values(PyObject *self, PyObject *none)
{
    struct session *s = opened(self);
    (void)none;
    if (!s)
        return NULL;
    const int n = vn_session_values(s->first);
    PyObject *list = PyList_New(n);
    for (int i = 0; list && i < n; i++)
        PyList_SetItem(list, i, PyUnicode_FromString(vn_session_value_name(s->first, i)));
    return list;
}

static PyObject *meta(PyObject *self, PyObject *none)
{
    const char *key, *text;
    struct session *s = opened(self);
    PyObject *d = s ? PyDict_New() : NULL;
    (void)none;
    for (int i = 0; d && vn_session_meta_at(s->first, i, &key, &text) == VN_OK; i++) {
        PyObject *x = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
        if (!x || PyDict_SetItemString(d, key, x) < 0)
            Py_CLEAR(d);
        Py_XDECREF(x);
    }
    return d;
}

static PyObject *kind(PyObject *self, PyObject *none)
{
    static const char *const words[] = { "bin", "onnx", "caffe", "graph" };
    struct session *s = opened(self);
    (void)none;
    return s ? PyUnicode_FromString(words[vn_session_kind(s->first)]) : NULL;
}

static PyMethodDef methods[] = {
    { "run", run, METH_VARARGS, "run(names, feed, observe, stored) -> list" },
    { "close", close_session, METH_NOARGS, "Give memory back. Calls that run end first; others fail." },
    { "_inputs", inputs, METH_NOARGS, NULL },
    { "_outputs", outputs, METH_NOARGS, NULL },
    { "_values", values, METH_NOARGS, NULL },
    { "_meta", meta, METH_NOARGS, NULL },
    { "_kind", kind, METH_NOARGS, NULL },
    { 0 },
};

static PyMemberDef members[] = {
    { "input_names", T_OBJECT_EX, offsetof(struct session, in_names), READONLY,
      "Names of the inputs: a tuple." },
    { "output_names", T_OBJECT_EX, offsetof(struct session, out_names), READONLY,
      "Names of the outputs: a tuple." },
    { 0 },
};

PyObject *native_session_type(PyObject *module)
{
    static PyType_Slot slots[] = {
        { Py_tp_init, init },
        { Py_tp_dealloc, dealloc },
        { Py_tp_methods, methods },
        { Py_tp_members, members },
        { Py_tp_doc, "Session(source, options, log): see vernier.Session." },
        { 0, NULL },
    };
    static PyType_Spec spec = { .name = "vernier._native.Session",
                                .basicsize = sizeof(struct session),
                                .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                                .slots = slots };
    return PyType_FromModuleAndSpec(module, &spec, NULL);
}
