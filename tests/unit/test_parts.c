/* Calibration, comparison and evaluation in parts: joined in any order, they give what the whole gives. */
#include "base/file.h"
#include "calib/calib.h"
#include "eval/evaluate.h"
#include "front/onnx/onnx.h"
#include "inspect/inspect.h"
#include "net.h"
#include "quant/quant.h"
#include "tensor/npy.h"

static void shuffle_order(int *v, int n)
{
    for (int i = 0; i < n; i++)
        v[i] = i;
    for (int i = n - 1; i > 0; i--) {
        const int k = unit_pick(0, i), t = v[i];
        v[i] = v[k];
        v[k] = t;
    }
}

static const int divisions[] = { 1, 2, 3, 7 };

static struct value *conv(struct net *n, struct value *x, const char *weight, const char *bias)
{
    struct value *w = net_const(n, weight, -0.5f, 0.5f), *b = net_const(n, bias, -1, 1);
    return net_op(n, &vn_op_conv, NET_LIST(x, w, b));
}

/* Two convolutions, six outputs. */
static struct net small_net(void)
{
    struct net n = net_new();
    struct value *x = net_input(&n, "x", "1x3x6x6");
    struct value *y = net_op(&n, &vn_op_relu, NET_LIST(conv(&n, x, "8x3x3x3", "8")));
    net_output(&n, conv(&n, y, "6x8x4x4", "6"));
    net_prepare(&n);
    return n;
}

/* ---- calibration ---- */

#define SAMPLES 12

struct calibrated_net {
    struct net n;
    struct vn_samples *samples;
    struct vn_calibrate_options o;
    const char *folder;
};

static struct calibrated_net net_to_calibrate(void)
{
    struct vn_err e;
    unit_seed = 9;
    struct calibrated_net c = { .n = small_net() };
    struct config *cfg = NEW(c.n.arena, struct config);
    cfg->n_inputs = 1;
    cfg->inputs = NEW(c.n.arena, struct input_config);
    cfg->inputs[0].name = "x";
    c.folder = unit_folder(c.n.arena);
    vn_calibrate_options_default(&c.o);
    OK(vn_samples_random(&c.samples, c.n.arena, cfg, c.n.g, SAMPLES, &e));
    return c;
}

static void end_net(struct calibrated_net *c)
{
    assert_int_equal(system(vn_arena_fmt(c->n.arena, "rm -r '%s'", c->folder)), 0);
    vn_arena_free(&c->n.arena);
}

static const char *part_file(struct calibrated_net *c, int i)
{
    return vn_path_join(c->n.arena, c->folder, vn_arena_fmt(c->n.arena, "part%d.vnr", i));
}

/* Ranges from n parts, each through a file, in a random order. */
static struct vn_ranges *ranges_of_parts(struct calibrated_net *c, int n)
{
    struct vn_err e;
    struct vn_ranges *r;
    int order[7];
    const char *files[7];
    shuffle_order(order, n);
    for (int i = 0; i < n; i++) {
        c->o.part = (struct vn_shard){ order[i], n };
        OK(vn_calibrate(&r, c->n.arena, c->n.g, c->samples, &c->o, &e));
        OK(vn_result_write(r->result, files[i] = part_file(c, i), &e));
    }
    c->o.part = (struct vn_shard){ 0 };
    OK(vn_calibrate_join(&r, c->n.arena, c->n.g, c->samples, &c->o, n, files, &e));
    return r;
}

static void same_results(struct vn_arena *a, const struct vn_result *r, const struct vn_result *other)
{
    struct vn_err e;
    const uint8_t *x, *y;
    size_t n, m;
    OK(vn_result_bytes(&x, &n, a, r, &e));
    OK(vn_result_bytes(&y, &m, a, other, &e));
    assert_int_equal(n, m);
    assert_memory_equal(x, y, n);
}

static void same_ranges(const struct vn_ranges *x, const struct vn_ranges *y)
{
    int seen = 0, means = 0;
    assert_int_equal(x->n, y->n);
    for (int i = 0; i < x->n; i++) {
        assert_true(!x->of[i] == !y->of[i] && !x->means[i] == !y->means[i]);
        if (x->of[i])
            assert_memory_equal(x->of[i], y->of[i], sizeof *x->of[i]);
        seen += x->of[i] != NULL;
        if (!x->means[i])
            continue;
        assert_true(x->means[i]->n == y->means[i]->n && x->means[i]->count &&
                    x->means[i]->count == y->means[i]->count);
        assert_memory_equal(x->means[i]->sum, y->means[i]->sum, (size_t)x->means[i]->n * sizeof(double));
        means++;
    }
    assert_true(seen >= 3 && means == 2);
}

/* A copy of the network, quantized with these ranges; one that corrects biases by the means. */
static struct graph *quantized_with(struct calibrated_net *c, const struct vn_ranges *r)
{
    struct vn_err e;
    struct target *target = NEW(c->n.arena, struct target);
    struct graph *g = vn_graph_clone(c->n.arena, c->n.g);
    OK(vn_target_read(target, c->n.arena, "generic", &e));
    const struct vn_quant_options o = { .method = { vn_calibrator_find("max-percentile"), 0.9999,
                                                    ZERO_POINTS_ASYMMETRIC, 1 },
                                        .target = target };
    OK(vn_quantize_annotate(g, r, &o, &e));
    OK(vn_quantize_store(g, &e));
    return g;
}

static struct words {
    const uint8_t *v;
    size_t n;
} artefact(struct calibrated_net *c, const struct graph *g)
{
    struct vn_err e;
    struct words w;
    OK(vn_onnx_write_memory(&w.v, &w.n, c->n.arena, g, NULL, &e));
    return w;
}

static void calibrate_in_parts(int bins)
{
    struct vn_err e;
    struct calibrated_net c = net_to_calibrate();
    struct vn_ranges *whole;
    c.o.bins = bins;
    OK(vn_calibrate(&whole, c.n.arena, c.n.g, c.samples, &c.o, &e));
    const struct words expected = artefact(&c, quantized_with(&c, whole));
    for (size_t i = 0; i < sizeof divisions / sizeof *divisions; i++) {
        struct vn_ranges *r = ranges_of_parts(&c, divisions[i]);
        same_ranges(r, whole);
        same_results(c.n.arena, r->result, whole->result);
        const struct words got = artefact(&c, quantized_with(&c, r));
        assert_int_equal(got.n, expected.n);
        assert_memory_equal(got.v, expected.v, got.n);
    }
    end_net(&c);
}

static void calibration_in_parts(void **state)
{
    (void)state;
    calibrate_in_parts(1);
    calibrate_in_parts(0);
}

/* The largest magnitude needs no bins; ranges without them are no part of a job that has them. */
static void bins_are_not_needed(void **state)
{
    (void)state;
    struct vn_err e = { 0 };
    struct calibrated_net c = net_to_calibrate();
    struct vn_ranges *full, *plain, *r;
    const char *file = part_file(&c, 0);
    OK(vn_calibrate(&full, c.n.arena, c.n.g, c.samples, &c.o, &e));
    c.o.bins = 0;
    OK(vn_calibrate(&plain, c.n.arena, c.n.g, c.samples, &c.o, &e));
    const struct words expected = artefact(&c, quantized_with(&c, full)),
                       got = artefact(&c, quantized_with(&c, plain));
    assert_int_equal(got.n, expected.n);
    assert_memory_equal(got.v, expected.v, got.n);
    OK(vn_result_write(plain->result, file, &e));
    OK(vn_calibrate_join(&r, c.n.arena, c.n.g, c.samples, &c.o, 1, &file, &e));
    c.o.bins = 1;
    assert_int_equal(vn_calibrate_join(&r, c.n.arena, c.n.g, c.samples, &c.o, 1, &file, &e), VN_E_INPUT);
    end_net(&c);
}

/* Without bias correction nobody asks for means. */
static void means_are_not_needed(void **state)
{
    (void)state;
    struct vn_err e = { 0 };
    struct calibrated_net c = net_to_calibrate();
    struct vn_ranges *full, *plain, *r;
    const char *file = part_file(&c, 0);
    int counted = 0;
    OK(vn_calibrate(&full, c.n.arena, c.n.g, c.samples, &c.o, &e));
    c.o.means = 0;
    OK(vn_calibrate(&plain, c.n.arena, c.n.g, c.samples, &c.o, &e));
    for (int i = 0; i < full->n; i++) {
        counted += full->means[i] && full->means[i]->count;
        assert_true(!plain->means[i] || !plain->means[i]->count);
        assert_true(!full->of[i] == !plain->of[i]);
        if (full->of[i])
            assert_memory_equal(full->of[i], plain->of[i], sizeof *full->of[i]);
    }
    assert_true(counted > 0);
    OK(vn_result_write(plain->result, file, &e));
    c.o.means = 1;
    assert_int_equal(vn_calibrate_join(&r, c.n.arena, c.n.g, c.samples, &c.o, 1, &file, &e), VN_E_INPUT);
    end_net(&c);
}

static void expect_calibration(struct calibrated_net *c, int n, const char *const *files, const char *text)
{
    struct vn_err e = { 0 };
    struct vn_ranges *r;
    assert_int_equal(vn_calibrate_join(&r, c->n.arena, c->n.g, c->samples, &c->o, n, files, &e), VN_E_INPUT);
    if (!strstr(e.msg, text))
        fail_msg("expected '%s', got '%s'", text, e.msg);
}

static void parts_that_do_not_join(void **state)
{
    (void)state;
    struct vn_err e;
    struct calibrated_net c = net_to_calibrate(), other = net_to_calibrate();
    ranges_of_parts(&c, 3);
    const char *files[] = { part_file(&c, 0), part_file(&c, 1), part_file(&c, 1), part_file(&c, 2) };
    expect_calibration(&c, 2, files, " of 12 is missing in all 2 files");
    expect_calibration(&c, 4, files, "part1.vnr: samples samples: sample ");
    ((float *)other.n.g->nodes.v[0]->in[1]->data->data)[0] += 1; /* one weight */
    expect_calibration(&other, 1, files, "part0.vnr: network has hash ");
    struct vn_ranges *r;
    c.o.part = (struct vn_shard){ 3, 3 };
    assert_int_equal(vn_calibrate(&r, c.n.arena, c.n.g, c.samples, &c.o, &e), VN_E_USAGE);
    end_net(&c);
    end_net(&other);
}

/* ---- comparison ---- */

static struct comparison *comparison_of_parts(struct calibrated_net *c, const struct graph *q,
                                              struct compare_options o, int n)
{
    struct vn_err e;
    struct comparison *r;
    int order[7];
    const char *files[7];
    shuffle_order(order, n);
    for (int i = 0; i < n; i++) {
        o.part = (struct vn_shard){ order[i], n };
        OK(vn_compare_graphs(&r, c->n.arena, c->n.g, q, c->samples, &o, &e));
        OK(vn_result_write(r->result, files[i] = part_file(c, i), &e));
    }
    OK(vn_compare_join(&r, c->n.arena, c->n.g, q, c->samples, &o, n, files, &e));
    return r;
}

static void comparison_in_parts(void **state)
{
    (void)state;
    struct vn_err e;
    struct calibrated_net c = net_to_calibrate();
    struct vn_ranges *ranges;
    struct comparison *whole;
    struct compare_options o = { .run = c.o.run, .limit = SAMPLES - 2 };
    OK(vn_calibrate(&ranges, c.n.arena, c.n.g, c.samples, &c.o, &e));
    const struct graph *q = quantized_with(&c, ranges);
    OK(vn_compare_graphs(&whole, c.n.arena, c.n.g, q, c.samples, &o, &e));
    const struct node_similarity *out = &whole->of[q->outputs.v[0]->id];
    assert_true(out->samples == SAMPLES - 2 && out->min > 0.9 && out->min <= out->mean && out->mean < 1);
    assert_true(out->worst < SAMPLES - 2 && out->first.n == 6 && out->first.cosine >= out->min);
    for (size_t i = 0; i < sizeof divisions / sizeof *divisions; i++) {
        const struct comparison *r = comparison_of_parts(&c, q, o, divisions[i]);
        same_results(c.n.arena, r->result, whole->result);
        assert_memory_equal(r->of, whole->of, (size_t)whole->n * sizeof *whole->of);
    }
    end_net(&c);
}

/* ---- folds ---- */

/* Ranges of all folds but one are those of the other samples. */
static void folds_without_one(void **state)
{
    (void)state;
    struct vn_err e;
    struct calibrated_net c = net_to_calibrate();
    struct vn_folds f;
    struct vn_ranges *r, *expected;
    int of[SAMPLES];
    for (int i = 0; i < SAMPLES; i++)
        of[i] = i % 3;
    OK(vn_calibrate_folds(&f, c.n.arena, c.n.g, c.samples, &c.o, 3, of, &e));
    OK(vn_folds_join(&r, c.n.arena, c.n.g, &f, -1, &e));
    OK(vn_calibrate(&expected, c.n.arena, c.n.g, c.samples, &c.o, &e));
    same_ranges(r, expected);
    same_results(c.n.arena, r->result, expected->result);
    for (int i = 0; i < SAMPLES; i++)
        of[i] = i % 2;
    OK(vn_calibrate_folds(&f, c.n.arena, c.n.g, c.samples, &c.o, 2, of, &e));
    OK(vn_folds_join(&r, c.n.arena, c.n.g, &f, 1, &e));
    c.o.part = (struct vn_shard){ 0, 2 };
    OK(vn_calibrate(&expected, c.n.arena, c.n.g, c.samples, &c.o, &e));
    same_ranges(r, expected);
    same_results(c.n.arena, r->result, expected->result);
    end_net(&c);
}

/* ---- evaluation ---- */

#define IMAGES 23

struct job {
    struct vn_arena *arena;
    const char *folder, *images;
    struct evaluate_options o;
};

static const char *in_folder(const struct job *j, const char *name)
{
    return vn_path_join(j->arena, j->folder, name);
}

static const char *write_model(struct job *j, const char *name)
{
    struct vn_err e;
    struct net n = small_net();
    const char *path = in_folder(j, name);
    const struct vn_onnx_write_options o = { 0 };
    OK(vn_onnx_write(n.g, path, &o, &e));
    vn_arena_free(&n.arena);
    return path;
}

static void write_images(struct job *j)
{
    struct vn_err e;
    const struct vn_shape s = net_shape("1x3x6x6");
    struct vn_tensor *t = vn_tensor_new(j->arena, VN_F32, &s);
    char *labels = vn_arena_str(j->arena, "");
    OK(vn_dir_make(j->images, &e));
    for (int i = 0; i < IMAGES; i++) {
        const char *name = vn_arena_fmt(j->arena, "%02d.npy", i);
        for (int64_t k = 0; k < vn_shape_count(&s); k++)
            ((float *)t->data)[k] = unit_real(2);
        OK(vn_npy_write(vn_path_join(j->arena, j->images, name), t, &e));
        labels = vn_arena_fmt(j->arena, "%s%s %d\n", labels, name, unit_pick(0, 5));
    }
    OK(vn_file_write(in_folder(j, "labels.txt"), labels, strlen(labels), &e));
}

static struct job new_job(void)
{
    unit_seed = 4;
    struct job j = { .arena = vn_arena_new() };
    j.folder = unit_folder(j.arena);
    j.images = in_folder(&j, "images");
    write_images(&j);
    vn_options_default(&j.o.run);
    vn_eval_task_default(&j.o.task);
    j.o.task.metric = "top_k";
    j.o.task.k = "1 3";
    j.o.task.images = j.images;
    j.o.task.labels = in_folder(&j, "labels.txt");
    j.o.task.bootstrap = 40;
    j.o.run.threads = 2;
    j.o.n_models = 2;
    j.o.models = NEW_ARRAY(j.arena, const char *, 2);
    j.o.models[0] = write_model(&j, "one.onnx");
    j.o.models[1] = write_model(&j, "two.onnx");
    return j;
}

static void end_job(struct job *j)
{
    assert_int_equal(system(vn_arena_fmt(j->arena, "rm -r '%s'", j->folder)), 0);
    vn_arena_free(&j->arena);
}

static void same_numbers(const double *x, const double *y, int n)
{
    assert_memory_equal(x, y, (size_t)n * sizeof *x);
}

static void same_evaluation(const struct evaluation *x, const struct evaluation *y)
{
    const int n = x->eval->n_scores;
    assert_true(n == 2 && x->n_models == 2 && y->n_models == 2 && x->n_outputs == 1);
    for (int m = 0; m < 2; m++)
        same_numbers(x->models[m].score, y->models[m].score, n);
    same_numbers(x->models[1].low, y->models[1].low, n);
    same_numbers(x->models[1].high, y->models[1].high, n);
    const struct output_likeness *p = x->models[1].outputs, *q = y->models[1].outputs;
    const double left[] = { p->cosine_mean, p->cosine_min, p->sqnr, p->max };
    const double right[] = { q->cosine_mean, q->cosine_min, q->sqnr, q->max };
    same_numbers(left, right, 4);
}

static void same_files(struct vn_arena *a, const char *one, const char *two)
{
    struct vn_err e;
    const uint8_t *x, *y;
    size_t n, m;
    OK(vn_file_map(a, one, &x, &n, &e));
    OK(vn_file_map(a, two, &y, &m, &e));
    assert_int_equal(n, m);
    assert_memory_equal(x, y, n);
}

/* Files of n parts, in a random order. */
static const char **run_parts(struct job *j, int n)
{
    struct vn_err e;
    int order[7];
    const char **files = NEW_ARRAY(j->arena, const char *, n);
    shuffle_order(order, n);
    for (int i = 0; i < n; i++) {
        const struct vn_shard part = { order[i], n };
        j->o.state = files[i] = in_folder(j, vn_arena_fmt(j->arena, "part%d_%d.txt", order[i], n));
        OK(vn_evaluate_part(&j->o, &part, &e));
    }
    return files;
}

static void evaluation_in_parts(void **state)
{
    (void)state;
    struct vn_err e;
    struct job j = new_job();
    struct evaluation *whole, *joined;
    const char *state_of_whole = j.o.state = in_folder(&j, "whole.txt");
    OK(vn_evaluate(&whole, j.arena, &j.o, &e));
    for (size_t i = 0; i < sizeof divisions / sizeof *divisions; i++) {
        const char **files = run_parts(&j, divisions[i]);
        j.o.state = in_folder(&j, "joined.txt");
        OK(vn_evaluate_join(j.o.state, divisions[i], files, &e));
        same_files(j.arena, j.o.state, state_of_whole);
        OK(vn_evaluate(&joined, j.arena, &j.o, &e));
        assert_int_equal(joined->resumed, IMAGES);
        same_evaluation(joined, whole);
    }
    end_job(&j);
}

static void expect_join(struct job *j, int status, const char *text, const char *other, const char *content)
{
    struct vn_err e = { 0 };
    const char *parts[] = { in_folder(j, "part0_2.txt"), in_folder(j, other) };
    if (content)
        OK(vn_file_write(parts[1], content, strlen(content), &e));
    assert_int_equal(vn_evaluate_join(in_folder(j, "joined.txt"), 2, parts, &e), status);
    if (!strstr(e.msg, text))
        fail_msg("expected '%s', got '%s'", text, e.msg);
}

static void files_that_do_not_join(void **state)
{
    (void)state;
    struct vn_err e;
    struct job j = new_job();
    run_parts(&j, 2);
    const uint8_t *data;
    size_t bytes;
    OK(vn_file_map(j.arena, in_folder(&j, "part0_2.txt"), &data, &bytes, &e));
    const char *part = vn_arena_strn(j.arena, (const char *)data, bytes), *line = strchr(part, '\n') + 1;
    const char *head = vn_arena_strn(j.arena, part, (size_t)(line - part));
    expect_join(&j, VN_OK, "", "part0_2.txt", NULL); /* equal results are one */
    expect_join(&j, VN_OK, "", "cut.txt", vn_arena_fmt(j.arena, "%s1 2 3", head));
    expect_join(&j, VN_E_INPUT, "x.txt: not a file of an evaluation's results", "x.txt", "something else\n");
    expect_join(&j, VN_E_INPUT, "x.txt:1: damaged", "x.txt", "vernier-eval 1 12345678901234-6\n");
    expect_join(&j, VN_E_INPUT,
                "x.txt: set of models, samples, labels and settings has hash 1234567890123456, expected",
                "x.txt", "vernier-eval 1 1234567890123456\n");
    expect_join(&j, VN_E_INPUT, "x.txt:3: damaged: expected the result of a sample", "x.txt",
                vn_arena_fmt(j.arena, "%s1 2\n3 4 x\n", head));
    expect_join(&j, VN_E_INPUT, "records samples: sample 0 has different values in both", "x.txt",
                vn_arena_fmt(j.arena, "%s0 7\n", head));
    const struct vn_shard bad = { 2, 2 };
    assert_int_equal(vn_evaluate_part(&j.o, &bad, &e), VN_E_USAGE);
    j.o.state = NULL;
    assert_int_equal(vn_evaluate_part(&j.o, &(struct vn_shard){ 0, 2 }, &e), VN_E_USAGE);
    end_job(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calibration_in_parts),   cmocka_unit_test(bins_are_not_needed),
        cmocka_unit_test(parts_that_do_not_join), cmocka_unit_test(comparison_in_parts),
        cmocka_unit_test(evaluation_in_parts),    cmocka_unit_test(files_that_do_not_join),
        cmocka_unit_test(folds_without_one),      cmocka_unit_test(means_are_not_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
