/* kernels/portable/recurrent.c - RNN, GRU and LSTM. in: X, W, R, B, sequence lengths, first hidden state,
 * first cell state, peepholes; those left out have no elements. i[0]: 0 RNN, 1 GRU, 2 LSTM; i[1]: 0
 * forward, 1 reverse, 2 both; i[2]: 0 all hidden states, 1 the last one, 2 the last cell state; i[3]: GRU:
 * linear_before_reset; LSTM: input_forget; i[4]: 1 batch first; i[5]: hidden size; i[6..11]: activations,
 * three for each direction (f, g, h); i[12..23]: their alpha and beta as float32 bits. f[0]: clip, 0:
 * none. */
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
        a->i[1] > 2 || a->i[2] < 0 || a->i[2] > 2 || a->i[4] < 0 || a->i[4] > 1 || a->i[5] < 1)
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
    const int64_t want = (a->i[2] ? 1 : n->steps) * d * n->batch * h;
    return vn_cells_real(&a->out) && a->out.count == want ? NULL : "recurrent: the output does not match";
}

static const char *check(const struct vn_portable_args *a)
{
    struct net n;
    return shape(&n, a);
}

/* State, cell state, gates and new state of one sequence. */
static int64_t scratch(const struct vn_portable_args *a)
{
    struct net n;
    shape(&n, a);
    return (3 + n.gates + 2) * n.hidden;
}

static double parameter(const struct vn_portable_args *a, int k)
{
    float f;
    memcpy(&f, &a->i[VN_RW_ALPHA + k], sizeof f);
    return f;
}

/* Activation `which` (0 f, 1 g, 2 h) of a direction. */
static double activate(const struct vn_portable_args *a, int direction, int which, double x)
{
    const int k = direction * 3 + which;
    const double alpha = parameter(a, 2 * k), beta = parameter(a, 2 * k + 1), clip = a->f[0];
    if (clip > 0)
        x = x > clip ? clip : x < -clip ? -clip : x;
    switch (a->i[VN_RW_ACTIVATION + k]) {
    case VN_ACT_RELU: return x > 0 ? x : 0;
    case VN_ACT_TANH: return vn_tanh(x);
    case VN_ACT_SIGMOID: return vn_sigmoid(x);
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

/* sum of x W' of one gate row, plus its input bias. */
static double from_input(const struct vn_portable_args *a, const struct net *n, int d, int64_t row, int64_t x)
{
    const int64_t w = (d * n->gates * n->hidden + row) * n->inputs;
    double sum = given(&a->in[B]) ? vn_cell(&a->in[B], d * 2 * n->gates * n->hidden + row) : 0;
    for (int64_t k = 0; k < n->inputs; k++)
        sum += vn_cell(&a->in[X], x + k) * vn_cell(&a->in[W], w + k);
    return sum;
}

static double from_state(const struct vn_portable_args *a, const struct net *n, int d, int64_t row,
                         const double *h)
{
    const int64_t r = (d * n->gates * n->hidden + row) * n->hidden;
    double sum =
        given(&a->in[B]) ? vn_cell(&a->in[B], d * 2 * n->gates * n->hidden + n->gates * n->hidden + row) : 0;
    for (int64_t k = 0; k < n->hidden; k++)
        sum += h[k] * vn_cell(&a->in[R], r + k);
    return sum;
}

static double peephole(const struct vn_portable_args *a, const struct net *n, int d, int gate, int64_t j)
{
    return given(&a->in[P]) ? vn_cell(&a->in[P], d * 3 * n->hidden + gate * n->hidden + j) : 0;
}

static void step_rnn(const struct vn_portable_args *a, const struct net *n, int d, int64_t x, double *h,
                     double *next)
{
    for (int64_t j = 0; j < n->hidden; j++)
        next[j] = activate(a, d, 0, from_input(a, n, d, j, x) + from_state(a, n, d, j, h));
}

/* Gates z, r, h. */
static void step_gru(const struct vn_portable_args *a, const struct net *n, int d, int64_t x, double *h,
                     double *next, double *gate)
{
    const int64_t H = n->hidden;
    double *z = gate, *r = gate + H, *reset = gate + 2 * H;
    for (int64_t j = 0; j < H; j++) {
        z[j] = activate(a, d, 0, from_input(a, n, d, j, x) + from_state(a, n, d, j, h));
        r[j] = activate(a, d, 0, from_input(a, n, d, H + j, x) + from_state(a, n, d, H + j, h));
        reset[j] = r[j] * h[j];
    }
    for (int64_t j = 0; j < H; j++) {
        double state;
        if (a->i[3]) {
            state = r[j] * from_state(a, n, d, 2 * H + j, h);
        } else {
            state = from_state(a, n, d, 2 * H + j, reset);
        }
        next[j] = (1 - z[j]) * activate(a, d, 1, from_input(a, n, d, 2 * H + j, x) + state) + z[j] * h[j];
    }
}

/* Gates i, o, f, c; peepholes i, o, f. */
static void step_lstm(const struct vn_portable_args *a, const struct net *n, int d, int64_t x, double *h,
                      double *next, double *c)
{
    const int64_t H = n->hidden;
    for (int64_t j = 0; j < H; j++) {
        const double i = activate(
            a, d, 0, from_input(a, n, d, j, x) + from_state(a, n, d, j, h) + peephole(a, n, d, 0, j) * c[j]);
        const double f =
            a->i[3] ? 1 - i
                    : activate(a, d, 0,
                               from_input(a, n, d, 2 * H + j, x) + from_state(a, n, d, 2 * H + j, h) +
                                   peephole(a, n, d, 2, j) * c[j]);
        const double fresh =
            activate(a, d, 1, from_input(a, n, d, 3 * H + j, x) + from_state(a, n, d, 3 * H + j, h));
        c[j] = f * c[j] + i * fresh;
        const double o = activate(a, d, 0,
                                  from_input(a, n, d, H + j, x) + from_state(a, n, d, H + j, h) +
                                      peephole(a, n, d, 1, j) * c[j]);
        next[j] = o * activate(a, d, 2, c[j]);
    }
}

/* Cell of a state tensor (directions, batch, hidden), or batch first. */
static int64_t state_at(const struct vn_portable_args *a, const struct net *n, int d, int64_t b)
{
    return (a->i[4] ? b * n->directions + d : d * n->batch + b) * n->hidden;
}

static void sequence(struct vn_portable_args *a, const struct net *n, int d, int64_t b)
{
    const int64_t H = n->hidden;
    double *h = (double *)a->scratch, *c = h + H, *next = c + H, *gate = next + H;
    int64_t length = given(&a->in[LENGTHS]) ? vn_cell_int(&a->in[LENGTHS], b) : n->steps;
    length = length < 0 ? 0 : length > n->steps ? n->steps : length;
    const int backwards = a->i[1] == 1 || d == 1;
    for (int64_t j = 0; j < H; j++) {
        h[j] = given(&a->in[H0]) ? vn_cell(&a->in[H0], state_at(a, n, d, b) + j) : 0;
        c[j] = given(&a->in[C0]) ? vn_cell(&a->in[C0], state_at(a, n, d, b) + j) : 0;
    }
    for (int64_t s = 0; s < n->steps; s++) {
        const int64_t t = s >= length ? s : backwards ? length - 1 - s : s;
        const int64_t x = (a->i[4] ? b * n->steps + t : t * n->batch + b) * n->inputs;
        if (s < length) {
            if (n->kind == VN_RECURRENT_RNN)
                step_rnn(a, n, d, x, h, next);
            else if (n->kind == VN_RECURRENT_GRU)
                step_gru(a, n, d, x, h, next, gate);
            else
                step_lstm(a, n, d, x, h, next, c);
            memcpy(h, next, sizeof *h * (size_t)H);
        }
        for (int64_t j = 0; a->i[2] == 0 && j < H;
             j++) { /* Y: (steps, directions, batch, hidden), or (batch, steps, directions, hidden) */
            const int64_t row =
                a->i[4] ? (b * n->steps + t) * n->directions + d : (t * n->directions + d) * n->batch + b;
            vn_cell_set(&a->out, row * H + j, s < length ? h[j] : 0);
        }
    }
    for (int64_t j = 0; a->i[2] && j < H; j++)
        vn_cell_set(&a->out, state_at(a, n, d, b) + j, a->i[2] == 1 ? h[j] : c[j]);
}

static const char *run(struct vn_portable_args *a)
{
    struct net n;
    shape(&n, a);
    for (int d = 0; d < n.directions; d++)
        for (int64_t b = 0; b < n.batch; b++)
            sequence(a, &n, d, b);
    return NULL;
}

const struct vn_portable vn_portable_recurrent = { "recurrent", check, scratch, run };
