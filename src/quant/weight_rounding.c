#include "quant/weight_rounding.h"

#include <math.h>

#define DAMPING 0.01 /* of the mean of the diagonal */
enum { MOST_SWEEPS = 16 };

/* ---- factor ---- */

static double damped(struct input_factor *f, const double *gram)
{
    const size_t n = (size_t)f->n;
    double mean = 0;
    for (size_t i = 0; i < n; i++)
        mean += gram[i * n + i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++)
            f->gram[i * n + j] = f->gram[j * n + i] = gram[i * n + j];
        f->gram[i * n + i] += DAMPING * mean;
    }
    return mean;
}

static double dot(const double *a, const double *b, size_t n)
{
    double sum[4] = { 0 };
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (size_t k = 0; k < 4; k++)
            sum[k] += a[i + k] * b[i + k];
    for (; i < n; i++)
        sum[0] += a[i] * b[i];
    return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

int vn_rounding_factor(struct input_factor *f, struct vn_arena *a, const double *gram, int count)
{
    const size_t n = (size_t)count;
    *f = (struct input_factor){ count, NEW_ARRAY(a, double, n *n), NEW_ARRAY(a, double, n *n) };
    if (!(damped(f, gram) > 0))
        return VN_E_INPUT;
    for (size_t i = 0; i < n; i++) {
        double *row = f->lower + i * n;
        for (size_t j = 0; j < i; j++)
            row[j] = (f->gram[i * n + j] - dot(row, f->lower + j * n, j)) / f->lower[j * n + j];
        const double rest = f->gram[i * n + i] - dot(row, row, i);
        if (!(rest > 0))
            return VN_E_INPUT;
        row[i] = sqrt(rest);
    }
    return VN_OK;
}

/* ---- rounding ---- */

static int32_t nearest(double x, int32_t most) { return (int32_t)fmax(-most, fmin(most, rint(x))); }

/* From the last weight to the first; what is left of errors is a column of the factor. */
static void round_in_turn(int32_t *q, double *error, const double *w, const struct input_factor *f,
                          int32_t most)
{
    const size_t n = (size_t)f->n;
    double *ahead = error; /* of weights that are not rounded: what those behind them ask for */
    memset(error, 0, n * sizeof *error);
    for (size_t k = n; k-- > 0;) {
        const double *row = f->lower + k * n;
        q[k] = nearest(w[k] + ahead[k] / row[k], most);
        const double e = w[k] - q[k];
        for (size_t j = 0; j < k; j++)
            ahead[j] += row[j] * e;
        error[k] = e;
    }
}

static double energy(double *slope, const double *error, const struct input_factor *f)
{
    const size_t n = (size_t)f->n;
    for (size_t i = 0; i < n; i++)
        slope[i] = dot(f->gram + i * n, error, n);
    return dot(slope, error, n);
}

/* slope: gram * error. */
static void move_steps(int32_t *q, double *slope, double *error, const struct input_factor *f, int32_t most)
{
    const size_t n = (size_t)f->n;
    int moved = 1;
    for (int sweep = 0; moved && sweep < MOST_SWEEPS; sweep++) {
        moved = 0;
        for (size_t i = 0; i < n; i++) {
            const double *row = f->gram + i * n;
            const int step = slope[i] > 0 ? 1 : -1;
            if (!(2 * fabs(slope[i]) > row[i] * (1 + 1e-9)) || q[i] + step > most || q[i] + step < -most)
                continue;
            q[i] += step;
            error[i] -= step;
            for (size_t j = 0; j < n; j++)
                slope[j] -= step * row[j];
            moved = 1;
        }
    }
}

void vn_rounding_solve(int32_t *q, const double *w, const struct input_factor *f, int32_t most)
{
    struct vn_arena *a = vn_arena_new();
    const size_t n = (size_t)f->n;
    double *error = NEW_ARRAY(a, double, n), *slope = NEW_ARRAY(a, double, n),
           *plain = NEW_ARRAY(a, double, n);
    round_in_turn(q, error, w, f, most);
    const double in_turn = energy(slope, error, f);
    for (size_t i = 0; i < n; i++)
        plain[i] = w[i] - nearest(w[i], most);
    if (in_turn > energy(slope, plain, f)) {
        for (size_t i = 0; i < n; i++)
            q[i] = nearest(w[i], most);
        memcpy(error, plain, n * sizeof *error);
    }
    energy(slope, error, f);
    move_steps(q, slope, error, f, most);
    vn_arena_free(&a);
}
