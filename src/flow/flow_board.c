/* What a device has saved, against the quantized network on the same inputs. */
#include <math.h>

#include "base/shell.h"
#include "flow/compare_side.h"
#include "flow/flow_compared.h"
#include "flow/flow_job.h"
#include "graph/graph.h"

#define BOARD_COSINE 0.999 /* another program of the same quantized network */
#define BOARD_DB 25.0 /* a wrong scale keeps the cosine */

/* The first output, or tensor, that is not what the quantized network computes; NULL: all are. */
static const struct vn_compared *board_differs(const struct vn_comparison *c, int all)
{
    const struct vn_compared *cosine = vn_first_below(c, VN_COMPARE_COSINE, BOARD_COSINE, all),
                             *size = vn_first_below(c, VN_COMPARE_SQNR, BOARD_DB, all);
    return !cosine || (size && size < cosine) ? size : cosine; /* rows of one array */
}

/* ---- the range of luma ---- */

#define VIDEO_LOW 16.0
#define VIDEO_HIGH 235.0
#define TOUCHES 1.0 /* all lies within, and reaches both ends this closely */
#define BEYOND 0.01 /* share of elements that no video range has */

struct luma {
    double lo, hi;
    int64_t n, beyond; /* video range */
};

/* The first plane: bytes, or pixel - 128 where something is negative. */
static void add_luma(struct luma *y, const struct vn_tensor *t, int64_t plane)
{
    const int64_t all = vn_shape_count(&t->shape), n = plane < all ? plane : all;
    double off = 0;
    for (int64_t i = 0; i < all && !off; i++)
        off = vn_tensor_f64(t, i) < 0 ? 128 : 0;
    for (int64_t i = 0; i < n; i++) {
        const double x = vn_tensor_f64(t, i) + off;
        y->lo = y->n ? fmin(y->lo, x) : x;
        y->hi = y->n ? fmax(y->hi, x) : x;
        y->beyond += x < VIDEO_LOW - TOUCHES || x > VIDEO_HIGH + TOUCHES;
        y->n++;
    }
}

static int is_video(const struct luma *y)
{
    return y->n && fabs(y->lo - VIDEO_LOW) <= TOUCHES && fabs(y->hi - VIDEO_HIGH) <= TOUCHES;
}

static int contradicts(struct flow_job *j, struct vn_flow_step *s, const struct luma *y, int input)
{
    const int video = j->config->inputs[input].range == RANGE_BT601_VIDEO;
    const char *name = vn_arena_str(j->arena, vn_session_graph(j->original)->inputs.v[input]->name);
    if (video ? !((double)y->beyond > BEYOND * (double)y->n) : !is_video(y))
        return 0;
    j->setting = video ? "input_space_and_range=regular" : "input_space_and_range=bt601_video";
    vn_flow_failed(j, s, "value_range", name,
                   "input %s: luma of the device's dumps is in %.4g..%.4g, which is %s range, but "
                   "input_space_and_range is %s",
                   name, y->lo, y->hi, video ? "full" : "video",
                   video ? "bt601_video" : "regular (full range)");
    return 1;
}

static int reads_yuv(const struct input_config *in, const struct value *v)
{
    return (in->type_rt == VN_IN_NV12 || in->type_rt == VN_IN_YUV444) && v->shape.rank == 4;
}

static struct luma luma_of(const struct compare_side *dumps, const struct value *v)
{
    struct luma y = { 0 };
    for (int k = 0; k < dumps->t.samples; k++)
        for (int t = 0; t < dumps->t.n; t++)
            if (dumps->t.sample[k].t[t] && !strcmp(dumps->t.stage[t], v->name))
                add_luma(&y, dumps->t.sample[k].t[t], vn_shape_count(&v->shape) / 3);
    return y;
}

static int read_dumps(struct compare_side *dumps, struct flow_job *j, struct vn_err *e)
{
    struct compare_side network;
    struct vn_compare_options o;
    unsigned char none = 0;
    vn_compare_options_default(&o);
    TRY(vn_compare_side_open(&network, j->work, j->product[QUANTIZED], &o, &none, e));
    return vn_compare_side_read(dumps, j->work, j->o->dumps, &network, &o, e);
}

/* Sets s where an input's luma has another range than the configuration says. */
static int judge_range(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e)
{
    const struct graph *g = vn_session_graph(j->original);
    struct compare_side dumps = { 0 };
    for (int i = 0; i < g->inputs.n; i++) {
        const struct input_config *in = &j->config->inputs[i];
        if (!reads_yuv(in, g->inputs.v[i]))
            continue;
        if (!dumps.path)
            TRY(read_dumps(&dumps, j, e));
        const struct luma y = luma_of(&dumps, g->inputs.v[i]);
        if (contradicts(j, s, &y, i))
            return VN_OK;
    }
    return VN_OK;
}

/* ---- the step ---- */

static int is_input(const struct flow_job *j, const char *name)
{
    const struct graph *g = vn_session_graph(j->original);
    for (int i = 0; i < g->inputs.n; i++)
        if (!strcmp(g->inputs.v[i]->name, name))
            return 1;
    return 0;
}

/* Is there more than what goes in? */
static int has_results(const struct flow_job *j, const struct vn_comparison *c)
{
    int n, results = 0;
    const struct vn_compared *r = vn_comparison_rows(c, &n);
    for (int i = 0; i < n; i++)
        results += !is_input(j, r[i].name);
    return results > 0;
}

static int no_tensor(struct flow_job *j, struct vn_flow_step *s)
{
    vn_flow_failed(j, s, "no_tensor", NULL,
                   "%s has inputs, but no other tensor of the network: dump its outputs or layers, too",
                   j->o->dumps);
    s->failure.next_command =
        vn_arena_fmt(j->arena, "vernier info %s", vn_shell_word(j->arena, j->product[PROGRAM]));
    return VN_OK;
}

static int judge_dumps(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e)
{
    struct vn_compare_options o;
    struct vn_comparison *c;
    vn_compare_options_default(&o);
    o.left = j->product[QUANTIZED];
    o.right = j->o->dumps;
    o.with.run = j->o->run;
    TRY(vn_compare(&c, &o, e));
    const int layers = !vn_worst_output(c), results = has_results(j, c); /* hrt_bin_dump saves no outputs */
    const struct vn_compared *bad = board_differs(c, layers), *first = bad ? board_differs(c, 1) : NULL;
    const struct vn_compared *worst = vn_worst_of(c, layers);
    const char *text = vn_compared_text(j->arena, bad ? bad : worst),
               *node = first ? vn_flow_node_of(j, j->product[QUANTIZED], first->name) : NULL;
    vn_comparison_free(&c);
    if (!results)
        return no_tensor(j, s);
    if (!bad && layers)
        return vn_flow_passed(j, s, "%s has no output; of its layers, the worst is %s", j->o->dumps, text);
    if (!bad)
        return vn_flow_passed(j, s, "%s", text);
    vn_flow_failed(j, s, "board_differs", node, "%s; expected a cosine of at least %g and %g dB", text,
                   BOARD_COSINE, BOARD_DB);
    s->failure.next_command =
        vn_arena_fmt(j->arena, "vernier compare %s %s --sort order --all",
                     vn_shell_word(j->arena, j->product[QUANTIZED]), vn_shell_word(j->arena, j->o->dumps));
    return VN_OK;
}

int vn_flow_board(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e)
{
    if (!j->o->dumps)
        return vn_flow_skipped(
            j, s,
            "no --dumps: run the program on the board, save its inputs and outputs, and pass their folder");
    TRY(vn_flow_open_samples(j, e));
    TRY(judge_range(j, s, e));
    return s->state == VN_FLOW_FAIL ? VN_OK : judge_dumps(j, s, e);
}
