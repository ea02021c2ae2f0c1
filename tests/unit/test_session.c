/* session/: any artefact opened, fed, run in whole and in part, observed, shared, limited, cancelled. */
#include <pthread.h>

#include "base/file.h"
#include "front/onnx/onnx.h"
#include "kernels/image/image_kernels.h"
#include "quantized.h"
#include "session/input_text.h"
#include "session/session.h"
#include "tensor/npy.h"

#define SHAPE "1x8x6x6"
#define COUNT (8 * 6 * 6)

/* ---- a network and its artefacts ---- */

/* Two outputs: a sum of convolutions, and a convolution's Relu. */
static struct net new_net(void)
{
    struct net n = net_new();
    struct value *x = net_input(&n, "x", SHAPE),
                 *a = net_op(&n, &vn_op_relu, NET_LIST(net_conv(&n, x, 0, 3)));
    net_output(&n, net_op(&n, &vn_op_add, NET_LIST(net_conv(&n, a, 0, 1), a)));
    net_output(&n, net_op(&n, &vn_op_relu, NET_LIST(net_conv(&n, a, 1, 3))));
    net_prepare(&n);
    return n;
}

static struct net new_integer_net(void)
{
    struct net n = new_net();
    net_quantize(&n);
    return n;
}

static struct vn_image compile(struct net *n, const struct compile_options *o)
{
    struct vn_err e;
    struct compile_options preset;
    struct vn_image image;
    vn_compile_defaults(&preset);
    OK(vn_compile(&image, n->arena, n->g, o ? o : &preset, &e));
    return image;
}

static const char *bin_file(struct net *n, const struct compile_options *o)
{
    struct vn_err e;
    const struct vn_image image = compile(n, o);
    const char *path = vn_path_join(n->arena, unit_folder(n->arena), "net.bin");
    OK(vn_file_write(path, image.data, image.bytes, &e));
    return path;
}

static const char *onnx_file(struct net *n)
{
    struct vn_err e;
    const char *path = vn_path_join(n->arena, unit_folder(n->arena), "net.onnx");
    OK(vn_onnx_write(n->g, path, NULL, &e));
    return path;
}

static struct vn_session *open_graph(const struct graph *g, int reference)
{
    struct vn_err e;
    struct vn_session *s;
    struct vn_session_options o;
    vn_session_options_default(&o);
    o.reference = reference;
    OK(vn_session_open_graph(&s, g, NULL, &o, &e));
    return s;
}

/* ---- results ---- */

struct results {
    struct vn_arena *arena;
    int n;
    void *data[4];
    size_t bytes[4];
};

static struct results results_of(struct vn_session *s, struct vn_arena *a)
{
    struct results r = { .arena = a };
    struct vn_view v;
    for (; vn_session_output(s, r.n, &v, NULL) == VN_OK; r.n++) {
        r.data[r.n] = vn_arena_copy(a, v.data, v.bytes);
        r.bytes[r.n] = v.bytes;
    }
    assert_true(r.n > 0);
    return r;
}

static struct results run_random(struct vn_session *s, uint64_t seed, struct vn_arena *a)
{
    struct vn_err e;
    OK(vn_session_feed_random(s, seed, &e));
    OK(vn_session_run(s, &e));
    return results_of(s, a);
}

static void same_results(const struct results *x, const struct results *y)
{
    assert_int_equal(x->n, y->n);
    for (int i = 0; i < x->n; i++) {
        assert_int_equal(x->bytes[i], y->bytes[i]);
        assert_memory_equal(x->data[i], y->data[i], x->bytes[i]);
    }
}

/* ---- opening ---- */

static void check_artefact(struct vn_session *s, enum vn_artefact kind, const struct results *want)
{
    int n;
    const struct vn_port *in = vn_session_inputs(s, &n);
    assert_int_equal(vn_session_kind(s), kind);
    assert_int_equal(n, 1);
    assert_string_equal(in->name, "x");
    assert_int_equal(in->value, vn_session_value(s, "x"));
    assert_true(in->rank == 4 && in->shape[1] == 8 && in->dtype == VN_F32 && in->type == VN_IN_FEATUREMAP);
    assert_int_equal(vn_session_input(s, "x"), 0);
    assert_int_equal(vn_session_input(s, "y"), -1);
    const struct results got = run_random(s, 3, want->arena);
    same_results(want, &got);
    vn_session_close(&s);
    assert_null(s);
    vn_session_close(&s);
}

static void every_artefact_computes_the_same(void **state)
{
    (void)state;
    struct vn_err e;
    struct net n = new_integer_net();
    struct vn_session *s = open_graph(n.g, 0);
    const struct results want = run_random(s, 3, n.arena);
    const uint8_t *onnx;
    size_t bytes;
    check_artefact(s, VN_ARTEFACT_GRAPH, &want);
    OK(vn_session_open(&s, bin_file(&n, NULL), NULL, &e));
    check_artefact(s, VN_ARTEFACT_BIN, &want);
    const struct vn_image image = compile(&n, NULL);
    OK(vn_session_open_memory(&s, image.data, image.bytes, NULL, &e));
    check_artefact(s, VN_ARTEFACT_BIN, &want);
    OK(vn_session_open(&s, onnx_file(&n), NULL, &e));
    check_artefact(s, VN_ARTEFACT_ONNX, &want);
    OK(vn_onnx_write_memory(&onnx, &bytes, n.arena, n.g, NULL, &e));
    OK(vn_session_open_memory(&s, onnx, bytes, NULL, &e));
    check_artefact(s, VN_ARTEFACT_ONNX, &want);
    vn_arena_free(&n.arena);
}

static void a_caffe_network_opens(void **state)
{
    (void)state;
    static const char text[] =
        "layer { name: \"x\" type: \"Input\" top: \"x\" input_param { shape { dim: 1 dim: 4 } } }\n"
        "layer { name: \"y\" type: \"ReLU\" bottom: \"x\" top: \"y\" }\n";
    struct vn_err e;
    struct vn_arena *a = vn_arena_new();
    const char *folder = unit_folder(a), *weights = vn_path_join(a, folder, "net.caffemodel");
    struct vn_session *s;
    struct vn_session_options o;
    struct vn_view y;
    vn_session_options_default(&o);
    o.prototxt = vn_path_join(a, folder, "net.prototxt");
    OK(vn_file_write(o.prototxt, text, sizeof text - 1, &e));
    OK(vn_file_write(weights, "\x0a\x01n", 3, &e)); /* a name, no layers */
    OK(vn_session_open(&s, weights, &o, &e));
    assert_int_equal(vn_session_kind(s), VN_ARTEFACT_CAFFE);
    OK(vn_session_feed_array(s, 0, VN_F32, 2, (int64_t[]){ 1, 4 }, NULL, (float[]){ -1, 2, -3, 4 }, &e));
    OK(vn_session_run(s, &e));
    OK(vn_session_output(s, 0, &y, &e));
    assert_true(vn_view_at(&y, 0) == 0 && vn_view_at(&y, 1) == 2 && vn_view_at(&y, 3) == 4);
    vn_session_close(&s);
    vn_arena_free(&a);
}

static void what_a_session_says(void **state)
{
    (void)state;
    struct vn_err e;
    struct net n = new_integer_net();
    struct vn_graph_info info;
    struct vn_session *s;
    struct vn_session_options o;
    const char *key, *text;
    vn_graph_meta_set(n.g, "author", "nobody");
    vn_session_options_default(&o);
    o.inspect = 1;
    OK(vn_session_open(&s, onnx_file(&n), &o, &e));
    assert_null(vn_session_model(s));
    assert_int_equal(vn_session_graph_info(s, &info), VN_OK);
    assert_true(info.nodes == n.g->nodes.n && info.integer_nodes > 0 && info.opset > 0);
    assert_string_equal(vn_session_meta(s, "author"), "nobody");
    vn_session_close(&s);
    OK(vn_session_open(&s, bin_file(&n, NULL), &o, &e));
    assert_non_null(vn_session_model(s));
    assert_int_equal(vn_session_graph_info(s, &info), VN_E_USAGE);
    assert_string_equal(vn_session_meta(s, "author"), "nobody");
    assert_int_equal(vn_session_meta_at(s, 0, &key, &text), VN_OK);
    assert_int_equal(vn_session_meta_at(s, 1, &key, &text), VN_E_USAGE);
    vn_session_close(&s);
    vn_arena_free(&n.arena);
}

/* ---- feeding ---- */

static void arrays_with_strides_and_files(void **state)
{
    (void)state;
    struct vn_err e;
    struct net n = new_net();
    struct vn_session *s = open_graph(n.g, 0);
    const char *folder = unit_folder(n.arena), *raw = vn_path_join(n.arena, folder, "x.raw"),
               *npy = vn_path_join(n.arena, folder, "x.npy");
    float plain[COUNT], last[COUNT];
    double wide[COUNT];
    const int64_t shape[] = { 1, 8, 6, 6 }, channels_last[] = { COUNT, 1, 48, 8 };
    for (int c = 0; c < 8; c++)
        for (int k = 0; k < 36; k++)
            wide[c * 36 + k] = plain[c * 36 + k] = last[k * 8 + c] = unit_real(2);
    const struct vn_tensor t = { VN_F64, net_shape(SHAPE), wide };
    OK(vn_file_write(raw, plain, sizeof plain, &e));
    OK(vn_npy_write(npy, &t, &e));
    OK(vn_session_feed_array(s, 0, VN_F32, 4, shape, NULL, plain, &e));
    OK(vn_session_run(s, &e));
    const struct results want = results_of(s, n.arena);
    for (int way = 0; way < 5; way++) {
        OK(vn_session_feed_random(s, 9, &e));
        switch (way) {
        case 0: OK(vn_session_feed_array(s, 0, VN_F32, 4, shape, channels_last, last, &e)); break;
        case 1: OK(vn_session_feed_file(s, 0, raw, &e)); break;
        case 2: OK(vn_session_feed_file(s, 0, npy, &e)); break;
        case 3: OK(vn_session_feed_bytes(s, 0, plain, sizeof plain, &e)); break;
        default: OK(vn_session_feed_files(s, (const char *[]){ vn_arena_fmt(n.arena, "x=%s", raw) }, 1, &e));
        }
        OK(vn_session_run(s, &e));
        const struct results got = results_of(s, n.arena);
        same_results(&want, &got);
    }
    vn_session_close(&s);
    vn_arena_free(&n.arena);
}

/* An image input: what the device hands over, "pixel - 128" and the .bin agree. */
static void check_image(enum vn_input_type rt, int channels_last)
{
    struct vn_err e;
    struct net n = net_new();
    struct value *x = net_input(&n, "x", "1x3x6x6");
    net_output(&n, net_op(&n, &vn_op_conv, NET_LIST(x, net_const(&n, "4x3x3x3", -0.5f, 0.5f))));
    net_prepare(&n);
    const struct preprocess_spec spec = { .type_rt = rt, .type_train = VN_IN_RGB };
    const struct input_config says = { .type_rt = rt,
                                       .type_train = VN_IN_RGB,
                                       .layout_rt = channels_last ? LAYOUT_NHWC : LAYOUT_NCHW };
    OK(vn_insert_preprocess(n.g, x, &spec, &e));
    vn_graph_index(n.g);
    net_prepare(&n);
    vn_graph_meta_set(n.g, "input.x", vn_input_text(&says, n.arena));
    net_quantize(&n);
    const struct compile_input input = { rt, channels_last };
    struct compile_options c;
    vn_compile_defaults(&c);
    c.inputs = &input;
    struct vn_session *s, *onnx = open_graph(n.g, 0);
    OK(vn_session_open(&s, bin_file(&n, &c), NULL, &e));
    int inputs;
    const struct vn_port *in = vn_session_inputs(s, &inputs);
    const size_t bytes = rt == VN_IN_NV12 ? 54 : 108;
    assert_true(in->type == rt && in->bytes == bytes && in->given == VN_U8 && in->rank == 4 &&
                in->shape[1] == 3 && in->scale == 1);
    assert_int_equal(in->channels_last, channels_last);
    uint8_t pixels[108];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)unit_pick(0, 255);
    OK(vn_session_feed_bytes(s, 0, pixels, bytes, &e));
    OK(vn_session_run(s, &e));
    const struct results want = results_of(s, n.arena);
    float x128[108];
    memcpy(x128, vn_session_fed(s, 0)->data, sizeof x128);
    OK(vn_session_feed_bytes(onnx, 0, pixels, bytes, &e)); /* the ONNX takes the same bytes */
    assert_memory_equal(vn_session_fed(onnx, 0)->data, x128, sizeof x128);
    OK(vn_session_run(onnx, &e));
    const struct results direct = results_of(onnx, n.arena);
    same_results(&want, &direct);
    OK(vn_session_feed_random(s, 1, &e));
    OK(vn_session_feed_array(s, 0, VN_F32, 4, in->shape, NULL, x128, &e)); /* and back */
    assert_memory_equal(vn_session_fed(s, 0)->data, x128, sizeof x128);
    OK(vn_session_run(s, &e));
    const struct results again = results_of(s, n.arena);
    same_results(&want, &again);
    assert_int_equal(vn_session_feed_bytes(s, 0, pixels, bytes - 1, &e), VN_E_INPUT);
    vn_session_close(&s);
    vn_session_close(&onnx);
    vn_arena_free(&n.arena);
}

static void images(void **state)
{
    (void)state;
    check_image(VN_IN_RGB, 1);
    check_image(VN_IN_BGR, 0);
    check_image(VN_IN_YUV444, 1);
    check_image(VN_IN_NV12, 0);
}

static void wrong_data_are_refused(void **state)
{
    (void)state;
    struct vn_err e;
    struct net n = new_net();
    struct vn_session *s = open_graph(n.g, 0);
    struct vn_view v;
    float x[COUNT] = { 0 };
    const int64_t shape[] = { 1, 8, 6, 6 }, other[] = { 1, 8, 36 };
    assert_int_equal(vn_session_run(s, &e), VN_E_USAGE);
    assert_non_null(strstr(e.msg, "input x has no data"));
    assert_int_equal(vn_session_output(s, 0, &v, &e), VN_E_USAGE);
    assert_int_equal(vn_session_feed_array(s, 1, VN_F32, 4, shape, NULL, x, &e), VN_E_USAGE);
    assert_int_equal(vn_session_feed_array(s, -1, VN_F32, 4, shape, NULL, x, &e), VN_E_USAGE);
    assert_int_equal(vn_session_feed_array(s, 0, VN_F32, 3, other, NULL, x, &e), VN_E_INPUT);
    assert_non_null(strstr(e.msg, "expected shape 1x8x6x6, got 1x8x36"));
    assert_int_equal(vn_session_feed_array(s, 0, VN_F32, 9, shape, NULL, x, &e), VN_E_USAGE);
    assert_int_equal(vn_session_feed_array(s, 0, (enum vn_dtype)99, 4, shape, NULL, x, &e), VN_E_USAGE);
    assert_int_equal(vn_session_feed_bytes(s, 0, x, sizeof x - 4, &e), VN_E_INPUT);
    assert_non_null(strstr(e.msg, "expected 1152 bytes, got 1148"));
    assert_int_equal(vn_session_feed_file(s, 0, "nowhere.raw", &e), VN_E_INPUT);
    assert_int_equal(vn_session_feed_files(s, (const char *[]){ "y=z.raw" }, 1, &e), VN_E_USAGE);
    assert_non_null(strstr(e.msg, "no input 'y'"));
    assert_int_equal(vn_session_run_range(s, 0, 1000, &e), VN_E_USAGE);
    OK(vn_session_feed_array(s, 0, VN_F32, 4, shape, NULL, x, &e));
    OK(vn_session_run(s, &e));
    assert_int_equal(vn_session_output(s, 2, &v, &e), VN_E_USAGE);
    assert_int_equal(vn_session_feed_bytes(s, 0, x, 1, &e),
                     VN_E_INPUT); /* what failed does not count as fed */
    assert_int_equal(vn_session_run(s, &e), VN_E_USAGE);
    vn_session_close(&s);
    assert_int_equal(vn_session_open(&s, "nowhere.onnx", NULL, &e), VN_E_INPUT);
    assert_null(s);
    assert_int_equal(vn_session_open_memory(&s, "VERNIER\nxxxxxxxx", 16, NULL, &e), VN_E_INPUT);
    assert_int_equal(vn_session_open_memory(&s, "", 0, NULL, NULL), VN_E_INPUT);
    vn_arena_free(&n.arena);
}

/* ---- in parts ---- */

static void parts_give_the_whole(void **state)
{
    (void)state;
    struct vn_err e;
    struct net n = new_integer_net();
    struct vn_session *s, *other;
    struct vn_session_state *saved;
    OK(vn_session_open(&s, bin_file(&n, NULL), NULL, &e));
    OK(vn_session_share(&other, s, NULL, &e));
    const int end = vn_session_instructions(s);
    const struct results want = run_random(s, 5, n.arena);
    for (int at = 0; at <= end; at++) {
        OK(vn_session_start(s, &e));
        OK(vn_session_run_range(s, 0, at, &e));
        OK(vn_session_save(&saved, s, &e));
        for (int k = 0; k < 4; k++) { /* run on; restored; restored in another session, twice */
            struct vn_session *in = k < 2 ? s : other;
            if (k)
                OK(vn_session_restore(in, saved, &e));
            OK(vn_session_run_range(in, at, end, &e));
            const struct results got = results_of(in, n.arena);
            same_results(&want, &got);
        }
        vn_session_state_free(&saved);
        assert_null(saved);
    }
    struct vn_session *stranger = open_graph(n.g, 0), *reference = open_graph(n.g, 1);
    OK(vn_session_save(&saved, s, &e));
    assert_int_equal(vn_session_restore(stranger, saved, &e), VN_E_USAGE);
    vn_session_close(&s);
    vn_session_close(&other);
    vn_session_state_free(&saved); /* it outlives its network's sessions */
    assert_int_equal(vn_session_instructions(reference), 0);
    assert_int_equal(vn_session_save(&saved, reference, &e), VN_E_UNSUPPORTED);
    assert_int_equal(vn_session_start(reference, &e), VN_E_UNSUPPORTED);
    vn_session_close(&stranger);
    vn_session_close(&reference);
    vn_arena_free(&n.arena);
}

/* ---- observing ---- */

struct watcher {
    struct vn_session *s;
    int before, after, last_instruction;
    int seen[256]; /* by value id */
    struct vn_arena *arena;
    int64_t *integers[256];
};

static void see_inputs(void *user, int instruction, const struct vn_view *in, int n)
{
    struct watcher *w = user;
    w->before++;
    assert_true(instruction > w->last_instruction);
    w->last_instruction = instruction;
    for (int i = 0; i < n; i++)
        assert_non_null(in[i].data);
}

static void see_value(void *user, int value, const struct vn_view *v)
{
    struct watcher *w = user;
    w->after++;
    assert_int_equal(vn_session_value_of(w->s, v->tensor), value);
    assert_string_equal(v->name, vn_session_value_name(w->s, value));
    w->seen[value]++;
    if (!w->arena || !v->n_scale)
        return;
    w->integers[value] = NEW_ARRAY(w->arena, int64_t, vn_view_count(v));
    vn_view_integers(w->integers[value], v);
}

static void watch_all(struct vn_session *s)
{
    struct vn_err e;
    struct watcher w = { .s = s, .last_instruction = -1 };
    vn_session_observe(s, &(struct vn_observer){ .before = see_inputs, .after = see_value, .user = &w });
    OK(vn_session_run(s, &e));
    int shown = 0;
    for (int i = 0; i < 256; i++) {
        assert_true(w.seen[i] <= 1); /* each value once, as itself */
        shown += w.seen[i];
    }
    assert_true(shown == w.after && shown > 5 && w.before > 3);
}

static void watch_one(struct vn_session *s, const char *name)
{
    struct vn_err e;
    struct watcher w = { .s = s, .last_instruction = -1 };
    unsigned char *wanted = calloc((size_t)vn_session_values(s), 1);
    const int id = vn_session_value(s, name);
    assert_true(id >= 0);
    wanted[id] = 1;
    vn_session_observe(
        s, &(struct vn_observer){ .before = see_inputs, .after = see_value, .wanted = wanted, .user = &w });
    free(wanted); /* it was copied */
    OK(vn_session_run(s, &e));
    assert_true(w.after == 1 && w.seen[id] == 1 && w.before >= 1);
    vn_session_observe(s, NULL);
    OK(vn_session_run(s, &e));
    assert_int_equal(w.after, 1);
}

static void chosen_values_are_shown(void **state)
{
    (void)state;
    struct vn_err e;
    struct net n = new_integer_net();
    const char *hidden = n.g->nodes.v[0]->out[0]->name;
    for (int reference = 0; reference < 2; reference++) {
        struct vn_session *s = open_graph(n.g, reference);
        const struct results want = run_random(s, 5, n.arena);
        watch_all(s);
        watch_one(s, hidden);
        const struct results got = results_of(s, n.arena);
        same_results(&want, &got);
        vn_session_close(&s);
    }
    struct vn_session *s = open_graph(n.g, 0); /* a role of its own */
    struct watcher w = { .s = s };
    vn_session_observe(s,
                       &(struct vn_observer){ .after = see_value, .roles = 1u << VN_ROLE_BYTES, .user = &w });
    OK(vn_session_feed_random(s, 5, &e));
    OK(vn_session_run(s, &e));
    assert_int_equal(w.after, w.seen[vn_session_value(s, "x")]);
    vn_session_close(&s);
    vn_arena_free(&n.arena);
}

static void integers_are_the_reference_s(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        struct vn_err e;
        struct net n = new_integer_net();
        struct vn_session *s[2];
        static struct watcher w[2];
        int compared = 0;
        for (int k = 0; k < 2; k++) {
            s[k] = open_graph(n.g, k);
            w[k] = (struct watcher){ .s = s[k], .arena = n.arena };
            vn_session_observe(s[k], &(struct vn_observer){ .after = see_value, .user = &w[k] });
            OK(vn_session_feed_random(s[k], (uint64_t)round, &e));
            OK(vn_session_run(s[k], &e));
        }
        assert_int_equal(vn_session_values(s[0]), vn_session_values(s[1]));
        for (int i = 0; i < n.g->values.n; i++)
            if (w[0].integers[i] && w[1].integers[i]) {
                const size_t count = (size_t)vn_shape_count(&n.g->values.v[i]->shape);
                assert_memory_equal(w[0].integers[i], w[1].integers[i], count * sizeof(int64_t));
                compared++;
            }
        if (compared < 3)
            fail_msg("%d values compared", compared);
        vn_session_close(&s[0]);
        vn_session_close(&s[1]);
        vn_arena_free(&n.arena);
    }
}

/* ---- threads, memory, cancelling ---- */

#define THREADS 4
#define RUNS 20

struct thread {
    struct vn_session *s;
    unsigned char *bytes[RUNS]; /* first output of each run */
    int status;
};

static void *run_many(void *p)
{
    struct thread *t = p;
    struct vn_err e;
    struct vn_view v;
    for (int i = 0; i < RUNS && t->status == VN_OK; i++) {
        t->status = vn_session_feed_random(t->s, (uint64_t)i, &e);
        if (t->status == VN_OK)
            t->status = vn_session_run(t->s, &e);
        if (t->status == VN_OK)
            t->status = vn_session_output(t->s, 0, &v, &e);
        if (t->status == VN_OK)
            vn_view_copy(t->bytes[i], &v);
    }
    vn_session_close(&t->s); /* in another thread than it was opened in */
    return NULL;
}

static void threads_share_a_network(void **state)
{
    (void)state;
    for (int reference = 0; reference < 2; reference++) {
        struct vn_err e;
        struct net n = new_integer_net();
        struct thread t[THREADS] = { { .s = open_graph(n.g, reference) } };
        pthread_t id[THREADS];
        struct vn_options run;
        vn_options_default(&run);
        run.threads = 2;
        for (int k = 0; k < THREADS; k++) {
            if (k)
                OK(vn_session_share(&t[k].s, t[0].s, k % 2 ? &run : NULL, &e));
            for (int i = 0; i < RUNS; i++)
                t[k].bytes[i] = NEW_ARRAY(n.arena, unsigned char, COUNT * sizeof(float));
        }
        for (int k = 0; k < THREADS; k++)
            assert_int_equal(pthread_create(&id[k], NULL, run_many, &t[k]), 0);
        for (int k = 0; k < THREADS; k++) {
            pthread_join(id[k], NULL);
            assert_int_equal(t[k].status, VN_OK);
            for (int i = 0; i < RUNS; i++)
                assert_memory_equal(t[k].bytes[i], t[0].bytes[i], COUNT * sizeof(float));
        }
        vn_arena_free(&n.arena);
    }
}

/* The least limit with which `g` opens. */
static size_t least_limit(const struct graph *g, struct vn_session_options *o)
{
    struct vn_err e;
    struct vn_session *s;
    size_t lo = 0, hi = 1 << 24;
    while (hi - lo > 1) {
        o->memory_limit = (lo + hi) / 2;
        const int status = vn_session_open_graph(&s, g, NULL, o, &e);
        assert_true(status == VN_OK || status == VN_E_NOMEM);
        *(status == VN_OK ? &hi : &lo) = o->memory_limit;
        if (status == VN_E_NOMEM)
            assert_non_null(strstr(e.msg, "limit"));
        vn_session_close(&s);
    }
    return hi;
}

static void memory_is_limited(void **state)
{
    (void)state;
    struct vn_err e;
    struct net n = new_net();
    for (int reference = 0; reference < 2; reference++) {
        struct vn_session_options o;
        struct vn_session *s, *other;
        struct vn_session_state *saved;
        vn_session_options_default(&o);
        o.reference = reference;
        o.memory_limit = least_limit(n.g, &o);
        assert_true(o.memory_limit > COUNT * sizeof(float));
        OK(vn_session_open_graph(&s, n.g, NULL, &o, &e));
        run_random(s, 1, n.arena);
        assert_int_equal(vn_session_share(&other, s, NULL, &e),
                         VN_E_NOMEM); /* the network's limit, not the session's */
        if (!reference)
            assert_int_equal(vn_session_save(&saved, s, &e), VN_E_NOMEM);
        vn_session_close(&s);
        o.memory_limit *= 3;
        OK(vn_session_open_graph(&s, n.g, NULL, &o, &e));
        for (int i = 0; i < 20; i++) { /* what is closed counts no more */
            OK(vn_session_share(&other, s, NULL, &e));
            vn_session_close(&other);
            if (reference)
                continue;
            OK(vn_session_save(&saved, s, &e));
            vn_session_state_free(&saved);
        }
        vn_session_close(&s);
    }
    vn_arena_free(&n.arena);
}

static void cancel_in_the_middle(void *user, int value, const struct vn_view *v)
{
    (void)value, (void)v;
    *(volatile int *)user = 1;
}

static void a_run_can_be_cancelled(void **state)
{
    (void)state;
    struct vn_err e;
    struct net n = new_net();
    for (int reference = 0; reference < 2; reference++) {
        volatile int stop = 0;
        struct vn_session *s;
        struct vn_session_options o;
        struct vn_view v;
        vn_session_options_default(&o);
        o.reference = reference;
        vn_cancel_on(&stop);
        OK(vn_session_open_graph(&s, n.g, NULL, &o, &e));
        OK(vn_session_feed_random(s, 1, &e));
        stop = 1;
        assert_int_equal(vn_session_run(s, &e), VN_E_CANCELLED);
        stop = 0;
        OK(vn_session_run(s, &e));
        const struct results want = results_of(s, n.arena);
        vn_session_observe(
            s, &(struct vn_observer){ .after = cancel_in_the_middle, .user = (void *)(uintptr_t)&stop });
        assert_int_equal(vn_session_run(s, &e), VN_E_CANCELLED);
        assert_int_equal(vn_session_output(s, 0, &v, &e), VN_E_USAGE);
        stop = 0;
        vn_session_observe(s, NULL);
        OK(vn_session_run(s, &e));
        const struct results got = results_of(s, n.arena);
        same_results(&want, &got);
        vn_session_close(&s);
        vn_cancel_on(NULL);
    }
    vn_arena_free(&n.arena);
}

/* ---- in place ---- */

static void data_and_results_stay_where_they_are(void **state)
{
    (void)state;
    struct vn_err e;
    struct net n = new_integer_net();
    struct vn_session *s = open_graph(n.g, 0);
    const struct results want = run_random(s, 7, n.arena);
    int count;
    const struct vn_port *in = vn_session_inputs(s, &count);
    const float *x = vn_arena_copy(n.arena, vn_session_fed(s, 0)->data, COUNT * sizeof *x);
    float *y = NEW_ARRAY(n.arena, float, COUNT);
    OK(vn_session_lend_array(s, 0, VN_F32, in->rank, in->shape, NULL, x, &e));
    OK(vn_session_lend_output(s, 0, y, want.bytes[0], &e));
    OK(vn_session_run(s, &e));
    assert_memory_equal(y, want.data[0], want.bytes[0]);
    const struct results got = results_of(s, n.arena);
    same_results(&want, &got);
    memset(y, 0, want.bytes[0]);
    OK(vn_session_lend_output(s, 0, NULL, 0, &e));
    OK(vn_session_lend_bytes(s, 0, x, in->bytes, &e));
    OK(vn_session_run(s, &e));
    assert_true(y[0] == 0 && y[COUNT - 1] == 0);
    const struct results own = results_of(s, n.arena);
    same_results(&want, &own);
    OK(vn_session_lend_array(s, 0, VN_F32, 0, NULL, NULL, NULL, &e));
    assert_int_equal(vn_session_run(s, &e), VN_E_USAGE); /* nothing is fed */
    assert_int_equal(vn_session_lend_output(s, 0, y, 4, &e), VN_E_USAGE);
    assert_int_equal(vn_session_lend_output(s, 2, y, 4, &e), VN_E_USAGE);
    assert_int_equal(vn_session_lend_bytes(s, 0, x, 4, &e), VN_E_INPUT);
    assert_int_equal(vn_session_lend_bytes(s, 1, x, 4, &e), VN_E_USAGE);
    vn_session_close(&s);
    vn_arena_free(&n.arena);
}

/* ---- views ---- */

static void views_as_numbers(void **state)
{
    (void)state;
    const int8_t q[] = { 0, 10, 1, 11, 2, 12 }; /* 2 x 3, transposed in memory */
    const float scale[] = { 0.5f, 2 };
    const int32_t zero[] = { 0, 10 };
    struct vn_view v = { .dtype = VN_I8,
                         .rank = 2,
                         .shape = { 2, 3 },
                         .stride = { 1, 2 },
                         .data = q,
                         .bytes = 6,
                         .axis = 0,
                         .n_scale = 2,
                         .scale = scale,
                         .zero = zero };
    float real[6];
    int64_t integers[6];
    int8_t copy[6];
    assert_int_equal(vn_view_count(&v), 6);
    assert_true(!vn_view_is_plain(&v) && vn_view_is_dense(&v));
    vn_view_real(real, &v);
    vn_view_integers(integers, &v);
    vn_view_copy(copy, &v);
    for (int i = 0; i < 6; i++) {
        const int row = i / 3, stored = i % 3 + 10 * row;
        assert_true(integers[i] == stored && copy[i] == stored);
        assert_true(real[i] == (float)(stored - zero[row]) * scale[row]);
        assert_true(vn_view_at(&v, i) == (double)real[i]);
    }
    const struct vn_extremes x = vn_view_extremes(&v);
    assert_true(x.min == 0 && x.max == 12 && x.top == 5);
    v.stride[0] = 3;
    v.stride[1] = 1;
    assert_true(vn_view_is_plain(&v) && vn_view_is_dense(&v));
    v.stride[0] = 4;
    assert_true(!vn_view_is_plain(&v) && !vn_view_is_dense(&v));
    v.shape[0] = 0;
    assert_int_equal(vn_view_count(&v), 0);
    assert_true(vn_view_extremes(&v).max == 0);
    assert_int_equal(vn_view_format_find("txt"), VN_FORMAT_TXT);
    assert_int_equal(vn_view_format_find("png"), -1);
}

static void histograms_take_any_order(void **state)
{
    (void)state;
    struct histogram *plain = calloc(1, sizeof *plain), *view = calloc(1, sizeof *view),
                     *gaps = calloc(1, sizeof *gaps);
    float x[24], spread[48];
    for (int i = 0; i < 24; i++)
        x[i] = spread[2 * i] = unit_real(3);
    for (int i = 0; i < 24; i++)
        spread[2 * i + 1] = NAN;
    assert_int_equal(vn_histogram_add(plain, x, 24), VN_OK);
    struct vn_view v = {
        .dtype = VN_F32, .rank = 3, .shape = { 2, 3, 4 }, .stride = { 12, 1, 3 }, .data = x, .axis = -1
    };
    assert_int_equal(vn_histogram_add_view(view, &v, vn_histogram_add), VN_OK);
    assert_memory_equal(plain, view, sizeof *plain);
    const struct vn_view w = {
        .dtype = VN_F32, .rank = 1, .shape = { 24 }, .stride = { 2 }, .data = spread, .axis = -1
    };
    assert_int_equal(vn_histogram_add_view(gaps, &w, vn_histogram_add), VN_OK);
    assert_memory_equal(plain, gaps, sizeof *plain);
    free(plain);
    free(view);
    free(gaps);
}

/* ---- whole jobs ---- */

static void outputs_of_many_files(void **state)
{
    (void)state;
    struct vn_err e;
    struct net n = new_net();
    struct vn_session *s = open_graph(n.g, 0);
    const char *in = unit_folder(n.arena), *out = vn_path_join(n.arena, unit_folder(n.arena), "made");
    const char *name = vn_arena_fmt(n.arena, "%s.npy", vn_session_outputs(s, &(int){ 0 })[0].name);
    float x[3][COUNT];
    int found;
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < COUNT; k++)
            x[i][k] = unit_real(1);
        OK(vn_file_write(vn_path_join(n.arena, in, vn_arena_fmt(n.arena, "%d.bin", i)), x[i], sizeof x[i],
                         &e));
    }
    OK(vn_session_run_folders(s, &in, 1, &found, out, VN_FORMAT_NPY, &e));
    assert_int_equal(found, 3);
    struct vn_tensor *all;
    OK(vn_npy_read(&all, n.arena, vn_path_join(n.arena, out, name), &e));
    assert_true(all->shape.d[0] == 3 && all->shape.d[1] == 8);
    for (int i = 0; i < 3; i++) {
        struct vn_view v;
        OK(vn_session_feed_bytes(s, 0, x[i], sizeof x[i], &e));
        OK(vn_session_run(s, &e));
        OK(vn_session_output(s, 0, &v, &e));
        assert_memory_equal((char *)all->data + (size_t)i * v.bytes, v.data, v.bytes);
    }
    assert_true(vn_file_exists(vn_path_join(n.arena, out, "files.txt")));
    OK(vn_session_write_outputs(s, out, VN_FORMAT_TXT, &e));
    OK(vn_session_dump(s, vn_path_join(n.arena, out, "tensors"), 0, &e));
    assert_true(vn_file_exists(vn_path_join(n.arena, out, vn_arena_fmt(n.arena, "tensors/%s", name))));
    uint64_t ns[] = { 0, 0, 0, 1u << 31 };
    OK(vn_session_time(s, 3, ns, &e));
    assert_true(ns[0] > 0 && ns[1] > 0 && ns[2] > 0 && ns[3] == 1u << 31);
    assert_int_equal(vn_session_time(s, 0, ns, &e), VN_E_USAGE);
    vn_session_close(&s);
    vn_arena_free(&n.arena);
}

static const struct vn_image_kernels *image_kernels_of(const struct vn_options *run)
{
    struct vn_session_options o;
    struct vn_session *s;
    struct vn_err e;
    vn_session_options_default(&o);
    if (run)
        o.run = *run;
    assert_true(vn_session_open(&s, "none.bin", run ? &o : NULL, &e) < 0);
    return vn_image_kernels_chosen();
}

static void features_limit_images_too(void **state)
{
    (void)state;
    struct vn_options c = { .threads = 1 };
    assert_int_equal(vn_cpu_find(&c.cpumask, "c"), VN_OK);
    assert_ptr_equal(image_kernels_of(&c), vn_image_kernels_for(0));
    assert_ptr_equal(image_kernels_of(NULL), vn_image_kernels_for(vn_cpu_detect()));
}

static void words_for_features(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        uint32_t mask;
    } cases[] = {
        { "all", ~0u }, { "c", 0 }, { "avx2", VN_CPU_AVX2 }, { "dotprod", VN_CPU_NEON | VN_CPU_DOTPROD }
    };
    uint32_t mask = 1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(vn_cpu_find(&mask, cases[i].word), VN_OK);
        assert_int_equal(mask, cases[i].mask);
    }
    assert_int_equal(vn_cpu_find(&mask, "AVX2"), VN_E_USAGE);
    assert_int_equal(vn_cpu_find(&mask, ""), VN_E_USAGE);
    assert_int_equal(mask, VN_CPU_NEON | VN_CPU_DOTPROD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_for_features),
        cmocka_unit_test(features_limit_images_too),
        cmocka_unit_test(every_artefact_computes_the_same),
        cmocka_unit_test(a_caffe_network_opens),
        cmocka_unit_test(what_a_session_says),
        cmocka_unit_test(arrays_with_strides_and_files),
        cmocka_unit_test(images),
        cmocka_unit_test(wrong_data_are_refused),
        cmocka_unit_test(parts_give_the_whole),
        cmocka_unit_test(chosen_values_are_shown),
        cmocka_unit_test(integers_are_the_reference_s),
        cmocka_unit_test(threads_share_a_network),
        cmocka_unit_test(memory_is_limited),
        cmocka_unit_test(a_run_can_be_cancelled),
        cmocka_unit_test(data_and_results_stay_where_they_are),
        cmocka_unit_test(views_as_numbers),
        cmocka_unit_test(histograms_take_any_order),
        cmocka_unit_test(outputs_of_many_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
