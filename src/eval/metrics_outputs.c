/* No labels: the models' outputs are compared with the first model's, and that is all. */
#include "eval/evaluate.h"

static int prepare(struct eval_set *ev, struct vn_err *e)
{
    return ev->task->labels
               ? vn_fail(e, VN_E_USAGE, "metric outputs does not use labels: select another --metric")
               : VN_OK;
}

static int keep(struct record *out, struct vn_arena *a, const struct eval_set *ev, int i,
                const struct vn_session *model, const struct vn_origin *from, struct vn_err *e)
{
    (void)a, (void)ev, (void)i, (void)model, (void)from, (void)e;
    *out = (struct record){ 0, NULL };
    return VN_OK;
}

static int valid(const struct record *r, const struct eval_set *ev, int i)
{
    (void)ev, (void)i;
    return r->n == 0;
}

static void score(double *out, const struct eval_set *ev, const struct record *const *of, const int *times)
{
    (void)out, (void)ev, (void)of, (void)times;
}

const struct metric vn_metric_outputs = { "outputs", "", prepare, keep, valid, score };
