/* The handle of a conversion, and what a caller reads from it. */
#include "convert/stages.h"

static struct vn_conversion *new_conversion(struct vn_arena *a, const struct vn_options *run,
                                            const struct vn_listener *l)
{
    struct vn_conversion *c = NEW(a, struct vn_conversion);
    c->arena = a;
    c->run = *run;
    c->listener = *l;
    return c;
}

int vn_convert_guarded(struct vn_conversion **out,
                       int (*work)(struct vn_conversion *c, const void *options, struct vn_err *e),
                       const void *options, const struct vn_options *run, const struct vn_listener *l,
                       struct vn_err *e)
{
    struct vn_options defaults;
    struct vn_oom guard;
    *out = NULL;
    vn_options_default(&defaults);
    if (VN_OOM_GUARD(&guard)) {
        vn_oom_leave(&guard);
        return vn_fail(e, VN_E_NOMEM, "out of memory");
    }
    struct vn_arena *a = vn_arena_new();
    struct vn_conversion *c = new_conversion(a, run ? run : &defaults, l);
    const int status = work(c, options, e);
    vn_oom_leave(&guard);
    if (status < 0)
        vn_arena_free(&a);
    else
        *out = c;
    return status;
}

void vn_conversion_free(struct vn_conversion **c)
{
    if (!c || !*c)
        return;
    struct vn_arena *a = (*c)->arena;
    vn_arena_free(&a);
    *c = NULL;
}

const struct vn_node_row *vn_conversion_nodes(const struct vn_conversion *c, int *n)
{
    *n = c->nodes.n;
    return c->nodes.v;
}

const struct vn_output_row *vn_conversion_outputs(const struct vn_conversion *c, int *n)
{
    *n = c->outputs.n;
    return c->outputs.v;
}

const char *vn_conversion_product(const struct vn_conversion *c, const char *stage)
{
    for (int i = 0; i < c->products.n; i++)
        if (!strcmp(c->products.v[i].key, stage))
            return c->products.v[i].text;
    return NULL;
}

const char *vn_conversion_method(const struct vn_conversion *c) { return c->method_text; }
