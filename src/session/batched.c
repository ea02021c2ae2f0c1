/* The network of a program that takes several images at once (input_batch), made of the ONNX file of one. */
#include <stdlib.h>

#include "passes/pass.h"
#include "session/session.h"

#define BATCH_KEY "input_parameters.input_batch"
#define MOST_IMAGES 4096

int vn_session_is_batched(const struct vn_session *s)
{
    const char *n = vn_session_meta(s, BATCH_KEY);
    return n && atoi(n) > 1;
}

/* "a; b" */
static int split_names(struct vn_arena *a, const char *text, const char ***names)
{
    VEC(const char *) v = { 0 };
    for (const char *p = text; p && *p; p += *p != 0) {
        p += strspn(p, " ");
        size_t n = strcspn(p, ";"), used = n;
        while (used && p[used - 1] == ' ')
            used--;
        if (used)
            VEC_PUSH(a, &v, vn_arena_strn(a, p, used));
        p += n;
    }
    *names = v.v;
    return v.n;
}

int vn_session_open_batched(struct vn_session **s, struct vn_arena *a, const struct vn_session *onnx,
                            const struct vn_session *bin, struct vn_err *e)
{
    const char **names, *all = vn_session_meta(bin, "input_parameters.separate_batch");
    struct batch_spec b = { .n = atoi(vn_session_meta(bin, BATCH_KEY)),
                            .separate_all = all && (*all == 't' || *all == 'T') };
    struct graph *g = vn_graph_clone(a, vn_session_graph(onnx));
    struct vn_session_options o;
    struct vn_session **slot = vn_session_slot(a);
    b.n_separate = split_names(a, vn_session_meta(bin, "input_parameters.separate_name"), &names);
    b.separate = names;
    if (b.n > MOST_IMAGES)
        return vn_fail(e, VN_E_INPUT, "%s: input_batch: expected at most %d, got %d", vn_session_path(bin),
                       MOST_IMAGES, b.n);
    if (vn_set_batch(g, &b, e) < 0)
        return vn_fail_at(e, "%s", vn_session_path(bin));
    vn_session_options_default(&o);
    o.inspect = 1;
    TRY(vn_session_open_graph(slot, g, NULL, &o, e));
    *s = *slot;
    return VN_OK;
}
