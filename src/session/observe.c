/* Who watches a session: chosen values become chosen tensors of the program. */
#include "session/network.h"

static void show_inputs(void *user, int instruction, const struct vn_view *in, int n)
{
    const struct vn_session *s = user;
    s->watch.before(s->watch.user, instruction, in, n);
}

static void show(void *user, const struct vn_view *v)
{
    const struct vn_session *s = user;
    s->watch.after(s->watch.user, s->net->value_of[v->tensor], v);
}

void vn_session_watch_model(struct vn_session *s)
{
    const struct vn_observer *w = &s->watch;
    if (!s->model)
        return;
    const struct vn_watch to = { .before = w->before ? show_inputs : NULL,
                                 .after = w->after ? show : NULL,
                                 .wanted = s->wanted_tensor,
                                 .user = s };
    vn_model_watch(s->model, w->before || w->after ? &to : NULL);
}

static int is_wanted(const struct vn_session *s, const struct vn_observer *w, int tensor)
{
    struct vn_view t;
    const unsigned roles = w->roles ? w->roles : 1u << VN_ROLE_VALUE;
    const int value = s->net->value_of[tensor];
    vn_model_tensor(s->model, tensor, &t);
    if (w->wanted && (value < 0 || !w->wanted[value]))
        return 0;
    if (s->net->itself[tensor] && roles >> VN_ROLE_VALUE & 1)
        return 1;
    return t.role != VN_ROLE_VALUE && roles >> t.role & 1;
}

static void choose(struct vn_session *s, const struct vn_observer *w)
{
    const int values = !w->roles || w->roles >> VN_ROLE_VALUE & 1;
    s->watch = *w;
    for (int i = 0; i < s->net->n_values; i++)
        s->wanted_value[i] = values && (!w->wanted || w->wanted[i]);
    for (int i = 0; i < s->net->n_tensors; i++)
        s->wanted_tensor[i] = (unsigned char)is_wanted(s, w, i);
    s->watch.wanted = NULL; /* the caller's; wanted_value is the copy */
}

void vn_session_observe(struct vn_session *s, const struct vn_observer *o)
{
    choose(s, o ? o : &(struct vn_observer){ 0 });
    vn_session_watch_model(s);
}
