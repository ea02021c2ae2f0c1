/* node_info: auto: the planner, then a conversion with the types that it found. */
#include "config/config.h"
#include "tune/tuner.h"

/* Problems of the configuration are the conversion's to tell. */
static int read_plan(struct plan_limits *p, struct vn_arena *a, const char *path, struct vn_err *e)
{
    struct config *c;
    const int status = vn_config_read_all(&c, a, path, e);
    if (status == VN_E_NOMEM)
        return status;
    *p = status < 0 || c->unreadable || c->problems.n ? (struct plan_limits){ 0 } : c->plan;
    return VN_OK;
}

static int make_plan(const char **yaml, struct vn_arena *a, const struct vn_convert_options *o,
                     const struct plan_limits *p, struct vn_err *e)
{
    struct vn_tune_options t;
    struct vn_tuning *made;
    vn_tune_options_default(&t);
    t.config = o->config;
    t.latency_ratio = p->latency_ratio;
    t.size_ratio = p->size_ratio;
    t.max_drop = p->max_drop;
    t.accept_data = o->accept_data;
    t.run = o->run;
    t.listener = o->listener;
    TRY(vn_tune(&made, &t, e));
    const struct vn_tune_summary *s = vn_tuning_summary(made);
    *yaml = vn_arena_str(a, s->yaml);
    vn_say(&o->listener, VN_LOG_INFO, "node_info auto: %d plans were measured; the best is in %s", s->plans,
           *yaml);
    vn_tuning_free(&made);
    return VN_OK;
}

int vn_tune_convert(struct vn_conversion **c, const struct vn_convert_options *o, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    struct vn_convert_options with = *o;
    struct plan_limits p;
    int status = read_plan(&p, a, o->config, e);
    if (status == VN_OK && p.wanted)
        status = make_plan(&with.config, a, o, &p, e);
    if (status == VN_OK)
        status = vn_convert(c, &with, e);
    else
        *c = NULL;
    vn_arena_free(&a);
    return status;
}
