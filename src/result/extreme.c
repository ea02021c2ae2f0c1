/* The least or the largest value, and where it was. */
#include <math.h>

#include "result/result_kind.h"

/* Is x before y, where sign * value falls from the extreme on? The order is total, so joining is commutative.
 */
static int is_before(const struct extreme *x, const struct extreme *y, double sign)
{
    if (isnan(x->value) != isnan(y->value))
        return isnan(x->value);
    if (!isnan(x->value) && x->value != y->value)
        return sign * x->value > sign * y->value;
    return x->sample < y->sample;
}

static void add(struct extreme *m, const struct extreme *x, double sign)
{
    if (x->found && (!m->found || is_before(x, m, sign)))
        *m = *x;
}

/* One NaN and one zero, so that equal results have equal bytes. */
static struct extreme extreme_of(uint64_t sample, double x)
{
    return (struct extreme){ 1, isnan(x) ? NAN : x == 0 ? 0 : x, sample };
}

void vn_minimum_add(struct extreme *m, uint64_t sample, double x)
{
    const struct extreme new = extreme_of(sample, x);
    add(m, &new, -1);
}

/* not used in src: vn_maximum_add: of errors, the other end of a minimum; tests use it */
void vn_maximum_add(struct extreme *m, uint64_t sample, double x)
{
    const struct extreme new = extreme_of(sample, x);
    add(m, &new, 1);
}

static int merge_minimum(void *to, const void *from, struct vn_arena *a, struct vn_err *e)
{
    (void)a, (void)e;
    add(to, from, -1);
    return VN_OK;
}

static int merge_maximum(void *to, const void *from, struct vn_arena *a, struct vn_err *e)
{
    (void)a, (void)e;
    add(to, from, 1);
    return VN_OK;
}

static void write_entry(struct result_writer *w, const void *entry)
{
    const struct extreme *m = entry;
    if (!m->found)
        return;
    vn_result_put_double(w, m->value);
    vn_result_put(w, m->sample);
}

static int read_entry(struct result_reader *r, void *entry)
{
    struct extreme *m = entry;
    if (r->at == r->end)
        return VN_OK;
    double x;
    TRY(vn_result_get_double(r, &x, "value"));
    TRY(vn_result_get(r, &m->sample, UINT64_MAX, "sample"));
    *m = extreme_of(m->sample, x);
    return memcmp(&x, &m->value, sizeof x) ? vn_result_bad(r, "value: expected neither -0 nor NaN") : VN_OK;
}

const struct result_kind vn_result_minimum = { "minimum", sizeof(struct extreme), merge_minimum, write_entry,
                                               read_entry };
const struct result_kind vn_result_maximum = { "maximum", sizeof(struct extreme), merge_maximum, write_entry,
                                               read_entry };
