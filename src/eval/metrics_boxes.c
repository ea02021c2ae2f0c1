/* How the outputs of detectors become boxes: a table of forms. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "eval/metrics_boxes.h"

#define MAX_CANDIDATES 50000
#define MAX_PRIORS 1000000
#define MAX_LEVELS 16
#define MOST 1e12 /* of a number in COCO's files */
#define MAX_SIZES 16

struct level {
    double stride, size[MAX_SIZES];
    int n;
};

enum activation { SCORES_AS_THEY_ARE, SCORES_SIGMOID, SCORES_SOFTMAX };

struct box_form {
    const struct form *form;
    const struct eval_task *task;
    enum nms_rule nms;
    enum activation activation;
    int each_class, pixels, clip, turned, n_strides, n_levels;
    double stride[MAX_LEVELS]; /* of the grids of one output */
    struct level level[MAX_LEVELS];
    double variance[2];
};

/* One run's candidates; size of the network's input, and the way from there to the picture. Forms see w x h:
 * the input, or where y comes first, the input turned. */
struct finding {
    const struct box_form *f;
    const struct vn_session *model;
    struct vn_arena *arena;
    double in_w, in_h, w, h, back[6];
    VEC(struct box) boxes;
    struct vn_err *e;
};

typedef int find_fn(struct finding *x);
struct form {
    const char *name;
    find_fn *find;
    int outputs; /* 2: scores and boxes */
};

/* ---- pieces ---- */

/* The least and the largest position on an axis, of a box that is led back; what is turned round in the box
 * stays so. */
static void lead_back(double *low, double *high, const double m[3], double l, double r, double o, double u)
{
    *low = (m[0] < 0 ? m[0] * r : m[0] * l) + (m[1] < 0 ? m[1] * u : m[1] * o) + m[2];
    *high = (m[0] < 0 ? m[0] * l : m[0] * r) + (m[1] < 0 ? m[1] * o : m[1] * u) + m[2];
}

/* x, y: centre or, with `corners`, first corner; relative to the input. */
static int add(struct finding *x, const double given[4], int corners, double score, int class)
{
    const struct eval_task *t = x->f->task;
    const int y = x->f->turned;
    const double box[4] = { given[y], given[!y], given[2 + y], given[3 - y] };
    if (!(score > t->score_min))
        return VN_OK;
    if (x->boxes.n == MAX_CANDIDATES)
        return vn_fail(x->e, VN_E_INPUT,
                       "%s: more than %d boxes of one image have scores above %g; raise --score-min",
                       vn_session_path(x->model), MAX_CANDIDATES, t->score_min);
    const double l = corners ? box[0] : box[0] - box[2] / 2, o = corners ? box[1] : box[1] - box[3] / 2;
    const double r = corners ? box[2] : box[0] + box[2] / 2, u = corners ? box[3] : box[1] + box[3] / 2;
    struct box b = { .score = score, .class = class, .index = x->boxes.n };
    lead_back(&b.x1, &b.x2, x->back, l, r, o, u);
    lead_back(&b.y1, &b.y2, x->back + 3, l, r, o, u);
    if (!(fabs(b.x1) < MOST && fabs(b.y1) < MOST && fabs(b.x2) < MOST && fabs(b.y2) < MOST && score < MOST))
        return vn_fail(x->e, VN_E_INPUT,
                       "%s: a box (%g, %g, %g, %g) with score %g: expected numbers below %g",
                       vn_session_path(x->model), b.x1, b.y1, b.x2, b.y2, score, MOST);
    VEC_PUSH(x->arena, &x->boxes, b);
    return VN_OK;
}

static double sigmoid(double v) { return 1 / (1 + exp(-v)); }

/* n scores, `step` from one to the next, through the task's function, side by side. */
static const double *activated(const struct finding *x, const double *v, int64_t n, int64_t step)
{
    const enum activation f = x->f->activation;
    if (f == SCORES_AS_THEY_ARE && step == 1)
        return v;
    double *out = NEW_ARRAY(x->arena, double, n + 1), most = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++) {
        out[i] = f == SCORES_SIGMOID ? sigmoid(v[i * step]) : v[i * step];
        most = fmax(most, out[i]);
    }
    for (int64_t i = 0; i < n && f == SCORES_SOFTMAX; i++)
        sum += out[i] = exp(out[i] - most);
    for (int64_t i = 0; i < n && f == SCORES_SOFTMAX; i++)
        out[i] /= sum;
    return out;
}

static int largest(const double *v, int64_t n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        best = v[i] > v[best] ? i : best;
    return best;
}

/* Objectness has no other classes beside it. */
static double objectness(const struct finding *x, double v)
{
    return x->f->activation == SCORES_AS_THEY_ARE ? v : sigmoid(v);
}

/* Outputs scores: 1 x BOXES x CLASSES and boxes: 1 x BOXES x 4, with 1-axes anywhere. */
static int two_outputs(struct finding *x, const double **scores, const double **boxes, int64_t *n,
                       int64_t *classes)
{
    struct output_values s, b;
    char text[2][VN_SHAPE_TEXT];
    const struct eval_task *t = x->f->task;
    TRY(vn_eval_output(&s, x->arena, x->model, t->scores, x->e));
    TRY(vn_eval_output(&b, x->arena, x->model, t->boxes, x->e));
    *n = b.n / 4;
    *classes = *n ? s.n / *n : 0;
    if (b.n % 4 || b.shape->rank < 2 || b.shape->d[b.shape->rank - 1] != 4 ||
        (*n && (s.n % *n || s.shape->d[s.shape->rank - 1] != *classes)))
        return vn_fail(x->e, VN_E_INPUT,
                       "%s: scores of shape %s and boxes of shape %s; expected BOXES x CLASSES and BOXES x 4",
                       vn_session_path(x->model), vn_shape_text(s.shape, text[0]),
                       vn_shape_text(b.shape, text[1]));
    *scores = s.v;
    *boxes = b.v;
    return VN_OK;
}

static int add_classes(struct finding *x, const double box[4], int corners, const double *given,
                       int64_t classes)
{
    const double *score = activated(x, given, classes, 1);
    for (int c = x->f->task->first_class; c < classes; c++)
        TRY(add(x, box, corners, score[c], c - x->f->task->first_class));
    return VN_OK;
}

/* ---- corners, centers: boxes ready in the output ---- */

static int find_ready(struct finding *x, int corners)
{
    const double *scores, *boxes;
    int64_t n, classes;
    TRY(two_outputs(x, &scores, &boxes, &n, &classes));
    const double sx = x->f->pixels ? 1 / x->w : 1, sy = x->f->pixels ? 1 / x->h : 1;
    for (int64_t i = 0; i < n; i++) {
        const double *b = boxes + 4 * i, box[4] = { b[0] * sx, b[1] * sy, b[2] * sx, b[3] * sy };
        TRY(add_classes(x, box, corners, scores + i * classes, classes));
    }
    return VN_OK;
}

static int find_corners(struct finding *x) { return find_ready(x, 1); }
static int find_centers(struct finding *x) { return find_ready(x, 0); }

/* ---- priors: SSD's offsets from a grid of boxes for each stride ---- */

/* Square priors around the cells' centres, row by row, sizes in order; all of it clipped to 0..1. */
static int64_t make_priors(double *out, const struct box_form *f, double in_w, double in_h)
{
    int64_t n = 0;
    for (int l = 0; l < f->n_levels; l++) {
        const struct level *v = &f->level[l];
        const int rows = (int)ceil(in_h / v->stride), columns = (int)ceil(in_w / v->stride);
        for (int y = 0; y < rows; y++)
            for (int x = 0; x < columns; x++)
                for (int s = 0; s < v->n; s++, n++)
                    if (out) {
                        const double p[4] = { (x + 0.5) * v->stride / in_w, (y + 0.5) * v->stride / in_h,
                                              v->size[s] / in_w, v->size[s] / in_h };
                        for (int k = 0; k < 4; k++)
                            out[4 * n + k] = fmin(fmax(p[k], 0), 1);
                    }
    }
    return n;
}

static int find_priors(struct finding *x)
{
    const double *scores, *boxes, *var = x->f->variance;
    int64_t n, classes;
    TRY(two_outputs(x, &scores, &boxes, &n, &classes));
    if (n > MAX_PRIORS || make_priors(NULL, x->f, x->w, x->h) != n)
        return vn_fail(x->e, VN_E_INPUT,
                       "%s: output %s has %lld boxes, but 'priors' yields %lld for an input of %g x %g",
                       vn_session_path(x->model), x->f->task->boxes, (long long)n,
                       (long long)make_priors(NULL, x->f, x->w, x->h), x->w, x->h);
    double *p = NEW_ARRAY(x->arena, double, 4 * n);
    make_priors(p, x->f, x->w, x->h);
    for (int64_t i = 0; i < n; i++, p += 4) {
        const double *b = boxes + 4 * i;
        const double box[4] = { p[0] + b[0] * var[0] * p[2], p[1] + b[1] * var[0] * p[3],
                                p[2] * exp(b[2] * var[1]), p[3] * exp(b[3] * var[1]) };
        TRY(add_classes(x, box, 0, scores + i * classes, classes));
    }
    return VN_OK;
}

/* ---- grid: FastestDet's one output, 1 x (5 + CLASSES) x ROWS x COLUMNS ---- */

/* Channels: objectness, offsets of the centre (tanh), size (sigmoid), classes. score = objectness^0.6 *
 * class^0.4 */
static int find_grid(struct finding *x)
{
    struct output_values v;
    char text[VN_SHAPE_TEXT];
    TRY(vn_eval_output(&v, x->arena, x->model, x->f->task->output, x->e));
    const struct vn_shape *s = v.shape;
    if (s->rank != 4 || s->d[0] != 1 || s->d[1] < 6)
        return vn_fail(x->e, VN_E_INPUT,
                       "%s: output of shape %s; expected 1 x (5 + CLASSES) x ROWS x COLUMNS",
                       vn_session_path(x->model), vn_shape_text(s, text));
    const int64_t classes = s->d[1] - 5, rows = s->d[2], columns = s->d[3], plane = rows * columns;
    for (int64_t i = 0; i < plane; i++) {
        const double *c = v.v + i, *score = activated(x, c + 5 * plane, classes, plane);
        const int best = largest(score, classes);
        const double box[4] = { (tanh(c[plane]) + (double)(i % columns)) / (double)columns,
                                (tanh(c[2 * plane]) + (double)(i / columns)) / (double)rows,
                                sigmoid(c[3 * plane]), sigmoid(c[4 * plane]) };
        const double object = objectness(x, c[0]);
        TRY(add(x, box, 0, pow(fmax(object, 0), 0.6) * pow(fmax(score[best], 0), 0.4), best));
    }
    return VN_OK;
}

/* ---- yolox, yolov5: one output, 1 x BOXES x (5 + CLASSES): box, objectness, classes ---- */

static int one_output(struct output_values *v, struct finding *x, int64_t boxes, const char *expected)
{
    char text[VN_SHAPE_TEXT];
    TRY(vn_eval_output(v, x->arena, x->model, x->f->task->output, x->e));
    const struct vn_shape *s = v->shape;
    return s->rank == 3 && s->d[0] == 1 && s->d[2] > 5 && (boxes < 0 || s->d[1] == boxes)
               ? VN_OK
               : vn_fail(x->e, VN_E_INPUT, "%s: output of shape %s; expected %s", vn_session_path(x->model),
                         vn_shape_text(s, text), expected);
}

/* score = objectness * class */
static int add_row(struct finding *x, const double box[4], const double *row, int64_t size)
{
    const double *score = activated(x, row + 5, size - 5, 1);
    const int best = largest(score, size - 5);
    return add(x, box, 0, objectness(x, row[4]) * score[best], best);
}

/* Before its boxes are decoded: one for each cell of the grids, row by row: offset of the centre and
 * logarithm of the size, in cells. */
static int find_yolox(struct finding *x)
{
    const struct box_form *f = x->f;
    struct output_values v;
    int64_t cells = 0;
    for (int l = 0; l < f->n_strides; l++)
        cells += (int64_t)(x->w / f->stride[l]) * (int64_t)(x->h / f->stride[l]);
    TRY(one_output(&v, x, cells,
                   vn_arena_fmt(x->arena, "1 x %lld x (5 + CLASSES) for strides %s", (long long)cells,
                                f->task->strides)));
    const int64_t row = v.shape->d[2];
    const double *c = v.v;
    for (int l = 0; l < f->n_strides; l++) {
        const double w = x->w / f->stride[l], h = x->h / f->stride[l];
        const int64_t columns = (int64_t)w, n = columns * (int64_t)h;
        for (int64_t i = 0; i < n; i++, c += row) {
            const double box[4] = { (c[0] + (double)(i % columns)) / w, (c[1] + (double)(i / columns)) / h,
                                    exp(c[2]) / w, exp(c[3]) / h };
            TRY(add_row(x, box, c, row));
        }
    }
    return VN_OK;
}

/* Decoded: centre and size. */
static int find_yolov5(struct finding *x)
{
    struct output_values v;
    TRY(one_output(&v, x, -1, "1 x BOXES x (5 + CLASSES)"));
    const int64_t row = v.shape->d[2];
    const double sx = x->f->pixels ? 1 / x->w : 1, sy = x->f->pixels ? 1 / x->h : 1;
    for (int64_t i = 0; i < v.shape->d[1]; i++) {
        const double *c = v.v + i * row, box[4] = { c[0] * sx, c[1] * sy, c[2] * sx, c[3] * sy };
        TRY(add_row(x, box, c, row));
    }
    return VN_OK;
}

/* ---- yolov8: one output, 1 x (4 + CLASSES) x BOXES: centre, size, classes ---- */

static int find_yolov8(struct finding *x)
{
    struct output_values v;
    char text[VN_SHAPE_TEXT];
    TRY(vn_eval_output(&v, x->arena, x->model, x->f->task->output, x->e));
    const struct vn_shape *s = v.shape;
    if (s->rank != 3 || s->d[0] != 1 || s->d[1] < 5)
        return vn_fail(x->e, VN_E_INPUT, "%s: output of shape %s; expected 1 x (4 + CLASSES) x BOXES",
                       vn_session_path(x->model), vn_shape_text(s, text));
    const int64_t classes = s->d[1] - 4, n = s->d[2];
    const double sx = x->f->pixels ? 1 / x->w : 1, sy = x->f->pixels ? 1 / x->h : 1;
    for (int64_t i = 0; i < n; i++) {
        const double *c = v.v + i, *score = activated(x, c + 4 * n, classes, n);
        const double box[4] = { c[0] * sx, c[n] * sy, c[2 * n] * sx, c[3 * n] * sy };
        const int best = largest(score, classes);
        TRY(add(x, box, 0, score[best], best));
    }
    return VN_OK;
}

static const struct form forms[] = { { "corners", find_corners, 2 }, { "centers", find_centers, 2 },
                                     { "priors", find_priors, 2 },   { "grid", find_grid, 1 },
                                     { "yolox", find_yolox, 1 },     { "yolov5", find_yolov5, 1 },
                                     { "yolov8", find_yolov8, 1 } };
#define N_FORMS ((int)(sizeof forms / sizeof *forms))

/* ---- the description ---- */

static int wrong_priors(const char *text, struct vn_err *e)
{
    return vn_fail(e, VN_E_USAGE,
                   "priors: expected 'STRIDE: SIZE ...; STRIDE: SIZE ...', numbers from 1 to 65536, got '%s'",
                   text);
}

static int parse_priors(struct box_form *f, struct vn_arena *a, const char *text, struct vn_err *e)
{
    for (const char *p = text; p && *p;) {
        struct level *l = &f->level[f->n_levels];
        const char *colon = strchr(p, ':'), *semicolon = strchr(p, ';');
        int n;
        if (!colon || (semicolon && semicolon < colon) || f->n_levels++ == MAX_LEVELS)
            return wrong_priors(text, e);
        TRY(vn_eval_numbers(&l->stride, 1, &n, vn_arena_strn(a, p, (size_t)(colon - p)), "priors", e));
        const char *sizes =
            semicolon ? vn_arena_strn(a, colon + 1, (size_t)(semicolon - colon - 1)) : colon + 1;
        TRY(vn_eval_numbers(l->size, MAX_SIZES, &l->n, sizes, "priors", e));
        for (int i = 0; i < l->n; i++)
            if (!(l->size[i] >= 1 && l->size[i] <= 65536 && l->stride >= 1 && l->stride <= 65536))
                return wrong_priors(text, e);
        p = semicolon ? semicolon + 1 : NULL;
    }
    return VN_OK;
}

static int parse_strides(struct box_form *f, const char *text, struct vn_err *e)
{
    TRY(vn_eval_numbers(f->stride, MAX_LEVELS, &f->n_strides, text, "strides", e));
    for (int i = 0; i < f->n_strides; i++)
        if (!(f->stride[i] >= 1 && f->stride[i] <= 65536))
            return vn_fail(e, VN_E_USAGE, "strides: expected numbers from 1 to 65536, got '%s'", text);
    return VN_OK;
}

static int parse_activation(struct box_form *f, const char *text, struct vn_err *e)
{
    static const char *const words[] = { "none", "sigmoid", "softmax" };
    for (int i = 0; i < 3; i++)
        if (!strcmp(text, words[i])) {
            f->activation = (enum activation)i;
            return VN_OK;
        }
    return vn_fail(e, VN_E_USAGE, "activation: expected none, sigmoid or softmax, got '%s'", text);
}

int vn_box_form(struct box_form **out, struct vn_arena *a, const struct eval_task *t, struct vn_err *e)
{
    struct box_form *f = *out = NEW(a, struct box_form);
    int n;
    f->task = t;
    for (int i = 0; i < N_FORMS && t->form; i++)
        if (!strcmp(forms[i].name, t->form))
            f->form = &forms[i];
    if (!f->form)
        return vn_fail(
            e, VN_E_USAGE,
            "form (how outputs hold boxes): expected corners, centers, priors, grid, yolox, yolov5 or "
            "yolov8%s%s%s",
            t->form ? ", got '" : "", t->form ? t->form : "", t->form ? "'" : "");
    if (f->form->outputs == 2 && (!t->scores || !t->boxes))
        return vn_fail(e, VN_E_USAGE, "form %s requires --scores and --boxes, the names of two outputs",
                       t->form);
    const int rule = vn_nms_find(t->nms);
    if (rule < 0)
        return vn_fail(e, VN_E_USAGE, "nms: expected none, torchvision or opencv, got '%s'", t->nms);
    f->nms = (enum nms_rule)rule;
    TRY(vn_eval_choice(&f->each_class, "nms_classes", t->nms_classes, "all", "each", e));
    TRY(vn_eval_choice(&f->pixels, "units", t->units, "relative", "pixels", e));
    TRY(vn_eval_choice(&f->clip, "clip", t->clip, "no", "yes", e));
    TRY(vn_eval_choice(&f->turned, "axes", t->axes, "xy", "yx", e));
    TRY(parse_activation(f, t->activation, e));
    TRY(parse_strides(f, t->strides, e));
    TRY(vn_eval_numbers(f->variance, 2, &n, t->variances, "variances", e));
    if (n != 2)
        return vn_fail(e, VN_E_USAGE, "variances: expected two numbers, got '%s'", t->variances);
    TRY(parse_priors(f, a, t->priors, e));
    if (f->form->find == find_priors && !f->n_levels)
        return vn_fail(e, VN_E_USAGE, "form priors requires --priors, e.g. '8: 10 16 24; 16: 32 48'");
    return VN_OK;
}

/* ---- a picture ---- */

static int by_class(const void *x, const void *y)
{
    const struct box *a = x, *b = y;
    return a->class != b->class ? a->class - b->class : a->index - b->index;
}

static int by_score(const void *x, const void *y)
{
    const struct box *a = x, *b = y;
    return a->score > b->score ? -1 : a->score < b->score ? 1 : a->index - b->index;
}

/* From positions relative to the input to the picture as annotated, w x h. What is no picture was one as a
 * whole. */
static int way_back(struct finding *x, const struct vn_origin *from, double w, double h)
{
    const double in_w = from->w ? x->in_w : 1, in_h = from->w ? x->in_h : 1, from_w = from->w ? from->w : 1,
                 from_h = from->w ? from->h : 1;
    if (from->w && fabs(w * from_h - h * from_w) > 0.05 * h * from_w)
        return vn_fail(x->e, VN_E_INPUT,
                       "the image is %d x %d after its EXIF orientation, but the annotations have %g x %g",
                       from->w, from->h, w, h);
    memcpy(x->back, (const double[6]){ in_w, 0, 0, 0, in_h, 0 }, sizeof x->back);
    if (from->w)
        vn_affine_after(x->back, from->m, x->back);
    vn_affine_after(x->back, (const double[6]){ w / from_w, 0, 0, 0, h / from_h, 0 }, x->back);
    return VN_OK;
}

static void clip(struct box *b, double w, double h)
{
    b->x1 = fmin(fmax(b->x1, 0), w);
    b->x2 = fmin(fmax(b->x2, 0), w);
    b->y1 = fmin(fmax(b->y1, 0), h);
    b->y2 = fmin(fmax(b->y2, 0), h);
}

int vn_boxes_of(struct box **out, int *n, struct vn_arena *a, const struct box_form *f,
                const struct vn_session *model, const struct vn_origin *from, double w, double h,
                struct vn_err *e)
{
    struct finding x = { .f = f, .model = model, .arena = a, .e = e };
    TRY(vn_eval_input_size(&x.in_w, &x.in_h, model, e));
    x.w = f->turned ? x.in_h : x.in_w;
    x.h = f->turned ? x.in_w : x.in_h;
    TRY(way_back(&x, from, w, h));
    TRY(f->form->find(&x));
    struct box *b = x.boxes.v, *stay = NEW_ARRAY(a, struct box, x.boxes.n);
    int *kept = NEW_ARRAY(a, int, x.boxes.n);
    if (f->each_class && b)
        qsort(b, (size_t)x.boxes.n, sizeof *b, by_class);
    *n = 0;
    for (int i = 0, next; i < x.boxes.n; i = next) {
        for (next = i + 1; next < x.boxes.n && (!f->each_class || b[next].class == b[i].class); next++)
            ;
        const int m = vn_nms(kept, b + i, next - i, f->nms, f->task->nms_iou, f->task->score_min, a);
        for (int k = 0; k < m; k++)
            stay[(*n)++] = b[i + kept[k]];
    }
    qsort(stay, (size_t)*n, sizeof *stay, by_score);
    *n = *n < f->task->max_boxes ? *n : f->task->max_boxes;
    for (int i = 0; i < *n && f->clip; i++)
        clip(&stay[i], w, h);
    *out = stay;
    return VN_OK;
}
