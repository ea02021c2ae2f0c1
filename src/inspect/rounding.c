/* Error bounds of float32 arithmetic: Higham, "Accuracy and Stability of Numerical Algorithms" (2002),
 * section 3.1: a sum of k rounded products lies within gamma(k) = k*u / (1 - k*u) times the sum of their
 * magnitudes, in any order; u = 2^-24. */
#include "inspect/rounding.h"

#include <float.h>
#include <math.h>

#define U (FLT_EPSILON / 2)
#define SMALLEST 1e-36 /* exp and what is made of it give 0 below 1.2e-38 */

static double gamma_of(int64_t terms)
{
    const double k = (double)terms * U;
    return k < 0.5 ? k / (1 - k) : 1;
}

static struct vn_tensor *magnitudes(struct vn_arena *a, const struct vn_tensor *x)
{
    struct vn_tensor *y = vn_tensor_new(a, x->dtype, &x->shape);
    const int64_t count = vn_shape_count(&x->shape);
    for (int64_t i = 0; i < count; i++)
        if (x->dtype == VN_F64)
            vn_f64(y)[i] = fabs(vn_f64(x)[i]);
        else
            vn_i64(y)[i] = vn_i64(x)[i];
    return y;
}

/* The node with the magnitudes of its factors (Gemm's alpha and beta). */
static struct node with_magnitudes(struct vn_arena *a, const struct node *n)
{
    struct node m = *n;
    m.attrs = vn_arena_copy(a, n->attrs, n->op->attrs_size);
    for (const struct attr_spec *s = n->op->attrs; s && s->kind != ATTR_END; s++)
        if (s->kind == ATTR_FLOAT) {
            float *x = (float *)((char *)m.attrs + s->offset);
            *x = fabsf(*x);
        }
    return m;
}

/* Output `port` of the linear node n for these inputs. */
static int evaluate(struct vn_tensor **y, struct vn_arena *a, const struct node *n, int port,
                    const struct vn_tensor *const *in, const struct vn_shape *shape, struct vn_err *e)
{
    struct vn_tensor **out = NEW_ARRAY(a, struct vn_tensor *, n->n_out);
    for (int i = 0; i < n->n_out; i++)
        if (n->out[i])
            out[i] = vn_tensor_new(a, VN_F64, i == port ? shape : &n->out[i]->shape);
    const struct eval ev = { a, in, out };
    TRY(n->op->eval(n, &ev, e));
    *y = out[port];
    return VN_OK;
}

static int linear(struct vn_tensor **out, struct vn_arena *a, const struct node *n, int port,
                  const struct vn_tensor *const *in, const struct vn_tensor *y, struct vn_err *e)
{
    const struct node m = with_magnitudes(a, n);
    const struct vn_tensor **mag = NEW_ARRAY(a, const struct vn_tensor *, n->n_in);
    const double factor = gamma_of(n->op->terms(n));
    for (int i = 0; i < n->n_in; i++)
        mag[i] = in[i] ? magnitudes(a, in[i]) : NULL;
    TRY(evaluate(out, a, &m, port, mag, &y->shape, e));
    const int64_t count = vn_shape_count(&y->shape);
    for (int64_t i = 0; i < count; i++)
        vn_f64(*out)[i] = factor * vn_f64(*out)[i] + SMALLEST;
    return VN_OK;
}

static double of_element(const struct node *n, double x, double y)
{
    return n->op->relative ? n->op->relative * fabs(y) : n->op->rounding(n, x, y);
}

static struct vn_tensor *elementwise(struct vn_arena *a, const struct node *n, const struct vn_tensor *x,
                                     const struct vn_tensor *y)
{
    struct vn_tensor *out = vn_tensor_new(a, VN_F64, &y->shape);
    const int64_t count = vn_shape_count(&y->shape);
    for (int64_t i = 0; i < count; i++)
        vn_f64(out)[i] = U * of_element(n, vn_f64(x)[i], vn_f64(y)[i]) + SMALLEST;
    return out;
}

static void raise_all(struct vn_tensor *t, double by)
{
    for (int64_t i = 0, count = vn_shape_count(&t->shape); i < count; i++)
        vn_f64(t)[i] += by;
}

/* The slack of the inputs on top. */
static int add_inputs(struct vn_tensor **out, struct vn_arena *a, const struct node *n,
                      const struct vn_tensor *const *in_slack, const struct vn_tensor *y, struct vn_err *e)
{
    const int64_t count = vn_shape_count(&y->shape);
    if (!*out)
        *out = vn_tensor_new(a, VN_F64, &y->shape);
    for (int k = 0; k < n->n_in; k++) {
        if (!in_slack[k])
            continue;
        if ((n->op->pair != PAIR_SUM && !n->op->is_clamp) || vn_shape_count(&in_slack[k]->shape) != count)
            return vn_node_fail(n, e, VN_E_UNSUPPORTED,
                                "no bound for the rounding errors of several fused nodes");
        for (int64_t i = 0; i < count; i++)
            vn_f64(*out)[i] += vn_f64(in_slack[k])[i];
    }
    for (int64_t i = 0; i < count; i++)
        vn_f64(*out)[i] += U * fabs(vn_f64(y)[i]);
    return VN_OK;
}

int vn_rounding_slack(const struct vn_tensor **out, struct vn_arena *a, const struct node *n, int port,
                      const struct vn_tensor *const *in, const struct vn_tensor *const *in_slack,
                      const struct vn_tensor *y, struct vn_err *e)
{
    struct vn_tensor *own = NULL;
    int inexact = 0;
    *out = NULL;
    if (y->dtype != VN_F64)
        return VN_OK;
    for (int i = 0; i < n->n_in; i++)
        inexact |= in_slack[i] != NULL;
    if (n->op->terms)
        TRY(linear(&own, a, n, port, in, y, e));
    else if (n->op->relative || n->op->rounding)
        own = elementwise(a, n, in[0], y);
    else if (n->op->slack) {
        own = vn_tensor_new(a, VN_F64, &y->shape);
        TRY(n->op->slack(n, port, in, y, own, a));
        raise_all(own, SMALLEST);
    }
    if (inexact)
        TRY(add_inputs(&own, a, n, in_slack, y, e));
    *out = own;
    return VN_OK;
}
