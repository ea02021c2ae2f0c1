/* The detection output operator as a model-local function with a body of standard operators. Sizes and
 * settings are part of the body, so each different node has a function of its own.
 *
 * Candidates are the best top_k boxes of each class of each image; each class of each image is one batch
 * of NonMaxSuppression. What it keeps is marked in a table of candidates, so that every shape is fixed:
 * the best keep_top_k of an image are then picked from that table, and picked again in the table's order,
 * which goes by class and then by score. */
#include "front/onnx/write.h"

#define LOWEST (-3.4e38f)

struct body {
    struct vn_arena *arena;
    struct onnx_function *f;
};

static void add_all(const struct body *b, struct onnx_node *n, const char *names,
                    void (*put)(struct vn_arena *, struct onnx_node *, const char *))
{
    for (const char *p = names; *p; p += strspn(p, " ")) {
        const size_t len = strcspn(p, " ");
        put(b->arena, n, vn_arena_strn(b->arena, p, len));
        p += len;
    }
}

/* outs = op(ins); names with spaces between. */
static struct onnx_node *call(const struct body *b, const char *outs, const char *op, const char *ins)
{
    struct onnx_node *n = vn_onnx_put_node(b->arena, &b->f->nodes,
                                           vn_arena_fmt(b->arena, "%s_%d", op, b->f->nodes.n), op, NULL);
    add_all(b, n, ins, vn_onnx_put_in);
    add_all(b, n, outs, vn_onnx_put_out);
    return n;
}

static void axis(const struct body *b, struct onnx_node *n, int64_t x)
{
    vn_onnx_add_int(b->arena, n, "axis", x);
}

static void integers(const struct body *b, const char *out, int n, const int64_t *x)
{
    vn_onnx_add_ints(b->arena, call(b, out, "Constant", ""), "value_ints", n, x);
}
/* Lists of one: what broadcasts, and is written where it is zero, too. */
static void integer(const struct body *b, const char *out, int64_t x) { integers(b, out, 1, &x); }
static void number(const struct body *b, const char *out, float x)
{
    *(float *)vn_wire_append(
        b->arena,
        &vn_onnx_add_attr(b->arena, call(b, out, "Constant", ""), "value_floats", ONNX_FLOATS)->floats,
        sizeof x) = x;
}

static void reshape(const struct body *b, const char *out, const char *in, int n, const int64_t *d)
{
    integers(b, vn_arena_fmt(b->arena, "%s_shape", out), n, d);
    call(b, out, "Reshape", vn_arena_fmt(b->arena, "%s %s_shape", in, out));
}

struct sizes {
    int64_t pictures, boxes, classes, candidates, rows; /* classes: without the background */
    const struct detection_attrs *p;
};

/* Columns of offsets l, default boxes p and variances v: l0..l3, p0..p3, offsets scaled by their
 * variances. */
static void split_columns(const struct body *b, const struct sizes *s)
{
    reshape(b, "offsets", "loc", 3, (int64_t[]){ s->pictures, s->boxes, 4 });
    reshape(b, "both", "prior", 3, (int64_t[]){ 2, s->boxes, 4 });
    struct onnx_node *n = call(b, "default variance", "Split", "both");
    axis(b, n, 0);
    vn_onnx_add_int(b->arena, n, "num_outputs", 2);
    if (!s->p->encoded)
        call(b, "scaled", "Mul", "offsets variance");
    n = call(b, "l0 l1 l2 l3", "Split", s->p->encoded ? "offsets" : "scaled");
    axis(b, n, 2);
    vn_onnx_add_int(b->arena, n, "num_outputs", 4);
    n = call(b, "p0 p1 p2 p3", "Split", "default");
    axis(b, n, 2);
    vn_onnx_add_int(b->arena, n, "num_outputs", 4);
    call(b, "w", "Sub", "p2 p0");
    call(b, "h", "Sub", "p3 p1");
}

static void centre_and_size(const struct body *b)
{
    static const char *const side[2][7] = { { "p0 p2", "w", "l0", "l2", "x", "b0", "b2" },
                                            { "p1 p3", "h", "l1", "l3", "y", "b1", "b3" } };
    number(b, "half", 0.5f);
    for (int i = 0; i < 2; i++) {
        const char *const *n = side[i], *c = n[4];
        struct vn_arena *a = b->arena;
        call(b, vn_arena_fmt(a, "sum_%s", c), "Add", n[0]);
        call(b, vn_arena_fmt(a, "middle_%s", c), "Mul", vn_arena_fmt(a, "sum_%s half", c));
        call(b, vn_arena_fmt(a, "shift_%s", c), "Mul", vn_arena_fmt(a, "%s %s", n[2], n[1]));
        call(b, vn_arena_fmt(a, "centre_%s", c), "Add", vn_arena_fmt(a, "shift_%s middle_%s", c, c));
        call(b, vn_arena_fmt(a, "exp_%s", c), "Exp", n[3]);
        call(b, vn_arena_fmt(a, "size_%s", c), "Mul", vn_arena_fmt(a, "exp_%s %s", c, n[1]));
        call(b, vn_arena_fmt(a, "half_%s", c), "Mul", vn_arena_fmt(a, "size_%s half", c));
        call(b, n[5], "Sub", vn_arena_fmt(a, "centre_%s half_%s", c, c));
        call(b, n[6], "Add", vn_arena_fmt(a, "centre_%s half_%s", c, c));
    }
}

static void corners(const struct body *b, int in_sizes)
{
    struct vn_arena *a = b->arena;
    for (int i = 0; i < 4; i++) {
        if (in_sizes)
            call(b, vn_arena_fmt(a, "m%d", i), "Mul", vn_arena_fmt(a, "l%d %s", i, i % 2 ? "h" : "w"));
        call(b, vn_arena_fmt(a, "b%d", i), "Add", vn_arena_fmt(a, "p%d %s%d", i, in_sizes ? "m" : "l", i));
    }
}

/* The best boxes of each class: "value" and "place", images x classes x candidates, and "box", images x
 * (classes * candidates) x 4. */
static void candidates(const struct body *b, const struct sizes *s)
{
    const int64_t all = s->classes * s->candidates, perm[] = { 0, 2, 1 };
    int64_t *labels = NEW_ARRAY(b->arena, int64_t, s->classes);
    for (int64_t i = 0, c = 0; c < s->p->classes; c++)
        if (c != s->p->background)
            labels[i++] = c;
    axis(b, call(b, "decoded", "Concat", "b0 b1 b2 b3"), 2);
    reshape(b, "scores", "conf", 3, (int64_t[]){ s->pictures, s->boxes, s->p->classes });
    vn_onnx_add_ints(b->arena, call(b, "by_class", "Transpose", "scores"), "perm", 3, perm);
    integers(b, "labels", (int)s->classes, labels);
    axis(b, call(b, "foreground", "Gather", "by_class labels"), 1);
    integers(b, "top_k", 1, &s->candidates);
    axis(b, call(b, "value place", "TopK", "foreground top_k"), 2);
    reshape(b, "place_column", "place", 3, (int64_t[]){ s->pictures, all, 1 });
    integers(b, "four", 3, (int64_t[]){ 1, 1, 4 });
    call(b, "place_four", "Expand", "place_column four");
    axis(b, call(b, "box", "GatherElements", "decoded place_four"), 1);
}

/* "kept": the value of each candidate that is kept, LOWEST for the others; images x (classes *
 * candidates). */
static void suppress(const struct body *b, const struct sizes *s)
{
    const int64_t batch = s->pictures * s->classes, all = s->classes * s->candidates;
    struct onnx_node *n = call(b, "first second", "Split", "box");
    axis(b, n, 2);
    vn_onnx_add_int(b->arena, n, "num_outputs", 2);
    call(b, "beyond_first", "Max",
         "first second"); /* inverted boxes are empty; NonMaxSuppression would turn them round */
    axis(b, call(b, "upright", "Concat", "first beyond_first"), 2);
    reshape(b, "nms_boxes", "upright", 3, (int64_t[]){ batch, s->candidates, 4 });
    reshape(b, "nms_scores", "value", 3, (int64_t[]){ batch, 1, s->candidates });
    number(b, "overlap", s->p->overlap);
    number(b, "least", s->p->score);
    call(b, "selected", "NonMaxSuppression", "nms_boxes nms_scores top_k overlap least");
    number(b, "lowest", LOWEST);
    integers(b, "table_shape", 3, (int64_t[]){ batch, 1, s->candidates });
    call(b, "empty", "Expand", "lowest table_shape");
    call(b, "updates", "GatherND", "nms_scores selected");
    call(b, "table", "ScatterND", "empty selected updates");
    reshape(b, "kept", "table", 2, (int64_t[]){ s->pictures, all });
}

static void write_rows(const struct body *b, const struct sizes *s)
{
    const int64_t all = s->classes * s->candidates;
    const int64_t column[] = { s->pictures, s->rows, 1 };
    int64_t *numbers = NEW_ARRAY(b->arena, int64_t, s->pictures);
    for (int64_t i = 0; i < s->pictures; i++)
        numbers[i] = i;
    integers(b, "keep", 1, &s->rows);
    call(b, "best at", "TopK", "kept keep");
    integer(b, "beyond", all);
    number(b, "nothing", LOWEST / 2);
    call(b, "good", "Greater", "best nothing");
    call(b, "key", "Where", "good at beyond");
    vn_onnx_add_int(b->arena, call(b, "sorted_key unused", "TopK", "key keep"), "largest", 0);
    call(b, "valid", "Less", "sorted_key beyond");
    integer(b, "zero", 0);
    call(b, "pick", "Where", "valid sorted_key zero");
    integer(b, "stride", s->candidates);
    call(b, "class_at", "Div", "pick stride");
    call(b, "label", "Gather", "labels class_at");
    vn_onnx_add_int(b->arena, call(b, "label_real", "Cast", "label"), "to", VN_F32);
    reshape(b, "label_column", "label_real", 3, column);
    axis(b, call(b, "score", "GatherElements", "kept pick"), 1);
    reshape(b, "score_column", "score", 3, column);
    reshape(b, "pick_column", "pick", 3, column);
    call(b, "pick_four", "Expand", "pick_column four");
    axis(b, call(b, "corner", "GatherElements", "box pick_four"), 1);
    axis(b, call(b, "found", "Concat", "label_column score_column corner"), 2);
    reshape(b, "valid_column", "valid", 3, column);
    number(b, "minus_one", -1);
    call(b, "rows", "Where", "valid_column found minus_one");
    integers(b, "numbers", (int)s->pictures, numbers);
    vn_onnx_add_int(b->arena, call(b, "numbers_real", "Cast", "numbers"), "to", VN_F32);
    reshape(b, "numbers_column", "numbers_real", 3, (int64_t[]){ s->pictures, 1, 1 });
    integers(b, "numbers_all", 3, column);
    call(b, "picture", "Expand", "numbers_column numbers_all");
    axis(b, call(b, "whole", "Concat", "picture rows"), 2);
    reshape(b, "y", "whole", 4, (int64_t[]){ 1, 1, s->pictures * s->rows, 7 });
}

static void write_body(const struct body *b, const struct sizes *s)
{
    split_columns(b, s);
    if (s->p->code == 1)
        centre_and_size(b);
    else
        corners(b, s->p->code == 2);
    candidates(b, s);
    suppress(b, s);
    write_rows(b, s);
}

const char *vn_onnx_put_detection(struct model_writer *w, const struct node *n)
{
    const struct detection_attrs *p = n->attrs;
    const struct sizes s = { n->in[0]->shape.d[0],
                             vn_shape_count(&n->in[2]->shape) / 8,
                             vn_detection_classes(p),
                             p->candidates,
                             p->rows,
                             p };
    const char *name = n->op->onnx;
    for (int i = 1; vn_onnx_has_function(w, name); i++)
        name = vn_arena_fmt(w->arena, "%s_%d", n->op->onnx, i);
    const struct body b = { w->arena, vn_onnx_new_function(w, name, "loc conf prior", "y") };
    for (const struct attr_spec *a = n->op->attrs; a->kind; a++)
        vn_onnx_put_name(w->arena, &b.f->attrs, a->onnx);
    write_body(&b, &s);
    return name;
}
