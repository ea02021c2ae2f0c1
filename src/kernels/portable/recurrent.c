/* kernels/portable/recurrent.c - RNN, GRU and LSTM. in: X, W, R, B, sequence lengths, first hidden state,
 * first cell state, peepholes; those left out have no elements. i[0]: 0 RNN, 1 GRU, 2 LSTM; i[1]: 0
 * forward, 1 reverse, 2 both; i[2]: enum vn_recurrent_result; i[3]: GRU:
 * linear_before_reset; LSTM: input_forget; i[4]: 1 batch first; i[5]: hidden size; i[6..11]: activations,
 * three for each direction (f, g, h); i[12..23]: their alpha and beta as float32 bits. f[0]: clip, 0:
 * none. i[24]: 1: W is in memory as (directions, inputs, gates * hidden), as if its axis 1 were moved to the
 * end; 2: so is R. i[25]: 1: the sequences of a batch advance together: an
 * LSTM reads its weights once for all. */
#include "kernels/kernels.h"
#include "kernels/portable.h"
#include "num/num.h"

enum { X, W, R, B, LENGTHS, H0, C0, P };

struct net {
    int kind, directions, gates;
    int64_t steps, batch, inputs, hidden;
};

static int given(const struct vn_cells *t) { return t->count > 0; }

static int of_shape(const struct vn_cells *t, int rank, int64_t a, int64_t b, int64_t c)
{
    const int64_t want[3] = { a, b, c };
    if (t->rank != rank)
        return 0;
    for (int k = 0; k < rank; k++)
        if (t->d[k] != want[k])
            return 0;
    return 1;
}

static const char *shape(struct net *n, const struct vn_portable_args *a)
{
    static const int gates[] = { 1, 3, 4 };
    if (a->n_in != 8 || a->i[0] < VN_RECURRENT_RNN || a->i[0] > VN_RECURRENT_LSTM || a->i[1] < 0 ||
        a->i[1] > 2 || a->i[2] < 0 || a->i[2] > VN_RR_EVERYTHING || a->i[4] < 0 || a->i[4] > 1 ||
        a->i[5] < 1 || a->i[VN_RW_TURNED] < 0 || a->i[VN_RW_TURNED] > 3 || a->i[VN_RW_TOGETHER] < 0 ||
        a->i[VN_RW_TOGETHER] > 1)
        return "recurrent: wrong parameters";
    for (int k = VN_RW_ACTIVATION; k < VN_RW_ALPHA; k++)
        if (a->i[k] < 0 || a->i[k] >= VN_ACT_COUNT)
            return "recurrent: unknown activation";
    const struct vn_cells *x = &a->in[X];
    if (x->rank != 3)
        return "recurrent: the input must have three axes";
    *n = (struct net){ a->i[0], a->i[1] == 2 ? 2 : 1, gates[a->i[0]], x->d[a->i[4]], x->d[!a->i[4]], x->d[2],
                       a->i[5] };
    for (int k = 0; k < 8; k++)
        if (given(&a->in[k]) && vn_cells_real(&a->in[k]) == (k == LENGTHS))
            return "recurrent: wrong types";
    const int64_t d = n->directions, h = n->hidden;
    const int last = a->i[4] ? 1 : 0; /* batch first: states are (batch, directions, hidden) */
    if (!of_shape(&a->in[W], 3, d, n->gates * h, n->inputs) || !of_shape(&a->in[R], 3, d, n->gates * h, h) ||
        (given(&a->in[B]) && !of_shape(&a->in[B], 2, d, 2 * n->gates * h, 0)) ||
        (given(&a->in[LENGTHS]) && !of_shape(&a->in[LENGTHS], 1, n->batch, 0, 0)) ||
        (given(&a->in[P]) && !of_shape(&a->in[P], 2, d, 3 * h, 0)))
        return "recurrent: weights do not match";
    for (int k = H0; k <= C0; k++)
        if (given(&a->in[k]) && !of_shape(&a->in[k], 3, last ? n->batch : d, last ? d : n->batch, h))
            return "recurrent: initial states do not match";
    const int64_t all[] = { n->steps, 1, 1, n->steps + (n->kind == VN_RECURRENT_LSTM ? 2 : 1) };
    const int64_t want = all[a->i[2]] * d * n->batch * h;
    return vn_cells_real(&a->out) && a->out.count == want ? NULL : "recurrent: the output does not match";
}

static const char *check(const struct vn_portable_args *a)
{
    struct net n;
    return shape(&n, a);
}

/* Sequences that advance together. */
static int64_t sequences(const struct vn_portable_args *a, const struct net *n)
{
    return a->i[VN_RW_TOGETHER] ? n->batch : 1;
}

/* State, cell state, gates and new state of one sequence. */
static int64_t state_size(const struct net *n) { return (3 + n->gates + 2) * n->hidden; }

static int64_t scratch(const struct vn_portable_args *a)
{
    struct net n;
    shape(&n, a);
    return sequences(a, &n) * state_size(&n);
}

static double parameter(const struct vn_portable_args *a, int k)
{
    float f;
    memcpy(&f, &a->i[VN_RW_ALPHA + k], sizeof f);
    return f;
}

static double activated(int activation, double x, double alpha, double beta)
{
    switch (activation) {
    case VN_ACT_RELU: return x > 0 ? x : 0;
    case VN_ACT_AFFINE: return alpha * x + beta;
    case VN_ACT_LEAKYRELU: return x < 0 ? alpha * x : x;
    case VN_ACT_THRESHOLDEDRELU: return x >= alpha ? x : 0;
    case VN_ACT_SCALEDTANH: return alpha * vn_tanh(beta * x);
    case VN_ACT_HARDSIGMOID: x = alpha * x + beta; return x < 0 ? 0 : x > 1 ? 1 : x;
    case VN_ACT_ELU: return x >= 0 ? x : alpha * (vn_exp(x) - 1);
    case VN_ACT_SOFTSIGN: return x / (1 + (x < 0 ? -x : x));
    default: return x > 30 ? x : vn_log(1 + vn_exp(x));
    }
}

/* Activation `which` (0 f, 1 g, 2 h) of a direction. */
static void activate(const struct vn_portable_args *a, int direction, int which, double *x, int64_t n)
{
    const int k = direction * 3 + which, activation = a->i[VN_RW_ACTIVATION + k];
    const double alpha = parameter(a, 2 * k), beta = parameter(a, 2 * k + 1), clip = a->f[0];
    for (int64_t j = 0; j < n && clip > 0; j++)
        x[j] = x[j] > clip ? clip : x[j] < -clip ? -clip : x[j];
    if (activation == VN_ACT_TANH || activation == VN_ACT_SIGMOID)
        (a->kernels ? a->kernels->squash_f64 : vn_squash_f64_c)(x, (size_t)n, activation == VN_ACT_TANH);
    else
        for (int64_t j = 0; j < n; j++)
            x[j] = activated(activation, x[j], alpha, beta);
}

/* W or R of a direction: element (r, k) is at r * row + k * column. */
struct matrix {
    const struct vn_cells *cells;
    int64_t at, row, column;
};

static struct matrix matrix(const struct vn_portable_args *a, const struct net *n, int which, int d)
{
    const struct vn_cells *t = &a->in[which];
    const int64_t rows = n->gates * n->hidden, columns = t->d[2];
    const int turned = a->i[VN_RW_TURNED] >> (which == R) & 1;
    return (struct matrix){ t, d * rows * columns, turned ? 1 : columns, turned ? rows : 1 };
}

/* sum[r] += the product of v and n elements of row r of a matrix, from row and column on. */
static void add_products(const struct vn_portable_args *a, double *sum, int64_t rows, const double *v,
                         int64_t n, const struct matrix *m, int64_t row, int64_t column)
{
    const int64_t at = m->at + row * m->row + column * m->column;
    if (m->cells->dtype == VN_F32 && m->row == 1) {
        const float *const w = (const float *)m->cells->data + at;
        (a->kernels ? a->kernels->dots_f64 : vn_dots_f64_c)(sum, v, w, (size_t)rows, (size_t)n,
                                                            (size_t)m->column);
        return;
    }
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < n; k++)
            sum[r] += v[k] * vn_cell(m->cells, at + r * m->row + k * m->column);
}

static void add_bias(const struct vn_portable_args *a, const struct net *n, int d, int64_t row, int64_t rows,
                     double *sum)
{
    for (int64_t r = 0; r < rows; r++)
        sum[r] = given(&a->in[B]) ? vn_cell(&a->in[B], d * 2 * n->gates * n->hidden + row + r) : 0;
}

#define CHUNK 256

/* sum[r] = x W' of gate row `row` + r, plus its input bias. */
static void from_input(const struct vn_portable_args *a, const struct net *n, int d, int64_t row,
                       int64_t rows, int64_t x, double *sum)
{
    const struct matrix w = matrix(a, n, W, d);
    add_bias(a, n, d, row, rows, sum);
    for (int64_t at = 0; at < n->inputs; at += CHUNK) {
        const int64_t count = n->inputs - at < CHUNK ? n->inputs - at : CHUNK;
        double v[CHUNK];
        for (int64_t k = 0; k < count; k++)
            v[k] = vn_cell(&a->in[X], x + at + k);
        add_products(a, sum, rows, v, count, &w, row, at);
    }
}

/* The same of h R' and its bias. */
static void from_state(const struct vn_portable_args *a, const struct net *n, int d, int64_t row,
                       int64_t rows, const double *h, double *sum)
{
    const struct matrix r = matrix(a, n, R, d);
    add_bias(a, n, d, n->gates * n->hidden + row, rows, sum);
    add_products(a, sum, rows, h, n->hidden, &r, row, 0);
}

/* Both together. */
static void from_both(const struct vn_portable_args *a, const struct net *n, int d, int64_t row, int64_t rows,
                      int64_t x, const double *h, double *sum)
{
    from_input(a, n, d, row, rows, x, sum);
    for (int64_t at = 0; at < rows; at += CHUNK) {
        const int64_t count = rows - at < CHUNK ? rows - at : CHUNK;
        double state[CHUNK];
        from_state(a, n, d, row + at, count, h, state);
        for (int64_t r = 0; r < count; r++)
            sum[at + r] += state[r];
    }
}

static double peephole(const struct vn_portable_args *a, const struct net *n, int d, int gate, int64_t j)
{
    return given(&a->in[P]) ? vn_cell(&a->in[P], d * 3 * n->hidden + gate * n->hidden + j) : 0;
}

static void step_rnn(const struct vn_portable_args *a, const struct net *n, int d, int64_t x, double *h,
                     double *next)
{
    from_both(a, n, d, 0, n->hidden, x, h, next);
    activate(a, d, 0, next, n->hidden);
}

/* Gates z, r, h. */
static void step_gru(const struct vn_portable_args *a, const struct net *n, int d, int64_t x, double *h,
                     double *next, double *gate)
{
    const int64_t H = n->hidden;
    double *z = gate, *r = gate + H, *fresh = r + H, *reset = fresh + H, *state = reset + H;
    from_both(a, n, d, 0, 2 * H, x, h, gate);
    activate(a, d, 0, gate, 2 * H);
    for (int64_t j = 0; j < H; j++)
        reset[j] = r[j] * h[j];
    from_input(a, n, d, 2 * H, H, x, fresh);
    from_state(a, n, d, 2 * H, H, a->i[3] ? h : reset, state);
    for (int64_t j = 0; j < H; j++)
        fresh[j] += a->i[3] ? r[j] * state[j] : state[j];
    activate(a, d, 1, fresh, H);
    for (int64_t j = 0; j < H; j++)
        next[j] = (1 - z[j]) * fresh[j] + z[j] * h[j];
}

/* Gates i, o, f, c, of which the products are there; peepholes i, o, f. */
static void step_lstm(const struct vn_portable_args *a, const struct net *n, int d, double *next, double *c,
                      double *gate)
{
    const int64_t H = n->hidden;
    double *i = gate, *o = i + H, *f = o + H, *fresh = f + H;
    for (int64_t j = 0; j < H; j++) {
        i[j] += peephole(a, n, d, 0, j) * c[j];
        f[j] += peephole(a, n, d, 2, j) * c[j];
    }
    activate(a, d, 0, i, H);
    activate(a, d, 0, f, H);
    activate(a, d, 1, fresh, H);
    for (int64_t j = 0; j < H; j++) {
        c[j] = (a->i[3] ? 1 - i[j] : f[j]) * c[j] + i[j] * fresh[j];
        o[j] += peephole(a, n, d, 1, j) * c[j];
        next[j] = c[j];
    }
    activate(a, d, 0, o, H);
    activate(a, d, 2, next, H);
    for (int64_t j = 0; j < H; j++)
        next[j] *= o[j];
}

/* Cell of a state tensor (directions, batch, hidden), or batch first. */
static int64_t state_at(const struct vn_portable_args *a, const struct net *n, int d, int64_t b)
{
    return (a->i[4] ? b * n->directions + d : d * n->batch + b) * n->hidden;
}

/* n cells of the result from `at` on; NULL: zeros. */
static void put_states(struct vn_portable_args *a, int64_t at, const double *v, int64_t n)
{
    for (int64_t j = 0; j < n; j++)
        vn_cell_set(&a->out, at + j, v ? v[j] : 0);
}

/* A sequence of direction d, at a step of it. */
struct sequence {
    const struct net *n;
    int d, backwards;
    int64_t b, length;
    double *h, *c, *next, *gate;
};

/* Its i-th, from b on. */
static struct sequence sequence(const struct vn_portable_args *a, const struct net *n, int d, int64_t b,
                                int64_t i)
{
    const int64_t H = n->hidden;
    double *const h = (double *)a->scratch + i * state_size(n);
    int64_t length = given(&a->in[LENGTHS]) ? vn_cell_int(&a->in[LENGTHS], b + i) : n->steps;
    length = length < 0 ? 0 : length > n->steps ? n->steps : length;
    return (struct sequence){ n, d, a->i[1] == 1 || d == 1, b + i, length, h, h + H, h + 2 * H, h + 3 * H };
}

static int64_t time_of(const struct sequence *q, int64_t s)
{
    return s >= q->length ? s : q->backwards ? q->length - 1 - s : s;
}

static int64_t input_at(const struct vn_portable_args *a, const struct sequence *q, int64_t s)
{
    const int64_t t = time_of(q, s);
    return (a->i[4] ? q->b * q->n->steps + t : t * q->n->batch + q->b) * q->n->inputs;
}

static void begin(const struct vn_portable_args *a, const struct sequence *q)
{
    const int64_t at = state_at(a, q->n, q->d, q->b);
    for (int64_t j = 0; j < q->n->hidden; j++) {
        q->h[j] = given(&a->in[H0]) ? vn_cell(&a->in[H0], at + j) : 0;
        q->c[j] = given(&a->in[C0]) ? vn_cell(&a->in[C0], at + j) : 0;
    }
}

static void advance(const struct vn_portable_args *a, const struct sequence *q, int64_t s)
{
    const struct net *n = q->n;
    if (n->kind == VN_RECURRENT_RNN)
        step_rnn(a, n, q->d, input_at(a, q, s), q->h, q->next);
    else if (n->kind == VN_RECURRENT_GRU)
        step_gru(a, n, q->d, input_at(a, q, s), q->h, q->next, q->gate);
    else
        step_lstm(a, n, q->d, q->next, q->c, q->gate);
    memcpy(q->h, q->next, sizeof *q->h * (size_t)n->hidden);
}

#define ROWS 256 /* of weights that stay in the cache while the sequences pass by */

/* An LSTM's products with input and state, of all sequences from b on. */
static void multiply(const struct vn_portable_args *a, const struct net *n, int d, int64_t b, int64_t s)
{
    const int64_t all = n->gates * n->hidden, count = sequences(a, n), step = count > 1 ? ROWS : all;
    for (int64_t row = 0; row < all; row += step)
        for (int64_t i = 0; i < count; i++) {
            const struct sequence q = sequence(a, n, d, b, i);
            if (s < q.length)
                from_both(a, n, d, row, all - row < step ? all - row : step, input_at(a, &q, s), q.h,
                          q.gate + row);
        }
}

/* Y: (steps, directions, batch, hidden), or (batch, steps, directions, hidden). */
static void put_step(struct vn_portable_args *a, const struct sequence *q, int64_t s)
{
    const struct net *n = q->n;
    const int64_t t = time_of(q, s), row = a->i[4] ? (q->b * n->steps + t) * n->directions + q->d
                                                   : (t * n->directions + q->d) * n->batch + q->b;
    if (a->i[2] == VN_RR_STATES || a->i[2] == VN_RR_EVERYTHING)
        put_states(a, row * n->hidden, s < q->length ? q->h : NULL, n->hidden);
}

static void put_last(struct vn_portable_args *a, const struct sequence *q)
{
    const struct net *n = q->n;
    const int64_t H = n->hidden, one = n->directions * n->batch * H, all = n->steps * one;
    const int64_t at = state_at(a, n, q->d, q->b);
    if (a->i[2] == VN_RR_LAST || a->i[2] == VN_RR_CELL)
        put_states(a, at, a->i[2] == VN_RR_LAST ? q->h : q->c, H);
    if (a->i[2] != VN_RR_EVERYTHING)
        return;
    put_states(a, all + at, q->h, H);
    if (n->kind == VN_RECURRENT_LSTM)
        put_states(a, all + one + at, q->c, H);
}

/* Sequences from b on, of direction d. */
static void run_together(struct vn_portable_args *a, const struct net *n, int d, int64_t b)
{
    const int64_t count = sequences(a, n);
    for (int64_t i = 0; i < count; i++) {
        const struct sequence q = sequence(a, n, d, b, i);
        begin(a, &q);
    }
    for (int64_t s = 0; s < n->steps; s++) {
        if (n->kind == VN_RECURRENT_LSTM)
            multiply(a, n, d, b, s);
        for (int64_t i = 0; i < count; i++) {
            const struct sequence q = sequence(a, n, d, b, i);
            if (s < q.length)
                advance(a, &q, s);
            put_step(a, &q, s);
        }
    }
    for (int64_t i = 0; i < count; i++) {
        const struct sequence q = sequence(a, n, d, b, i);
        put_last(a, &q);
    }
}

static const char *run(struct vn_portable_args *a)
{
    struct net n;
    shape(&n, a);
    for (int d = 0; d < n.directions; d++)
        for (int64_t b = 0; b < n.batch; b += sequences(a, &n))
            run_together(a, &n, d, b);
    return NULL;
}

const struct vn_portable vn_portable_recurrent = { "recurrent", check, scratch, run };
