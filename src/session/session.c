/* Opening, sharing, closing, and what a session says of itself. */
#include "session/network.h"

#include <stdlib.h>

#include "base/file.h"
#include "kernels/image/image_kernels.h"
#include "kernels/values/value_kernels.h"

void vn_session_options_default(struct vn_session_options *o)
{
    *o = (struct vn_session_options){ .level = 3 };
    vn_options_default(&o->run);
}

/* ---- opening ---- */

static struct vn_session *new_session(struct network *n)
{
    struct vn_arena *a = vn_arena_new();
    struct vn_session *s = NEW(a, struct vn_session);
    vn_arena_detach(a);
    s->arena = a;
    s->net = n;
    if (n)
        atomic_fetch_add(&n->users, 1);
    return s;
}

static struct network *new_network(void)
{
    struct vn_arena *a = vn_arena_new();
    struct network *n = NEW(a, struct network);
    vn_arena_detach(a);
    n->arena = a;
    atomic_init(&n->users, 1);
    atomic_init(&n->taken, 0);
    return n;
}

static int load_model(struct vn_session *s, const struct vn_options *run, struct vn_err *e)
{
    enum { ALIGN = 64 };
    size_t need;
    TRY(vn_model_size(&need, s->net->image, s->net->image_bytes, run, e));
    TRY(vn_session_take(s, need, "working memory", e));
    s->memory = aligned_alloc(ALIGN, (need + ALIGN - 1) / ALIGN *
                                         ALIGN); /* an arena would touch all of what a file asks for */
    if (!s->memory)
        return vn_fail(e, VN_E_NOMEM, "out of memory: %zu bytes", need);
    return vn_model_load(&s->model, s->net->image, s->net->image_bytes, s->memory, need, run, e);
}

static int make_results(struct vn_session *s, struct vn_err *e)
{
    int n;
    const struct vn_io *io = vn_model_outputs(s->model, &n);
    s->result = NEW_ARRAY(s->arena, void *, n);
    s->own_result = NEW_ARRAY(s->arena, void *, n);
    for (int i = 0; i < n; i++) {
        TRY(vn_session_take(s, io[i].bytes, "an output", e));
        s->result[i] = s->own_result[i] = vn_arena_alloc(s->arena, io[i].bytes);
    }
    return VN_OK;
}

/* What a session has for itself. */
static int make_own(struct vn_session *s, struct vn_err *e)
{
    s->wanted_value = NEW_ARRAY(s->arena, unsigned char, s->net->n_values);
    s->wanted_tensor = NEW_ARRAY(s->arena, unsigned char, s->net->n_tensors);
    TRY(vn_session_feed_init(s, e));
    return s->model ? make_results(s, e) : VN_OK;
}

static int load(struct vn_session *s, const struct vn_options *run, struct vn_err *e)
{
    if (!s->net->image || load_model(s, run, e) == VN_OK)
        return VN_OK;
    return s->net->kind == VN_ARTEFACT_BIN ? vn_fail_at(e, "%s", s->net->path) : e->code;
}

static int fill(struct vn_session **out, const struct session_source *from,
                const struct vn_session_options *o, struct vn_err *e)
{
    struct vn_session *s = *out = new_session(NULL);
    s->net = new_network();
    TRY(vn_network_read(s->net, from, o, e));
    TRY(load(s, &o->run, e));
    TRY(vn_network_describe(s->net, s->model, e));
    return make_own(s, e);
}

/* No file that is opened is a program by chance. */
static int explain(const struct session_source *from, const struct vn_session *s, int status,
                   struct vn_err *e)
{
    if (status != VN_E_INPUT || !from->path || !s || !s->net || s->net->kind != VN_ARTEFACT_BIN ||
        vn_path_has_suffix(from->path, ".bin"))
        return status;
    const struct vn_err why = *e;
    return vn_fail(e, why.code, "%s (expected a file that ends in .onnx, or a .bin)", why.msg);
}

static int open_guarded(struct vn_session **out, const struct session_source *from,
                        const struct vn_session_options *o, struct vn_err *e)
{
    int status;
    VN_GUARDED(status, e, fill(out, from, o, e));
    if (status < 0) {
        status = explain(from, *out, status, e);
        vn_session_close(out);
    }
    return status;
}

static int open_any(struct vn_session **out, const struct session_source *from,
                    const struct vn_session_options *o, struct vn_err *e)
{
    struct vn_session_options preset;
    struct vn_err own;
    vn_session_options_default(&preset);
    *out = NULL;
    vn_value_cpu(o ? o->run.cpumask : preset.run.cpumask);
    return open_guarded(out, from, o ? o : &preset, e ? e : &own);
}

int vn_session_check_settings(const struct vn_input_settings *in, const unsigned char *marks,
                              struct vn_err *e)
{
    for (int i = 0; i < in->n_shapes; i++)
        if (!marks[i])
            return vn_fail(e, VN_E_USAGE,
                           "input_shape is set for '%s', which is not an input of any network here "
                           "(shapes of a .bin are fixed)",
                           in->shape_names[i]);
    for (int i = 0; i < in->n_values; i++)
        if (!marks[in->n_shapes + i])
            return vn_fail(e, VN_E_USAGE,
                           "input_value is set for '%s', which is not an input of any network here",
                           in->values[i]);
    return VN_OK;
}

int vn_session_open(struct vn_session **s, const char *path, const struct vn_session_options *o,
                    struct vn_err *e)
{
    vn_image_cpu(o ? o->run.cpumask : ~0u);
    return open_any(s, &(struct session_source){ .path = path }, o, e);
}

int vn_session_open_memory(struct vn_session **s, const void *image, size_t bytes,
                           const struct vn_session_options *o, struct vn_err *e)
{
    vn_image_cpu(o ? o->run.cpumask : ~0u);
    return open_any(s, &(struct session_source){ .image = image, .bytes = bytes }, o, e);
}

int vn_session_open_graph(struct vn_session **s, const struct graph *g, const struct compile_options *c,
                          const struct vn_session_options *o, struct vn_err *e)
{
    return open_any(s, &(struct session_source){ .graph = g, .compile = c }, o, e);
}

static int fill_shared(struct vn_session **out, struct network *n, const struct vn_options *run,
                       struct vn_err *e)
{
    *out = new_session(n);
    TRY(load(*out, run, e));
    return make_own(*out, e);
}

static int share_guarded(struct vn_session **out, struct network *n, const struct vn_options *run,
                         struct vn_err *e)
{
    int status;
    VN_GUARDED(status, e, fill_shared(out, n, run, e));
    if (status < 0)
        vn_session_close(out);
    return status;
}

int vn_session_share(struct vn_session **s, const struct vn_session *of, const struct vn_options *run,
                     struct vn_err *e)
{
    struct vn_options preset;
    struct vn_err own;
    vn_options_default(&preset);
    *s = NULL;
    return share_guarded(s, of->net, run ? run : &preset, e ? e : &own);
}

void vn_session_close(struct vn_session **p)
{
    struct vn_session *s = p ? *p : NULL;
    if (!s)
        return;
    *p = NULL;
    struct network *n = s->net;
    struct vn_arena *a = s->arena;
    vn_model_unload(&s->model);
    free(s->memory);
    vn_arena_free(&s->run_arena);
    if (n)
        atomic_fetch_sub(&n->taken, s->taken);
    vn_arena_free(&a);
    if (n)
        vn_network_leave(n);
}

static void close_slot(void *p) { vn_session_close(p); }

struct vn_session **vn_session_slot(struct vn_arena *a)
{
    struct vn_session **s = NEW(a, struct vn_session *);
    vn_arena_defer(a, close_slot, s);
    return s;
}
