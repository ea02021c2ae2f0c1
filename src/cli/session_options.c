/* The session that a command line asks for. */
#include <vernier/runtime.h>
#include <vernier/session.h>

#include "base/file.h"
#include "cli/cli.h"

struct opened {
    struct vn_session *session;
    struct logger log;
    struct vn_listener listener;
};

static void close_opened(void *p) { vn_session_close(&((struct opened *)p)->session); }

static void warn_slow(const struct vn_session *s, const struct vn_options *o)
{
    if (vn_session_kind(s) == VN_ARTEFACT_BIN &&
        (vn_model_isa(vn_session_model(s)) & ~(vn_cpu_detect() & o->cpumask)))
        fprintf(stderr,
                "%s was compiled for march %s, whose kernels are unavailable here; it runs slower, with "
                "equal results\n",
                vn_session_path(s), vn_session_meta(s, "march"));
}

int vn_opt_inputs(struct vn_input_settings *s, struct vn_arena *a, struct vn_err *e)
{
    const char **names, **shapes, **values;
    TRY(vn_opt_shapes(&names, &shapes, &s->n_shapes, a, e));
    s->shape_names = names;
    s->shapes = shapes;
    s->n_values = vn_opt_all("--input-value", &values);
    s->values = values;
    return VN_OK;
}

int vn_opt_session(struct vn_session **out, struct vn_arena *a, struct vn_err *e)
{
    const char **words, **files;
    struct vn_session_options o;
    struct opened *m = NEW(a, struct opened);
    vn_arena_defer(a, close_opened, m);
    m->listener = (struct vn_listener){ .progress = vn_logger_listener(&m->log).progress, .user = &m->log };
    vn_words(&words);
    vn_session_options_default(&o);
    o.reference = vn_opt("--reference") != NULL;
    o.prototxt = vn_opt("--proto");
    o.pipeline = vn_opt("--pipeline");
    o.listener = &m->listener;
    o.n_files = vn_opt_all("--input", &files);
    o.files = files;
    TRY(vn_opt_inputs(&o.inputs, a, e));
    TRY(vn_opt_int("--level", 3, 0, 3, &o.level, e));
    TRY(vn_opt_run(&o.run, e));
    TRY(vn_session_open(&m->session, words[0], &o, e));
    warn_slow(m->session, &o.run);
    *out = m->session;
    return VN_OK;
}

int vn_opt_feed(struct vn_session *s, struct vn_err *e)
{
    const char **files;
    const int n = vn_opt_all("--input", &files);
    TRY(vn_session_feed_random(s, 1, e));
    return vn_session_feed_files(s, files, n, e);
}
