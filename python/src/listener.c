/* What a long job says, to Python functions. */
#include "native.h"

static int heard(PyObject *f) { return f && f != Py_None; }

static void tell(struct native_ears *ears, PyObject *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    native_enter_python(ears->call);
    PyObject *words = Py_VaBuildValue(format, args), *result = words ? PyObject_CallObject(f, words) : NULL;
    Py_XDECREF(words);
    Py_XDECREF(result);
    native_leave_python(ears->call);
    va_end(args);
}

static void log_line(void *user, enum vn_log_level level, const char *line)
{
    struct native_ears *ears = user;
    tell(ears, ears->log, "(is)", (int)level, line);
}

static void progress(void *user, const char *what, int done, int all)
{
    struct native_ears *ears = user;
    tell(ears, ears->progress, "(sii)", what, done, all);
}

static void problem(void *user, const struct vn_err *e)
{
    struct native_ears *ears = user;
    tell(ears, ears->problem, "(s)", e->msg);
}

void native_listen(struct vn_listener *l, struct native_ears *ears)
{
    *l = (struct vn_listener){ .log = heard(ears->log) ? log_line : NULL,
                               .progress = heard(ears->progress) ? progress : NULL,
                               .problem = heard(ears->problem) ? problem : NULL,
                               .user = ears };
}
