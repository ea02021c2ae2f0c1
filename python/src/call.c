/* Calls without the GIL, and how they end early.
 *
 * While the main thread is in the library, SIGINT goes to Python's own handler and then sets the flag that
 * the library reads. So a call ends within an instruction of the network, and Python raises what its handler
 * raises. */
#include "native.h"

#include <signal.h>

#include <vernier/listener.h>

static volatile int interrupted;
static struct sigaction python_handler;
static int depth; /* of calls of the main thread */

static void on_interrupt(int signal)
{
    python_handler.sa_handler(signal); /* first: who sees the flag asks Python for the exception */
    interrupted = 1;
}

static void hear_interrupts(void)
{
    struct sigaction ours = { .sa_handler = on_interrupt };
    if (depth++)
        return;
    interrupted = 0;
    sigaction(SIGINT, NULL, &python_handler);
    if ((python_handler.sa_flags & SA_SIGINFO) || python_handler.sa_handler == SIG_DFL ||
        python_handler.sa_handler == SIG_IGN)
        return; /* the process ends, or somebody else decides */
    ours.sa_flags = python_handler.sa_flags;
    ours.sa_mask = python_handler.sa_mask;
    sigaction(SIGINT, &ours, NULL);
}

static void leave_interrupts(void)
{
    struct sigaction now;
    if (--depth)
        return;
    sigaction(SIGINT, NULL, &now);
    if (now.sa_handler == on_interrupt)
        sigaction(SIGINT, &python_handler, NULL);
}

void native_begin(struct native_call *c)
{
    *c = (struct native_call){ .main = PyThread_get_thread_ident() == native.main_thread };
    c->flag = c->main ? &interrupted : &c->own;
    if (c->main)
        hear_interrupts();
    vn_cancel_on(c->flag);
    c->thread = PyEval_SaveThread();
}

void native_enter_python(struct native_call *c) { c->gil = PyGILState_Ensure(); }

void native_leave_python(struct native_call *c)
{
    if (PyErr_Occurred() && !c->type)
        PyErr_Fetch(&c->type, &c->value, &c->trace);
    PyErr_Clear();
    if (c->type)
        *c->flag = 1;
    vn_cancel_on(c->flag); /* a nested call has ended */
    PyGILState_Release(c->gil);
}

int native_end(struct native_call *c, int status, const struct vn_err *e)
{
    PyEval_RestoreThread(c->thread);
    vn_cancel_on(NULL);
    if (c->main)
        leave_interrupts();
    if (c->main && !depth)
        interrupted = 0;
    if (c->type) {
        PyErr_Restore(c->type, c->value, c->trace);
        return -1;
    }
    if (status == VN_E_CANCELLED && PyErr_CheckSignals() < 0)
        return -1;
    if (status < 0)
        native_raise(e);
    return status < 0 ? -1 : 0;
}
