/* tests/op/optest.c - one table of operators: shapes and errors, then every case three ways.
 *
 * Each accepted case runs in the reference executor, and, where the runtime has it, compiled: in float32
 * (compared within a tolerance) and quantized (compared exactly, integers and all). `optest NAME` runs the
 * cases whose text contains NAME.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "compile/compile.h"
#include "inspect/judge.h"
#include "interp/interp.h"
#include "ops/op.h"
#include "roles.h"
#include "vernier/runtime.h"

/* "Op attribute=list ... | input ...":  f:SHAPE activation, w:SHAPE float constant, k:SHAPE positive float
 * constant, i:LIST int64 constant, i0:N int64 scalar, s:NUMBER float scalar, v:LIST float list, n:SHAPE int64
 * activation, - left out. want: a shape; or '!' and part of the message. */
struct op_case {
    const char *text, *want;
};
static const struct op_case cases[] = {
#define OK(text, want) { text, want },
#define BAD(text, want) { text, "!" want },
#include "cases.inc"
};

static int failures, float_runs, integer_runs;
static int64_t judged; /* elements */
static double closest; /* largest rounding error, in units of its bound */

static void problem(const struct op_case *c, const char *what, const char *detail)
{
    printf("FAIL %s\n     %s: %s\n", c->text, what, detail);
    failures++;
}

/* ---- building ---- */

static uint64_t seed;
static double noise(void) /* [-1, 1) */
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(seed >> 33) / (1u << 30) - 1;
}

static int parse_list(const char *text, double *v, int max)
{
    int n = 0;
    for (char *end; *text && n < max; text = *end == ',' ? end + 1 : end) {
        v[n++] = strtod(text, &end);
        if (end == text)
            abort();
    }
    return n;
}

static void set_attr(struct vn_arena *a, struct node *n, const char *key, const char *text)
{
    double v[64];
    for (const struct attr_spec *s = n->op->attrs; s && s->kind; s++) {
        if (strcmp(s->onnx, key))
            continue;
        char *at = (char *)n->attrs + s->offset;
        if (s->kind == ATTR_ENUM) {
            for (int i = 0; s->choices[i]; i++)
                if (!strcmp(s->choices[i], text))
                    *(int *)at = i;
            return;
        }
        int count = parse_list(text, v, 64);
        int64_t *whole = NEW_ARRAY(a, int64_t, count);
        float *real = NEW_ARRAY(a, float, count);
        for (int i = 0; i < count; i++)
            whole[i] = (int64_t)v[i], real[i] = (float)v[i];
        switch (s->kind) {
        case ATTR_INT: *(int64_t *)at = whole[0]; break;
        case ATTR_FLOAT: *(float *)at = real[0]; break;
        case ATTR_INTS: *(struct ints *)at = (struct ints){ count, whole }; break;
        default: *(struct floats *)at = (struct floats){ count, real }; break;
        }
        return;
    }
    printf("no attribute %s in %s\n", key, n->op->name);
    abort();
}

static struct value *make_input(struct graph *g, const char *word, int i)
{
    struct vn_arena *a = g->arena;
    const char *name = vn_arena_fmt(a, "in%d", i), *colon = strchr(word, ':');
    char kind = word[0];
    double v[64];
    struct vn_shape s = { 0 };
    if (kind == '-')
        return NULL;
    if (strchr("fwkn", kind)) {
        vn_shape_parse(&s, colon + 1, NULL);
        if (kind == 'f' || kind == 'n') {
            struct value *in = vn_graph_value(g, name, kind == 'f' ? VN_F32 : VN_I64, &s);
            VEC_PUSH(a, &g->inputs, in);
            return in;
        }
        struct vn_tensor *t = vn_tensor_new(a, VN_F32, &s);
        for (int64_t k = 0; k < vn_shape_count(&s); k++)
            ((float *)t->data)[k] = (float)(kind == 'k' ? 1.5 + noise() : noise());
        return vn_graph_const(g, name, t);
    }
    int n = colon[1] ? parse_list(colon + 1, v, 64) : 0, scalar = kind == 's' || !strncmp(word, "i0", 2);
    if (!scalar)
        s = vn_shape_of(1, (int64_t[]){ n });
    struct vn_tensor *t = vn_tensor_new(a, kind == 'i' ? VN_I64 : VN_F32, &s);
    for (int k = 0; k < n; k++)
        vn_tensor_set_f64(t, k, v[k]);
    return vn_graph_const(g, name, t);
}

static struct graph *build(struct vn_arena *a, const struct op_case *c)
{
    struct graph *g = vn_graph_new(a, "test");
    struct vn_shape unknown = vn_shape_unknown();
    char *words = vn_arena_str(a, c->text), *save, *op_name = strtok_r(words, " ", &save), *w;
    const struct op_def *op = vn_op_find(op_name, NULL);
    op = op ? op : vn_op_find(op_name, "ai.vernier");
    char *attrs[32];
    int n_attrs = 0, n_in = 0;
    struct value *in[16];
    seed = 12345;
    while ((w = strtok_r(NULL, " ", &save)) && strcmp(w, "|"))
        attrs[n_attrs++] = w;
    while ((w = strtok_r(NULL, " ", &save))) {
        in[n_in] = make_input(g, w, n_in);
        n_in++;
    }
    struct value *out = vn_graph_value(g, "y", VN_F32, &unknown);
    struct node *n = vn_graph_node(g, op, "node", n_in, in, 1, &out);
    vn_graph_add_output(g, out);
    for (int i = 0; i < n_attrs; i++) {
        char *eq = strchr(attrs[i], '=');
        *eq = 0;
        set_attr(a, n, attrs[i], eq + 1);
    }
    vn_graph_index(g);
    return g;
}

/* ---- running ---- */

static struct vn_tensor *random_input(struct vn_arena *a, const struct value *v)
{
    struct vn_tensor *t = vn_tensor_new(a, v->q ? v->q->dtype : v->dtype, &v->shape);
    int64_t count = vn_shape_count(&v->shape);
    for (int64_t i = 0; i < count; i++)
        if (v->dtype == VN_I64) /* good as indices of two */
            ((int64_t *)t->data)[i] = noise() < 0 ? -1 : 0;
        else if (v->q)
            vn_tensor_set_f64(t, i, rint(noise() * (v->q->dtype == VN_I8 ? 127.4 : 32767.4)));
        else
            ((float *)t->data)[i] = (float)noise() * 4;
    return t;
}

/* The compiled program's output for the same inputs; 0, or an error. */
static int run_compiled(struct vn_arena *a, const struct graph *g, struct vn_tensor *const *in,
                        struct vn_tensor *const *out, struct vn_err *e)
{
    struct compile_options o;
    struct vn_image image;
    struct vn_options ro;
    struct vn_model *m;
    const void *ptr[16];
    void *to[64];
    size_t need;
    vn_compile_defaults(&o);
    for (int i = 0; i < g->outputs.n; i++)
        g->outputs.v[i]->raw_output = g->outputs.v[i]->q != NULL;
    TRY(vn_compile(&image, a, g, &o, e));
    vn_options_default(&ro);
    TRY(vn_model_size(&need, image.data, image.bytes, &ro, e));
    void *mem = aligned_alloc(64, (need + 63) / 64 * 64);
    int status = vn_model_load(&m, image.data, image.bytes, mem, need, &ro, e);
    for (int i = 0; i < g->inputs.n; i++) {
        ptr[i] = in[i]->data;
        const struct qparam *q = g->inputs.v[i]->q;
        if (q && (q->scale[0] != 1 || q->zero[0] != 0)) /* pixels go in as they are, all else as float32 */
            ptr[i] = vn_tensor_cast(a, vn_dq_cells(a, vn_tensor_cast(a, in[i], VN_I64), q), VN_F32)->data;
    }
    for (int i = 0; i < g->outputs.n; i++)
        to[i] = out[i]->data;
    if (status >= 0) {
        status = check_roles(m, g, e->msg, sizeof e->msg) < 0 ? VN_E_INTERNAL : vn_model_run(m, ptr, to, e);
        vn_model_unload(&m);
    }
    free(mem);
    return status;
}

static const struct qparam *q_of(struct vn_arena *a, double lo, double hi, int zero)
{
    float s = (float)((hi - lo) / 255.0);
    s = s > 0 ? s : 1;
    int32_t z = zero ? (int32_t)lrint(-128 - lo / s) : 0;
    if (!zero)
        s = (float)(fmax(fabs(lo), fabs(hi)) / 127);
    s = s > 0 ? s : 1;
    z = z < -128 ? -128 : z > 127 ? 127 : z;
    return vn_qparam_new(a, VN_I8, -1, 1, &s, &z);
}

static const struct qparam *q16_of(struct vn_arena *a, double lo, double hi)
{
    float s = (float)(fmax(fabs(lo), fabs(hi)) / 32767);
    s = s > 0 ? s : 1;
    return vn_qparam_new(a, VN_I16, -1, 1, &s, NULL);
}

static const struct qparam *q_weight(struct vn_arena *a, const struct value *v, int axis, enum vn_dtype t)
{
    int n = axis < 0 ? 1 : (int)v->shape.d[axis];
    float *s = NEW_ARRAY(a, float, n);
    int32_t *z = NEW_ARRAY(a, int32_t, n);
    for (int i = 0; i < n; i++)
        s[i] = (float)(1.0 / (t == VN_I8 ? 127 : 32767) * (1 + 0.1 * (i % 7)));
    return vn_qparam_new(a, t, axis, n, s, z);
}

static const struct qparam *q_bias(struct vn_arena *a, const struct value *v, float sx,
                                   const struct qparam *w)
{
    int n = (int)v->shape.d[v->shape.rank - 1];
    float *s = NEW_ARRAY(a, float, n);
    int32_t *z = NEW_ARRAY(a, int32_t, n);
    for (int i = 0; i < n; i++)
        s[i] = sx * w->scale[i % w->n];
    return vn_qparam_new(a, VN_I32, v->shape.rank - 1, n, s, z);
}

/* How a case is quantized. zero: zero points; other: the output has parameters of its own, or is float32
 * where that is possible. */
static const struct variant {
    const char *name;
    int zero, other, in16, weights16, out16;
} variants[] = {
    { "integer, symmetric", 0, 0, 0, 0, 0 },
    { "integer, zero points", 1, 0, 0, 0, 0 },
    { "integer, other output", 1, 1, 0, 0, 0 },
    { "int16 by int8 weights", 0, 0, 1, 0, 1 },
    { "int16", 0, 0, 1, 1, 1 },
    { "int16, other output", 0, 1, 1, 1, 1 },
    { "int8 to int16", 1, 2, 0, 0, 1 },
    { "int16 to int8", 1, 2, 1, 0, 0 },
    { "int8 by int16 weights", 1, 0, 0, 1, 0 },
};
#define VARIANTS ((int)(sizeof variants / sizeof *variants))

/* Parameters for everything that the operator's rule lets be quantized. 0: nothing to do. */
static int quantize(struct graph *g, const struct vn_tensor *y, const struct variant *v16)
{
    const int variant = v16->zero + (v16->other == 1);
    struct node *n = g->nodes.v[0];
    const struct quant_rule *r = &n->op->quant;
    if (vn_node_kind(n) == Q_FLOAT)
        return 0;
    for (int i = 0; i < n->n_in; i++) {
        struct value *v = n->in[i];
        if (!v || (r->data_inputs && i >= r->data_inputs) || !vn_dtype_is_float(v->dtype))
            continue;
        if (r->weight && i == r->weight && v->data)
            v->q = q_weight(g->arena, v, vn_node_weight_axis(n), v16->weights16 ? VN_I16 : VN_I8);
        else if (r->bias && i == r->bias)
            v->q = q_bias(g->arena, v, n->in[0]->q->scale[0], n->in[1]->q);
        else if (n->op == &vn_op_preprocess)
            v->q = vn_qparam_new(g->arena, VN_I8, -1, 1, (float[]){ 1 }, (int32_t[]){ 0 });
        else {
            const double lo = -3.0 - 0.5 * i * (r->out != Q_OUT_SAME), hi = 4 + variant;
            v->q = v16->in16 ? q16_of(g->arena, lo, hi) : q_of(g->arena, lo, hi, v16->zero);
        }
    }
    double lo = 0, hi = 0;
    for (int64_t i = 0; i < vn_shape_count(&y->shape); i++) {
        lo = fmin(lo, vn_tensor_f64(y, i));
        hi = fmax(hi, vn_tensor_f64(y, i));
    }
    if (!(hi - lo < 1e30))
        return 0;
    if (v16->other == 1 && r->float_out_ok)
        return 1; /* float32 result */
    if (r->out == Q_OUT_FIXED)
        lo = r->lo, hi = r->hi;
    g->outputs.v[0]->q = r->out == Q_OUT_SAME && !v16->other ? n->in[0]->q
                         : v16->out16                        ? q16_of(g->arena, lo, hi)
                                                             : q_of(g->arena, lo, hi, v16->zero);
    return vn_node_kind(n) != Q_FLOAT;
}

static int64_t differences(const struct vn_tensor *want, const struct vn_tensor *got, double tolerance,
                           char *text)
{
    int64_t bad = 0, count = vn_shape_count(&want->shape);
    double most = 0;
    for (int64_t i = 0; i < count; i++)
        most = fmax(most, fabs(vn_tensor_f64(want, i)));
    const double allowed = vn_dtype_is_float(want->dtype) ? tolerance * (1 + most) : 0;
    for (int64_t i = 0; i < count; i++) {
        double a = vn_tensor_f64(want, i), b = vn_tensor_f64(got, i);
        if (a == b || (a != a && b != b) || fabs(a - b) <= allowed)
            continue;
        if (!bad++)
            snprintf(text, 200, "element %lld: %.9g in the reference, %.9g compiled", (long long)i, a, b);
    }
    return bad;
}

/* ---- step by step (inspect/judge.h): what `verify` says of a correct program ---- */

static void report(const struct op_case *c, const char *how, const struct judgement *j)
{
    char text[400];
    for (int i = 0; i < j->faults.n; i++) {
        const struct vn_fault *f = &j->faults.v[i];
        snprintf(text, sizeof text, "%s: %s (%s) of %s: %s", vn_fault_word(f->kind), f->name,
                 vn_role_word(f->role), f->node, f->why ? f->why : "");
        problem(c, how, text);
    }
    for (int i = 0; i < j->rows.n; i++) {
        const struct vn_verified *r = &j->rows.v[i];
        judged += r->compared;
        closest = r->max_bound > closest && r->max_bound <= 1 ? r->max_bound : closest;
        if (!r->different)
            continue;
        snprintf(text, sizeof text,
                 "%s of %s, instruction %d (%s): %lld of %lld differ, element %lld is %.9g, expected %.9g "
                 "(%.3g of the bound)",
                 r->name, r->node, r->instruction, r->opcode, (long long)r->different, (long long)r->compared,
                 (long long)r->first, r->got, r->expected, r->max_bound);
        problem(c, how, text);
    }
}

static int judge(struct judge **j, struct vn_arena *a, const struct graph *g, struct vn_tensor **in,
                 struct vn_err *e)
{
    struct vn_session **s = vn_session_slot(a);
    TRY(vn_session_open_graph(s, g, NULL, NULL, e));
    for (int i = 0; i < g->inputs.n; i++) {
        const struct vn_shape *shape = &in[i]->shape;
        TRY(vn_session_feed_array(*s, i, in[i]->dtype, shape->rank, shape->d, NULL, in[i]->data, e));
    }
    TRY(vn_judge_new(j, a, *s, g, 0, e));
    return vn_judge_run(*j, 0, NULL, e);
}

static void judge_steps(const struct op_case *c, const struct graph *g, const char *how,
                        struct vn_tensor **in)
{
    struct vn_arena *a = vn_arena_new();
    struct vn_err e = { 0 };
    struct judge *j;
    if (judge(&j, a, g, in, &e) < 0)
        problem(c, how, e.msg);
    else
        report(c, how, vn_judge_result(j));
    vn_arena_free(&a);
}

/* tolerance below 0: steps only, since float32 in front of a quantization may round the other way. */
static void compare(const struct op_case *c, struct vn_arena *a, const struct graph *g, const char *how,
                    double tolerance)
{
    struct vn_tensor *in[16], *want[64], *got[64];
    struct vn_err e = { 0 };
    int64_t bad = 0;
    char text[400];
    for (int i = 0; i < g->inputs.n; i++)
        in[i] = random_input(a, g->inputs.v[i]);
    judge_steps(c, g, how, in);
    if (tolerance < 0)
        return;
    if (vn_interp_run(a, g, (const struct vn_tensor *const *)in, want, NULL, &e) < 0) {
        problem(c, how, e.msg);
        return;
    }
    for (int i = 0; i < g->outputs.n; i++)
        got[i] = vn_tensor_new(a, want[i]->dtype, &want[i]->shape);
    int status = run_compiled(a, g, in, got, &e);
    for (int i = 0; status >= 0 && !bad && i < g->outputs.n; i++)
        if ((bad = differences(want[i], got[i], tolerance, text)))
            snprintf(text + strlen(text), sizeof text - strlen(text), " in %s, made by %s",
                     g->outputs.v[i]->name,
                     g->outputs.v[i]->producer ? g->outputs.v[i]->producer->op->name : "nobody");
    if (status < 0)
        problem(c, how, e.msg);
    else if (bad)
        problem(c, how, text);
    *(tolerance ? &float_runs : &integer_runs) += status >= 0;
}

static void run_case(const struct op_case *c)
{
    struct vn_arena *a = vn_arena_new();
    struct graph *g = build(a, c);
    struct node *n = g->nodes.v[0];
    struct vn_err e = { 0 };
    char shape[VN_SHAPE_TEXT];
    int status = n->op->infer(n, &e);
    if (*c->want == '!') {
        if (status >= 0)
            problem(c, "was accepted, wants", c->want + 1);
        else if (!strstr(e.msg, c->want + 1))
            problem(c, "message", e.msg);
    } else if (status < 0) {
        problem(c, "infer", e.msg);
    } else if (strcmp(vn_shape_text(&n->out[0]->shape, shape), c->want)) {
        problem(c, "shape", shape);
    } else {
        compare(c, a, g, "float", 2e-5);
        struct vn_tensor *in[16], *y;
        for (int i = 0; i < g->inputs.n; i++)
            in[i] = random_input(a, g->inputs.v[i]);
        if (vn_dtype_is_float(n->out[0]->dtype) &&
            vn_interp_run(a, g, (const struct vn_tensor *const *)in, &y, NULL, &e) >= 0)
            for (int variant = 0; variant < VARIANTS; variant++) {
                struct graph *q = build(a, c);
                q->nodes.v[0]->op->infer(q->nodes.v[0], &e);
                if (quantize(q, y, &variants[variant]))
                    compare(c, a, q, variants[variant].name, 0);
            }
    }
    vn_arena_free(&a);
}

/* ---- random networks: memory orders, float and integer nodes mixed ---- */

/* One node on top of a value of rank 4. %C stands for its channels. */
static const char *const links[] = {
    "Conv pads=1,1,1,1 | x w:5x%Cx3x3 w:5",
    "Conv strides=2,2 pads=1,1,1,1 group=%C | x w:%Cx1x3x3",
    "Relu | x",
    "Sigmoid | x",
    "MaxPool kernel_shape=2,2 | x",
    "AveragePool kernel_shape=3,3 pads=1,1,1,1 | x",
    "Transpose perm=0,2,3,1 | x",
    "Transpose perm=0,3,1,2 | x",
    "Add | x x",
    "Add | x w:%Cx1x1",
    "Mul | w:1 x",
    "Concat axis=1 | x x",
    "Concat axis=3 | x x",
    "Slice | x i:0 i:-1 i:2",
    "Slice | x i:-1 i:-9 i:1 i:-1",
    "Softmax axis=1 | x",
    "Softmax axis=3 | x",
    "BatchNormalization | x w:%C w:%C w:%C k:%C",
    "Reshape | x i:0,0,-1,1",
    "Pad | x i:0,0,1,0,0,1,0,2",
    "Clip | x s:-0.5 s:1",
    "Gather axis=1 | x i:0,-1",
    "Resize | x - v:1,1,1.5,1",
    "Resize mode=linear | x - v:1,1,1,1.5",
    "MatMul | x w:%Wx4",
    "ConvTranspose strides=2,1 | x w:%Cx3x2x2 w:3",
    "LeakyRelu | x",
    "Dropout | x",
    "GlobalAveragePool | x",
    "ReduceMean | x i:-1",
    "ReduceMean | x i:1",
    "ReduceMean | x i:2,3",
    "ReduceMax | x i:1,3",
    "Erf | x",
    "Pow | x s:2",
    "InstanceNormalization | x w:%C w:%C",
    "LayerNormalization axis=2 | x w:%W",
    "Expand | x i:1",
    "Tile | x i:1,2,1,1",
    "SpaceToDepth blocksize=1 | x",
    "GlobalMaxPool | x",
    "Abs | x",
    "PRelu | x w:%Cx1x1",
    "Max | x x",
    "Div | x k:%Cx1x1",
    "Min | x x",
    "Sum | x x",
    "Sub | x x",
    "Gelu | x",
    "RMSNormalization axis=3 | x k:%W",
    "LayerNormalization axis=1 | x w:%W w:%W",
};

static int pick(int n) { return (int)((noise() + 1) / 2 * n) % n; }

static char *link_text(struct vn_arena *a, const char *text, const struct vn_shape *s)
{
    char *out = vn_arena_str(a, "");
    for (; *text; text++) {
        if (*text == '%') {
            text++;
            out = vn_arena_fmt(a, "%s%lld", out, (long long)s->d[*text == 'C' ? 1 : 3]);
        } else {
            out = vn_arena_fmt(a, "%s%c", out, *text);
        }
    }
    return out;
}

/* Append a random node; its output joins the candidates. */
static void add_link(struct graph *g, struct value **live, int *n_live)
{
    struct vn_arena *a = g->arena;
    struct vn_shape unknown = vn_shape_unknown();
    struct value *in[8], *x = live[pick(*n_live)], *y = vn_graph_value(g, "v", VN_F32, &unknown);
    char *save, *words = link_text(a, links[pick(sizeof links / sizeof links[0])], &x->shape), *attrs[8], *w;
    const struct op_def *op = vn_op_find(strtok_r(words, " ", &save), NULL);
    int n_attrs = 0, n_in = 0;
    while ((w = strtok_r(NULL, " ", &save)) && strcmp(w, "|"))
        attrs[n_attrs++] = w;
    while ((w = strtok_r(NULL, " ", &save))) {
        struct value *same = live[pick(*n_live)];
        in[n_in] = *w != 'x'                                         ? make_input(g, w, n_in)
                   : n_in && vn_shape_equal(&same->shape, &x->shape) ? same
                                                                     : x;
        n_in++;
    }
    struct node *n = vn_graph_node(g, op, vn_arena_fmt(a, "n%d", g->nodes.n), n_in, in, 1, &y);
    for (int i = 0; i < n_attrs; i++) {
        char *eq = strchr(attrs[i], '=');
        *eq = 0;
        set_attr(a, n, attrs[i], eq + 1);
    }
    struct vn_err e;
    if (op->infer(n, &e) < 0 || vn_shape_count(&y->shape) < 1 || vn_shape_count(&y->shape) > 20000)
        vn_graph_remove(g, n);
    else
        live[(*n_live)++] = y;
}

static const struct qparam *random_q(struct vn_arena *a, double lo, double hi, int zero, int wide)
{
    return pick(100) < wide ? q16_of(a, lo, hi) : q_of(a, lo, hi, zero);
}

/* Parameters for a random part of the values: `share` in 100, `wide` in 100 of these int16. */
static void quantize_some(struct graph *g, int share, int wide)
{
    for (int i = 0; i < g->nodes.n; i++) {
        struct node *n = g->nodes.v[i];
        const struct quant_rule *r = &n->op->quant;
        for (int k = 0; k < n->n_in; k++) {
            struct value *v = n->in[k];
            if (!v || !v->data || !vn_dtype_is_float(v->dtype) || pick(100) >= share ||
                vn_node_kind(n) == Q_FLOAT || (r->data_inputs && k >= r->data_inputs))
                continue;
            if (r->weight == k && k)
                v->q = q_weight(g->arena, v, vn_node_weight_axis(n), pick(100) < wide ? VN_I16 : VN_I8);
            else if (r->bias == k && k)
                v->q = n->in[0]->q && n->in[1]->q ? q_bias(g->arena, v, n->in[0]->q->scale[0], n->in[1]->q)
                                                  : NULL;
            else
                v->q = random_q(g->arena, -1, 1, 0, wide);
        }
        if (pick(100) < share && n->n_out)
            n->out[0]->q = r->out == Q_OUT_SAME && n->in[0]->q && pick(4)
                               ? n->in[0]->q
                               : random_q(g->arena, -2.0 - pick(3), 3.0 + pick(3), pick(2), wide);
    }
}

static void run_random(uint64_t number)
{
    struct vn_arena *a = vn_arena_new();
    struct graph *g = vn_graph_new(a, "random");
    struct value *live[64];
    int n_live = 0,
        wide = number % 4 < 2    ? 0
               : number % 4 == 2 ? 100
                                 : 50,
        share = number % 3 == 0   ? 0
                : number % 3 == 1 ? 100
                                  : 70;
    char name[64];
    seed = number * 977 + 5;
    live[n_live++] = make_input(g, number % 2 ? "f:1x3x8x6" : "f:2x4x5x7", 0);
    if (share && pick(2))
        live[0]->q = random_q(a, -3, 4, pick(2), wide);
    for (int i = 0; i < 14; i++)
        add_link(g, live, &n_live);
    for (int i = 1; i < n_live; i++)
        vn_graph_add_output(g, live[i]);
    if (share)
        quantize_some(g, share, wide);
    vn_graph_index(g);
    snprintf(name, sizeof name, "random network %llu", (unsigned long long)number);
    int exact = share > 0;
    for (int i = 0; i < g->nodes.n; i++)
        exact &= vn_node_is_integer(g->nodes.v[i]) && vn_node_kind(g->nodes.v[i]) != Q_FLOAT;
    compare(&(struct op_case){ name, "" }, a, g, exact ? "integer" : "mixed", exact ? 0 : share ? -1 : 1e-4);
    vn_arena_free(&a);
}

int main(int argc, char **argv)
{
    int n = 0, networks = argc > 2 && !strcmp(argv[1], "--random") ? atoi(argv[2]) : argc < 2 ? 600 : 0;
    for (int i = 0; i < networks; i++)
        run_random((uint64_t)i);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (argc < 2 || strstr(cases[i].text, argv[1])) {
            run_case(&cases[i]);
            n++;
        }
    printf("%lld elements judged step by step, rounding errors up to %.2f of their bounds\n",
           (long long)judged, closest);
    printf("%d cases, %d networks, %d float and %d integer programs compared, %d failures\n", n, networks,
           float_runs, integer_runs, failures);
    return failures != 0;
}
