/* compile/: the memory plan never lets two living tensors overlap; fusion changes no result. */
#include "calib/calib.h"
#include "compile/compile.h"
#include "inspect/inspect.h"
#include "kernels/kernels.h"
#include "net.h"
#include "quant/quant.h"
#include "roles.h"
#include "runtime/parts.h"

/* ---- the plan, on random programs ---- */

static struct prog *random_program(struct vn_arena *a)
{
    struct prog *p = NEW(a, struct prog);
    p->arena = a;
    const int tensors = unit_pick(2, 60), instrs = unit_pick(1, 60);
    for (int i = 0; i < tensors; i++) {
        const struct prog_tensor t = { .name = "t", .bytes = (size_t)unit_pick(0, 3) ? (size_t)unit_pick(1, 5000) : 64u * (unsigned)unit_pick(1, 10),
                                       .place = unit_pick(0, 9) ? BIN_ARENA : unit_pick(0, 1) ? BIN_CONST : BIN_HIDDEN };
        VEC_PUSH(a, &p->tensors, t);
    }
    for (int i = 0; i < instrs; i++) {
        struct prog_instr in = { .op = OPCODE_COPY, .n_in = unit_pick(0, 3), .out = unit_pick(0, tensors - 1) };
        in.in = NEW_ARRAY(a, int, 3);
        for (int k = 0; k < in.n_in; k++)
            in.in[k] = unit_pick(0, tensors - 1);
        VEC_PUSH(a, &p->instrs, in);
    }
    for (int i = 0; i < 2; i++) {
        const struct prog_io in = { .tensor = unit_pick(0, tensors - 1) }, out = { .tensor = unit_pick(0, tensors - 1) };
        VEC_PUSH(a, &p->inputs, in);
        VEC_PUSH(a, &p->outputs, out);
    }
    return p;
}

/* alive[t][i]: tensor t holds something that matters while instruction i runs; i = 0 is before the first, n + 1 after the last. */
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
        first[p->inputs.v[i].tensor] = 0, last[p->inputs.v[i].tensor] = last[p->inputs.v[i].tensor] < 0 ? 0 : last[p->inputs.v[i].tensor];
    for (int i = 0; i < p->outputs.n; i++) {
        const int t = p->outputs.v[i].tensor;
        last[t] = p->instrs.n + 1;
        first[t] = first[t] == 1000 ? last[t] : first[t];
    }
    for (int t = 0; t < p->tensors.n; t++)
        for (int i = 0; i <= p->instrs.n + 1; i++)
            alive[t][i] = i >= first[t] && i <= last[t];
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
    for (int round = 0; round < 3000; round++) {
        struct vn_arena *a = vn_arena_new();
        const struct prog *p = random_program(a);
        uint64_t *offset = NEW_ARRAY(a, uint64_t, p->tensors.n);
        const size_t reused = vn_compile_plan(p, 0, offset);
        check_plan(p, offset, reused, 0);
        const size_t kept = vn_compile_plan(p, 1, offset);
        check_plan(p, offset, kept, 1);
        assert_true(reused <= kept);
        all += kept;
        shared += reused;
        vn_arena_free(&a);
    }
    assert_true(shared < all); /* memory is reused at all */
}

/* ---- fusion, on random networks ---- */

#define SHAPE "1x8x6x6"

static struct value *conv(struct net *n, struct value *x, int depthwise, int side)
{
    struct value *y = net_op(n, &vn_op_conv, NET_LIST(x, net_const(n, vn_arena_fmt(n->arena, "8x%dx%dx%d", depthwise ? 1 : 8, side, side), -0.5f, 0.5f),
                                                      net_const(n, "8", -1, 1)));
    struct conv_attrs *a = y->producer->attrs;
    a->group = depthwise ? 8 : 1;
    a->pads = NET_INTS(n, side / 2, side / 2, side / 2, side / 2);
    return y;
}

static struct value *clip(struct net *n, struct value *x)
{
    return net_op(n, &vn_op_clip, NET_LIST(x, net_const(n, "1", -0.5f, -0.4f), net_const(n, "1", 1.5f, 2)));
}

static struct value *random_step(struct net *n, struct value **made, int count)
{
    struct value *x = made[unit_pick(count > 3 ? count - 3 : 0, count - 1)], *y = made[unit_pick(0, count - 1)];
    switch (unit_pick(0, 9)) {
    case 0:
    case 1:
    case 2: return conv(n, x, 0, 1 + 2 * unit_pick(0, 1));
    case 3: return conv(n, x, 1, 3);
    case 4:
    case 5: return net_op(n, &vn_op_add, NET_LIST(x, y));
    case 6: return net_op(n, &vn_op_relu, NET_LIST(x));
    case 7: return clip(n, x);
    case 8: return net_op(n, &vn_op_mul, NET_LIST(x, net_op(n, &vn_op_sigmoid, NET_LIST(x))));
    default: return net_op(n, &vn_op_add, NET_LIST(conv(n, x, 0, 1), y));
    }
}

static struct net random_net(void)
{
    struct net n = net_new();
    struct value *made[32];
    int count = 0;
    made[count++] = net_input(&n, "x", SHAPE);
    const int steps = unit_pick(3, 14);
    made[count] = conv(&n, made[0], 0, 3);
    for (count++; count < steps + 2; count++)
        made[count] = random_step(&n, made, count);
    net_output(&n, made[count - 1]);
    if (!unit_pick(0, 2))
        net_output(&n, made[count - 2]);
    net_prepare(&n);
    net_pass(n.g, "dead_code");
    return n;
}

/* What one run showed, by tensor name: integers or floats as 32-bit words in the source model's order. */
struct seen {
    struct vn_arena *arena;
    struct vn_map *of;
};
struct words {
    int64_t n;
    int integer;
    int32_t *v;
};

static void keep_seen(void *user, const struct vn_view *t)
{
    struct seen *s = user;
    if (!vn_view_is_value(t))
        return;
    struct words *w = NEW(s->arena, struct words);
    w->n = vn_view_count(t);
    w->integer = t->dtype == VN_I8;
    w->v = NEW_ARRAY(s->arena, int32_t, w->n);
    if (w->integer)
        vn_view_integers(w->v, t);
    else if (t->dtype == VN_F32)
        vn_view_real((float *)w->v, t);
    vn_map_set(s->of, vn_arena_str(s->arena, t->name), w);
}

struct reference_user {
    const struct seen *s;
    int compared;
};
/* Integers of the reference executor against the runtime's. */
static void check_reference(void *user, const struct value *v, const struct vn_tensor *t)
{
    struct reference_user *r = user;
    const struct words *w = v->q ? vn_map_get(r->s->of, v->name) : NULL;
    if (!w || !w->integer)
        return;
    assert_true(w->n == vn_shape_count(&t->shape));
    for (int64_t i = 0; i < w->n; i++)
        if (w->v[i] != ((const int64_t *)t->data)[i])
            fail_msg("%s[%lld]: the runtime has %d, the reference %lld", v->name, (long long)i, w->v[i], (long long)((const int64_t *)t->data)[i]);
    r->compared++;
}

/* The program watched, cut, saved and restored. */
static void check_parts(struct net *n, const struct vn_program *p, const void *const *in)
{
    struct parts parts = { .m = p->model, .in = in };
    parts.want = NEW_ARRAY(n->arena, void *, p->n_out);
    parts.got = NEW_ARRAY(n->arena, void *, p->n_out);
    for (int i = 0; i < p->n_out; i++) {
        parts.want[i] = vn_arena_alloc(n->arena, p->out[i].bytes);
        parts.got[i] = vn_arena_alloc(n->arena, p->out[i].bytes);
    }
    if (parts_check(&parts) < 0)
        fail_msg("%s", parts.why);
}

static void run_level(struct net *n, const struct graph *g, int level, int threads, const struct vn_tensor *x, struct seen *s, void *bytes[4])
{
    struct vn_err e;
    struct compile_options o;
    struct vn_options run;
    struct vn_program p;
    vn_compile_defaults(&o);
    vn_options_default(&run);
    o.level = level;
    run.threads = threads;
    OK(vn_program_start(&p, n->arena, g, &o, &run, &e));
    if (check_roles(p.model, g, e.msg, sizeof e.msg) < 0)
        fail_msg("%s", e.msg);
    s->arena = n->arena;
    s->of = vn_map_new(n->arena);
    vn_model_watch(p.model, &(struct vn_watch){ .after = keep_seen, .user = s });
    OK(vn_model_run(p.model, (const void *[]){ x->data }, p.result, &e));
    for (int i = 0; i < p.n_out; i++)
        bytes[i] = vn_arena_copy(n->arena, p.result[i], p.out[i].bytes);
    check_parts(n, &p, (const void *[]){ x->data });
    vn_model_watch(p.model, NULL); /* again, without watching */
    OK(vn_model_run(p.model, (const void *[]){ x->data }, p.result, &e));
    for (int i = 0; i < p.n_out; i++)
        assert_memory_equal(bytes[i], p.result[i], p.out[i].bytes);
}

static void check_levels(struct net *n, const struct graph *g)
{
    struct seen plain, fused;
    void *want[4], *got[4];
    const struct vn_tensor **x = net_feed(n, g);
    run_level(n, g, 0, 1, x[0], &plain, want);
    struct vn_err e;
    struct vn_tensor **y = NEW_ARRAY(n->arena, struct vn_tensor *, g->outputs.n);
    struct reference_user user = { &plain, 0 };
    OK(vn_interp_run(n->arena, g, x, y, check_reference, &user, &e));
    for (int level = 1; level <= 3; level++) {
        run_level(n, g, level, level, x[0], &fused, got);
        for (int i = 0; i < g->outputs.n; i++)
            assert_memory_equal(want[i], got[i], (size_t)vn_shape_count(&g->outputs.v[i]->shape) * 4);
        for (int i = 0; i < g->values.n; i++) { /* every tensor that both show, also the ones kept in registers */
            const struct words *a = vn_map_get(plain.of, g->values.v[i]->name), *b = vn_map_get(fused.of, g->values.v[i]->name);
            if (!a || g->values.v[i]->data)
                continue;
            if (!b)
                fail_msg("%s is not shown at level %d", g->values.v[i]->name, level);
            assert_true(a->n == b->n && a->integer == b->integer);
            assert_memory_equal(a->v, b->v, (size_t)a->n * 4);
        }
    }
}

static void quantize(struct net *n)
{
    struct vn_err e;
    struct config cfg = { .path = "", .folder = "", .n_inputs = 1, .inputs = NEW(n->arena, struct input_config) };
    struct vn_samples *samples;
    struct vn_ranges *ranges;
    struct vn_options run;
    struct target target;
    vn_options_default(&run);
    cfg.inputs[0] = (struct input_config){ .name = "x" };
    OK(vn_samples_random(&samples, n->arena, &cfg, n->g, 4, &e));
    OK(vn_calibrate(&ranges, n->arena, n->g, samples, &run, NULL, &e));
    OK(vn_target_read(&target, n->arena, "generic", &e));
    static const enum zero_points kinds[] = { ZERO_POINTS_SYMMETRIC, ZERO_POINTS_NONNEGATIVE, ZERO_POINTS_ASYMMETRIC };
    const struct vn_quant_options o = { .method = { .calibrator = vn_calibrator_find("max"), .parameter = 1, .zero_points = kinds[unit_pick(0, 2)] },
                                        .target = &target, .outputs_int8 = unit_pick(0, 1) };
    OK(vn_quantize_annotate(n->g, ranges, &o, &e));
    OK(vn_quantize_store(n->g, &e));
}

static void levels_agree_in_float(void **state)
{
    (void)state;
    for (int round = 0; round < 150; round++) {
        unit_seed = 1000 + (uint64_t)round;
        struct net n = random_net();
        check_levels(&n, n.g);
        vn_arena_free(&n.arena);
    }
}

static void levels_agree_in_integers(void **state)
{
    (void)state;
    for (int round = 0; round < 300; round++) {
        unit_seed = 5000 + (uint64_t)round;
        struct net n = random_net();
        if (net_count(n.g, &vn_op_conv)) {
            quantize(&n);
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
    struct value *x = net_input(&n, "x", SHAPE), *a = conv(&n, x, 0, 3);
    net_output(&n, net_op(&n, &vn_op_add, NET_LIST(conv(&n, a, 0, 1), conv(&n, a, 0, 3))));
    net_prepare(&n);
    quantize(&n);
    check_levels(&n, n.g);
    vn_arena_free(&n.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan_never_overlaps), cmocka_unit_test(levels_agree_in_float), cmocka_unit_test(levels_agree_in_integers),
        cmocka_unit_test(float_sum_of_integer_convolutions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
