/* The handle of a conversion, and what a caller reads from it. */
#include "base/guard.h"
#include "convert/stages.h"
#include "kernels/image/image_kernels.h"

static struct vn_conversion *new_conversion(const struct vn_options *run, const struct vn_listener *l)
{
    struct vn_arena *kept = vn_arena_new();
    struct vn_conversion *c = NEW(kept, struct vn_conversion);
    c->kept = kept;
    c->arena = vn_arena_new();
    if (run)
        c->run = *run;
    else
        vn_options_default(&c->run);
    c->listener = *l;
    return c;
}

static int run_work(struct vn_conversion **out, conversion_work *work, const void *options,
                    const struct vn_options *run, const struct vn_listener *l, struct vn_err *e)
{
    struct vn_conversion *c = new_conversion(run, l);
    vn_image_cpu(c->run.cpumask);
    const int status = work(c, options, e);
    if (status < 0)
        vn_convert_write_fail(c);
    vn_arena_free(&c->arena);
    if (status < 0)
        vn_conversion_free(&c);
    *out = c;
    return status;
}

int vn_convert_guarded(struct vn_conversion **out, conversion_work *work, const void *options,
                       const struct vn_options *run, const struct vn_listener *l, struct vn_err *e)
{
    int status;
    *out = NULL;
    VN_GUARDED(status, e, run_work(out, work, options, run, l, e));
    return status;
}

void vn_conversion_free(struct vn_conversion **c)
{
    if (!c || !*c)
        return;
    struct vn_arena *kept = (*c)->kept;
    vn_arena_free(&kept);
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

const struct vn_finding *vn_conversion_findings(const struct vn_conversion *c, int *n)
{
    *n = c->findings.n;
    return c->findings.v;
}

const char *vn_conversion_product(const struct vn_conversion *c, const char *stage)
{
    for (int i = 0; i < c->products.n; i++)
        if (!strcmp(c->products.v[i].key, stage))
            return c->products.v[i].text;
    return NULL;
}

const struct vn_convert_summary *vn_conversion_summary(const struct vn_conversion *c) { return &c->summary; }
