/* compile/: the memory plan never lets two living tensors overlap; fusion changes no result. */
#include "compile/compile.h"
#include "kernels/kernels.h"
#include "net.h"
#include "quantized.h"
#include "roles.h"
#include "runtime/parts.h"
#include "session/session.h"

/* ---- the plan, on random programs ---- */

static struct prog *random_program(struct vn_arena *a)
{
    struct prog *p = NEW(a, struct prog);
    p->arena = a;
    const int tensors = unit_pick(2, 60), instrs = unit_pick(1, 60);
    for (int i = 0; i < tensors; i++) {
        const struct prog_tensor t = { .name = "t",
                                       .bytes = (size_t)unit_pick(0, 3) ? (size_t)unit_pick(1, 5000)
                                                                        : 64u * (unsigned)unit_pick(1, 10),
                                       .place = unit_pick(0, 9)   ? BIN_ARENA
                                                : unit_pick(0, 1) ? BIN_CONST
                                                                  : BIN_HIDDEN };
        VEC_PUSH(a, &p->tensors, t);
    }
    for (int i = 0; i < instrs; i++) {
        struct prog_instr in = { .op = OPCODE_UNARY_F32,
                                 .n_in = unit_pick(0, 3),
                                 .out = unit_pick(0, tensors - 1) };
        in.in = NEW_ARRAY(a, int, 3);
        for (int k = 0; k < in.n_in; k++)
            in.in[k] = unit_pick(0, tensors - 1);
        VEC_PUSH(a, &p->instrs, in);
    }
    for (int i = 0; i < 2; i++) {
        const struct prog_io in = { .tensor = unit_pick(0, tensors - 1) },
                             out = { .tensor = unit_pick(0, tensors - 1) };
        VEC_PUSH(a, &p->inputs, in);
        VEC_PUSH(a, &p->outputs, out);
    }
    return p;
}

/* alive[t][i]: tensor t holds something that matters while instruction i runs; i = 0 is before the first, n +
 * 1 after the last. */
static void find_lives(const struct prog *p, char alive[60][64])
{
    int first[60], last[60];
    for (int t = 0; t < p->tensors.n; t++) {
        first[t] = 1000;
        last[t] = -1;
    }
    for (int i = 0; i < p->instrs.n; i++)
        for (int k = 0; k <= p->instrs.v[i].n_in; k++) {
            const int t = k < p->instrs.v[i].n_in ? p->instrs.v[i].in[k] : p->instrs.v[i].out;
            first[t] = first[t] < i + 1 ? first[t] : i + 1;
            last[t] = i + 1;
        }
    for (int i = 0; i < p->inputs.n; i++)
        first[p->inputs.v[i].tensor] = 0,
        last[p->inputs.v[i].tensor] = last[p->inputs.v[i].tensor] < 0 ? 0 : last[p->inputs.v[i].tensor];
    for (int i = 0; i < p->outputs.n; i++) {
        const int t = p->outputs.v[i].tensor;
        last[t] = p->instrs.n + 1;
        first[t] = first[t] == 1000 ? last[t] : first[t];
    }
    for (int t = 0; t < p->tensors.n; t++)
        for (int i = 0; i <= p->instrs.n + 1; i++)
            alive[t][i] = i >= first[t] && i <= last[t];
}

static size_t plan(const struct prog *p, int keep_all, uint64_t *offset)
{
    return vn_compile_plan(p, &(struct compile_options){ .keep_all = keep_all }, offset);
}

static void check_plan(const struct prog *p, const uint64_t *offset, size_t arena, int keep_all)
{
    static char alive[60][64];
    find_lives(p, alive);
    for (int x = 0; x < p->tensors.n; x++) {
        int lowest = offset[x] == 0; /* or right behind one that is in its way */
        for (int y = 0; y < p->tensors.n; y++) {
            int both = 0, used = 0;
            for (int i = 0; i <= p->instrs.n + 1; i++) {
                both |= (alive[x][i] && alive[y][i]) || keep_all;
                used |= alive[x][i];
            }
            if (!used || p->tensors.v[x].place != BIN_ARENA) {
                lowest = 1;
                break;
            }
            const uint64_t end = offset[x] + p->tensors.v[x].bytes + BIN_SLACK;
            assert_true(offset[x] % BIN_ALIGN == 0 && end <= arena);
            int y_used = 0;
            for (int i = 0; i <= p->instrs.n + 1; i++)
                y_used |= alive[y][i];
            if (x != y && both && y_used && p->tensors.v[y].place == BIN_ARENA) {
                const uint64_t y_end = offset[y] + p->tensors.v[y].bytes + BIN_SLACK;
                assert_true(end <= offset[y] || y_end <= offset[x]);
                lowest |= (y_end + BIN_ALIGN - 1) / BIN_ALIGN * BIN_ALIGN == offset[x];
            }
        }
        assert_true(lowest);
    }
}

static void plan_never_overlaps(void **state)
{
    (void)state;
    uint64_t all = 0, shared = 0;
    for (int round = 0; round < 1000; round++) {
        struct vn_arena *a = vn_arena_new();
        const struct prog *p = random_program(a);
        uint64_t *offset = NEW_ARRAY(a, uint64_t, p->tensors.n);
        const size_t reused = plan(p, 0, offset);
        check_plan(p, offset, reused, 0);
        const size_t kept = plan(p, 1, offset);
        check_plan(p, offset, kept, 1);
        assert_true(reused <= kept);
        all += kept;
        shared += reused;
        vn_arena_free(&a);
    }
    assert_true(shared < all); /* memory is reused at all */
}

/* ---- views, on random programs of copies ---- */

#define MOST 48 /* elements of a tensor, one byte each */

/* Sizes that often fit, so that whole tensors become stretches of others. */
static struct prog *random_copies(struct vn_arena *a)
{
    struct prog *p = NEW(a, struct prog);
    p->arena = a;
    const int tensors = unit_pick(3, 14), instrs = unit_pick(3, 24);
    for (int i = 0; i < tensors; i++) {
        const struct prog_tensor t = { .name = "t",
                                       .dtype = VN_I8,
                                       .bytes = 8u * (unsigned)unit_pick(1, MOST / 8) };
        VEC_PUSH(a, &p->tensors, t);
    }
    for (int i = 0; i < instrs; i++) {
        struct prog_instr in = { .op = OPCODE_UNARY_F32, .out = unit_pick(0, tensors - 1) };
        in.in = NEW_ARRAY(a, int, 1);
        in.in[0] = unit_pick(0, tensors - 1);
        if (unit_pick(0, 3) && in.in[0] != in.out) {
            struct instr_COPY *c = in.params = NEW(a, struct instr_COPY);
            const int x = (int)p->tensors.v[in.in[0]].bytes, y = (int)p->tensors.v[in.out].bytes,
                      step = unit_pick(0, 9) ? 1 : 2, n = (x < y ? x : y) / step;
            *c = (struct instr_COPY){ 1, { n }, unit_pick(0, (x - n) / 8) * 8, { 1 }, 0, { step } };
            c->dst = unit_pick(0, (y - n * step) / 8) * 8;
            in.op = OPCODE_COPY;
            in.n_in = 1;
        } else
            in.n_in = unit_pick(0, 1);
        VEC_PUSH(a, &p->instrs, in);
    }
    const struct prog_io in = { .tensor = unit_pick(0, tensors - 1) },
                         out = { .tensor = unit_pick(0, tensors - 1) };
    VEC_PUSH(a, &p->inputs, in);
    VEC_PUSH(a, &p->outputs, out);
    return p;
}

/* Memory of numbers; what was never written is 0. */
struct store {
    int *cell;
    const uint64_t *offset; /* of each tensor */
};

static void put(const struct prog *p, struct store *m, int t, int number)
{
    for (size_t k = 0; k < p->tensors.v[t].bytes; k++)
        m->cell[m->offset[t] + k] = number * MOST + (int)k;
}

static void run_copy(const struct prog *p, int i, struct store *m)
{
    const struct prog_instr *in = &p->instrs.v[i];
    const struct instr_COPY *c = in->params;
    int held[MOST];
    memcpy(held, m->cell + m->offset[in->in[0]], p->tensors.v[in->in[0]].bytes * sizeof *held);
    for (int k = 0; k < c->dims[0]; k++)
        m->cell[m->offset[in->out] + (uint64_t)(c->dst + k * c->dst_stride[0])] = held[c->src + k];
}

/* What was written into t and is read now is the same in both. */
static void check_tensor(const struct prog *p, const struct store *own, const struct store *shared, int t)
{
    for (size_t k = 0; k < p->tensors.v[t].bytes; k++) {
        const int want = own->cell[own->offset[t] + k];
        assert_true(!want || want == shared->cell[shared->offset[t] + k]);
    }
}

static int run_both(const struct prog *p, struct store *own, struct store *shared)
{
    int in_place = 0;
    put(p, own, p->inputs.v[0].tensor, 1);
    put(p, shared, p->inputs.v[0].tensor, 1);
    for (int i = 0; i < p->instrs.n; i++) {
        const struct prog_instr *in = &p->instrs.v[i];
        const struct instr_COPY *c = in->params;
        if (in->n_in)
            check_tensor(p, own, shared, in->in[0]);
        for (int k = 0; k < 2; k++)
            if (in->op == OPCODE_COPY)
                run_copy(p, i, k ? shared : own);
            else
                put(p, k ? shared : own, in->out, i + 2);
        in_place +=
            c && c->dst_stride[0] == 1 &&
            shared->offset[in->in[0]] + (uint64_t)c->src == shared->offset[in->out] + (uint64_t)c->dst;
    }
    check_tensor(p, own, shared, p->outputs.v[0].tensor);
    return in_place;
}

static void views_hold_their_elements(void **state)
{
    (void)state;
    int in_place = 0, separate = 0;
    for (int round = 0; round < 20000; round++) {
        struct vn_arena *a = vn_arena_new();
        const struct prog *p = random_copies(a);
        uint64_t *offset[3];
        for (int k = 0; k < 3; k++) { /* each alone, planned, planned without views */
            offset[k] = NEW_ARRAY(a, uint64_t, p->tensors.n);
            for (int t = 0; t < p->tensors.n; t++)
                offset[k][t] = (uint64_t)t * MOST;
        }
        const size_t views = plan(p, 0, offset[1]),
                     alone = vn_compile_plan(p, &(struct compile_options){ .separate = 1 }, offset[2]);
        for (int k = 1; k < 3; k++) {
            struct store own = { NEW_ARRAY(a, int, p->tensors.n *MOST), offset[0] },
                         shared = { NEW_ARRAY(a, int, k == 1 ? views : alone), offset[k] };
            *(k == 1 ? &in_place : &separate) += run_both(p, &own, &shared);
        }
        vn_arena_free(&a);
    }
    assert_true(in_place > 10000); /* copies that move nothing */
    assert_int_equal(separate, 0);
}

/* ---- fusion, on random networks ---- */

#define SHAPE "1x8x6x6"

static struct value *clip(struct net *n, struct value *x)
{
    return net_op(n, &vn_op_clip, NET_LIST(x, net_const(n, "1", -0.5f, -0.4f), net_const(n, "1", 1.5f, 2)));
}

static struct value *random_step(struct net *n, struct value **made, int count)
{
    struct value *x = made[unit_pick(count > 3 ? count - 3 : 0, count - 1)],
                 *y = made[unit_pick(0, count - 1)];
    switch (unit_pick(0, 9)) {
    case 0:
    case 1:
    case 2: return net_conv(n, x, 0, 1 + 2 * unit_pick(0, 1));
    case 3: return net_conv(n, x, 1, 3);
    case 4:
    case 5: return net_op(n, &vn_op_add, NET_LIST(x, y));
    case 6: return net_op(n, &vn_op_relu, NET_LIST(x));
    case 7: return clip(n, x);
    case 8: return net_op(n, &vn_op_mul, NET_LIST(x, net_op(n, &vn_op_sigmoid, NET_LIST(x))));
    default: return net_op(n, &vn_op_add, NET_LIST(net_conv(n, x, 0, 1), y));
    }
}

static struct net random_net(void)
{
    struct net n = net_new();
    struct value *made[32];
    int count = 0;
    made[count++] = net_input(&n, "x", SHAPE);
    const int steps = unit_pick(3, 14);
    made[count] = net_conv(&n, made[0], 0, 3);
    for (count++; count < steps + 2; count++)
        made[count] = random_step(&n, made, count);
    net_output(&n, made[count - 1]);
    if (!unit_pick(0, 2))
        net_output(&n, made[count - 2]);
    net_prepare(&n);
    net_pass(n.g, "dead_code");
    return n;
}

/* What one run showed, by value id: integers, or floats as 32-bit words, in the source model's order. */
struct words {
    int64_t n;
    int integer, other;
    void *v;
};
struct seen {
    struct vn_arena *arena;
    struct words **of;
};

static void keep_seen(void *user, int value, const struct vn_view *t)
{
    struct seen *s = user;
    struct words *w = NEW(s->arena, struct words);
    w->n = vn_view_count(t);
    w->integer = t->dtype == VN_I8;
    w->other = !w->integer && t->dtype != VN_F32;
    w->v = NEW_ARRAY(s->arena, int64_t, w->n);
    if (w->integer)
        vn_view_integers(w->v, t);
    else if (!w->other)
        vn_view_real(w->v, t);
    s->of[value] = w;
}

struct reference_user {
    const struct seen *s;
    int compared;
};
/* Integers of the reference executor against the runtime's. */
static void check_reference(void *user, int value, const struct vn_view *t)
{
    struct reference_user *r = user;
    const struct words *w = r->s->of[value];
    if (!w || !w->integer || !t->n_scale)
        return;
    assert_true(w->n == vn_view_count(t) && t->dtype == VN_I64 && vn_view_is_plain(t));
    for (int64_t i = 0; i < w->n; i++)
        if (((const int64_t *)w->v)[i] != ((const int64_t *)t->data)[i])
            fail_msg("%s[%lld]: the runtime has %lld, the reference %lld", t->name, (long long)i,
                     (long long)((const int64_t *)w->v)[i], (long long)((const int64_t *)t->data)[i]);
    r->compared++;
}

/* Read and written again, a program has the same bytes. */
static void check_image_read(struct vn_arena *a, const struct vn_image *image)
{
    struct vn_err e;
    struct compile_options o;
    struct vn_image again;
    OK(vn_compile_write(&again, a, vn_compile_read(a, &o, image->data), &o, &e));
    assert_int_equal(again.bytes, image->bytes);
    assert_memory_equal(again.data, image->data, image->bytes);
}

/* The program watched, cut, saved and restored. */
static void check_parts(struct net *n, const struct graph *g, const struct compile_options *o,
                        const struct vn_options *run, const void *x)
{
    struct vn_err e;
    struct vn_image image;
    size_t need;
    struct parts parts = { .in = (const void *[]){ x } };
    OK(vn_compile(&image, n->arena, g, o, &e));
    check_image_read(n->arena, &image);
    OK(vn_model_size(&need, image.data, image.bytes, run, &e));
    OK(vn_model_load(&parts.m, image.data, image.bytes, vn_arena_alloc(n->arena, need), need, run, &e));
    const struct vn_io *out = vn_model_outputs(parts.m, &parts.n_out);
    parts.want = NEW_ARRAY(n->arena, void *, parts.n_out);
    parts.got = NEW_ARRAY(n->arena, void *, parts.n_out);
    for (int i = 0; i < parts.n_out; i++) {
        parts.want[i] = vn_arena_alloc(n->arena, out[i].bytes);
        parts.got[i] = vn_arena_alloc(n->arena, out[i].bytes);
    }
    if (parts_check(&parts) < 0)
        fail_msg("%s", parts.why);
    vn_model_unload(&parts.m);
}

static void feed(struct vn_session *s, const struct vn_tensor *x)
{
    struct vn_err e;
    OK(vn_session_feed_array(s, 0, VN_F32, x->shape.rank, x->shape.d, NULL, x->data, &e));
}

static void run_level(struct net *n, const struct graph *g, int level, int threads, const struct vn_tensor *x,
                      struct seen *s, void *bytes[4])
{
    struct vn_err e;
    struct compile_options c;
    struct vn_session_options o;
    struct vn_session *session;
    struct vn_view v;
    vn_compile_defaults(&c);
    vn_session_options_default(&o);
    o.level = c.level = level;
    o.run.threads = threads;
    OK(vn_session_open_graph(&session, g, NULL, &o, &e));
    if (check_roles(vn_session_model(session), g, e.msg, sizeof e.msg) < 0)
        fail_msg("%s", e.msg);
    s->arena = n->arena;
    s->of = NEW_ARRAY(n->arena, struct words *, g->values.n);
    vn_session_observe(session, &(struct vn_observer){ .after = keep_seen, .user = s });
    feed(session, x);
    OK(vn_session_run(session, &e));
    for (int i = 0; vn_session_output(session, i, &v, NULL) == VN_OK; i++)
        bytes[i] = vn_arena_copy(n->arena, v.data, v.bytes);
    vn_session_observe(session, NULL); /* again, without watching */
    OK(vn_session_run(session, &e));
    for (int i = 0; vn_session_output(session, i, &v, NULL) == VN_OK; i++)
        assert_memory_equal(bytes[i], v.data, v.bytes);
    vn_session_close(&session);
    check_parts(n, g, &c, &o.run, x->data);
}

static void run_reference(const struct graph *g, const struct vn_tensor *x, struct reference_user *user)
{
    struct vn_err e;
    struct vn_session_options o;
    struct vn_session *session;
    vn_session_options_default(&o);
    o.reference = 1;
    OK(vn_session_open_graph(&session, g, NULL, &o, &e));
    vn_session_observe(session, &(struct vn_observer){ .after = check_reference, .user = user });
    feed(session, x);
    OK(vn_session_run(session, &e));
    vn_session_close(&session);
}

static void check_levels(struct net *n, const struct graph *g)
{
    struct seen plain, fused;
    void *want[4], *got[4];
    const struct vn_tensor **x = net_feed(n, g);
    run_level(n, g, 0, 1, x[0], &plain, want);
    struct reference_user user = { &plain, 0 };
    run_reference(g, x[0], &user);
    for (int level = 1; level <= 3; level++) {
        run_level(n, g, level, level, x[0], &fused, got);
        for (int i = 0; i < g->outputs.n; i++)
            assert_memory_equal(want[i], got[i], (size_t)vn_shape_count(&g->outputs.v[i]->shape) * 4);
        for (int i = 0; i < g->values.n;
             i++) { /* every tensor that both show, also the ones kept in registers */
            const struct words *a = plain.of[i], *b = fused.of[i];
            if (!a || g->values.v[i]->data)
                continue;
            if (!b)
                fail_msg("%s is not shown at level %d", g->values.v[i]->name, level);
            assert_true(a->n == b->n && a->integer == b->integer);
            assert_memory_equal(a->v, b->v, (size_t)a->n * sizeof(int64_t));
        }
    }
}

static void levels_agree_in_float(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        unit_seed = 1000 + (uint64_t)round;
        struct net n = random_net();
        check_levels(&n, n.g);
        vn_arena_free(&n.arena);
    }
}

static void levels_agree_in_integers(void **state)
{
    (void)state;
    for (int round = 0; round < 100; round++) {
        unit_seed = 5000 + (uint64_t)round;
        struct net n = random_net();
        if (net_count(n.g, &vn_op_conv)) {
            net_quantize(&n);
            check_levels(&n, n.g);
        }
        vn_arena_free(&n.arena);
    }
}

/* Two convolutions whose float32 results are added behind the last integers. */
static void float_sum_of_integer_convolutions(void **state)
{
    (void)state;
    struct net n = net_new();
    struct value *x = net_input(&n, "x", SHAPE), *a = net_conv(&n, x, 0, 3);
    net_output(&n, net_op(&n, &vn_op_add, NET_LIST(net_conv(&n, a, 0, 1), net_conv(&n, a, 0, 3))));
    net_prepare(&n);
    net_quantize(&n);
    check_levels(&n, n.g);
    vn_arena_free(&n.arena);
}

static struct value *shaped(struct net *n, struct value *x, int rank, const int64_t *d)
{
    const struct vn_shape s = { 1, { rank } };
    struct vn_tensor *t = vn_tensor_new(n->arena, VN_I64, &s);
    memcpy(t->data, d, (size_t)rank * sizeof *d);
    struct value *shape = vn_graph_const(n->g, vn_arena_fmt(n->arena, "shape%d", n->names++), t);
    return net_op(n, &vn_op_reshape, NET_LIST(x, shape));
}

static struct value *swapped(struct net *n, struct value *x)
{
    struct value *y = net_op(n, &vn_op_transpose, NET_LIST(x));
    ((struct perm_attrs *)y->producer->attrs)->perm = NET_INTS(n, 0, 2, 1);
    return y;
}

static int moves_elements(const struct prog_instr *i)
{
    const struct instr_COPY *c = i->params;
    for (int k = 0; i->op == OPCODE_COPY && k < c->rank; k++)
        if (c->dims[k] > 1 && c->src_stride[k] != c->dst_stride[k])
            return 1;
    return 0;
}

/* Tokens become pixels, for a convolution, and tokens again: with channels last, memory stays as it is. */
static void tokens_are_pixels(void **state)
{
    (void)state;
    struct net n = net_new();
    struct value *x = net_input(&n, "x", "1x36x8"),
                 *pixels = shaped(&n, swapped(&n, x), 4, (int64_t[]){ 1, 8, 6, 6 });
    struct value *y = net_conv(&n, pixels, 0, 3);
    net_output(&n, swapped(&n, shaped(&n, y, 3, (int64_t[]){ 1, 8, 36 })));
    net_prepare(&n);
    check_levels(&n, n.g);
    struct compile_options o;
    struct prog *p;
    struct vn_err e;
    vn_compile_defaults(&o);
    OK(vn_compile_lower(&p, n.arena, n.g, &o, &e));
    for (int i = 0; i < p->instrs.n; i++)
        assert_false(moves_elements(&p->instrs.v[i]));
    vn_arena_free(&n.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan_never_overlaps),
        cmocka_unit_test(views_hold_their_elements),
        cmocka_unit_test(levels_agree_in_float),
        cmocka_unit_test(levels_agree_in_integers),
        cmocka_unit_test(float_sum_of_integer_convolutions),
        cmocka_unit_test(tokens_are_pixels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
