/* Boxes, scores and indices: which rows of the input stay, in which order, and how they are written. The
 * input are the boxes and scores saved before the stage, or the other side's list. */
#include <math.h>
#include <stdlib.h>

#include "align/search.h"
#include "eval/metrics_boxes.h"

/* ---- arrays as rows ---- */

enum { ROW_CLASS = 5, ROW_SCORE = 4, ROW_FIELDS = 6 };

struct rows {
    int n, boxes, scores, classes, indices; /* which fields are there */
    double (*v)[ROW_FIELDS]; /* four of the box, score, class; of indices: [0] */
};

#define MOST_COLUMNS 6
#define MOST_CANDIDATES 20000

static int64_t columns(const struct vn_tensor *t)
{
    const struct vn_shape *s = &t->shape;
    const int batch = s->rank == 3 && s->d[0] == 1;
    return s->rank - batch == 1 ? 1 : s->rank - batch == 2 ? s->d[s->rank - 1] : -1;
}
static int64_t rows_of(const struct vn_tensor *t)
{
    const int64_t c = columns(t);
    return c < 0 ? -1 : t->shape.rank == 1 ? t->shape.d[0] : t->shape.d[t->shape.rank - 2];
}

int vn_is_list(const struct vn_tensor *t)
{
    const int64_t c = columns(t);
    return (c == 1 || (c >= 4 && c <= MOST_COLUMNS)) && rows_of(t) <= MOST_CANDIDATES;
}

static int whole(const struct vn_tensor *t) { return !vn_dtype_is_float(t->dtype); }

/* One array: 4 columns are boxes, 5 with scores, 6 with classes; one column: indices or classes where whole,
 * else scores. */
static struct rows rows_from(struct vn_arena *a, const struct vn_tensor *t, int indices)
{
    const int c = (int)columns(t);
    struct rows r = { .n = (int)rows_of(t),
                      .boxes = c >= 4,
                      .scores = c >= 5 || (c == 1 && !whole(t)),
                      .classes = c == 6 || (c == 1 && whole(t) && !indices),
                      .indices = c == 1 && whole(t) && indices };
    const int first = c >= 4 || r.indices ? 0 : r.scores ? ROW_SCORE : ROW_CLASS;
    r.v = vn_arena_alloc(a, (size_t)(r.n + 1) * sizeof *r.v);
    for (int i = 0; i < r.n; i++)
        for (int k = 0; k < c; k++)
            r.v[i][first + k] = vn_tensor_f64(t, (int64_t)i * c + k);
    return r;
}

/* Scores of several classes: the best one's. */
static void best_class(struct rows *r, const struct vn_tensor *t, int64_t n_classes)
{
    for (int i = 0; i < r->n; i++)
        for (int64_t c = 0; c < n_classes; c++) {
            const double s = vn_tensor_f64(t, i * n_classes + c);
            if (!c || s > r->v[i][ROW_SCORE]) {
                r->v[i][ROW_SCORE] = s;
                r->v[i][ROW_CLASS] = (double)c;
            }
        }
}

/* The last boxes before the stage, and the scores (one for each, or one for each class) and classes of as
 * many rows. */
static int candidates(struct rows *r, struct vn_arena *a, const struct stage_arrays *of, int side)
{
    const struct vn_tensor *boxes = NULL, *scores = NULL, *classes = NULL;
    for (int i = 0; i < of->n_before && !boxes; i++)
        if (of->before[side][i] && vn_is_list(of->before[side][i]) && columns(of->before[side][i]) >= 4)
            boxes = of->before[side][i];
    if (!boxes)
        return 0;
    for (int i = 0; i < of->n_before; i++) {
        const struct vn_tensor *t = of->before[side][i];
        if (!t || t == boxes || rows_of(t) != rows_of(boxes))
            continue;
        if (!scores && !whole(t) && columns(t) >= 1 && columns(t) != 4)
            scores = t;
        if (!classes && whole(t) && columns(t) == 1)
            classes = t;
    }
    *r = rows_from(a, boxes, 0);
    if (scores) {
        best_class(r, scores, columns(scores));
        r->scores = 1;
        r->classes = columns(scores) > 1;
    }
    for (int i = 0; classes && i < r->n; i++)
        r->v[i][ROW_CLASS] = vn_tensor_f64(classes, i);
    r->classes |= classes != NULL;
    return 1;
}

/* ---- formats of boxes ---- */

static void same(double v[4]) { (void)v; }
static void corners_to_size(double v[4]) { v[2] -= v[0], v[3] -= v[1]; }
static void size_to_corners(double v[4]) { v[2] += v[0], v[3] += v[1]; }
static void size_to_centre(double v[4]) { v[0] += v[2] / 2, v[1] += v[3] / 2; }
static void centre_to_size(double v[4]) { v[0] -= v[2] / 2, v[1] -= v[3] / 2; }
static void corners_to_centre(double v[4])
{
    corners_to_size(v);
    size_to_centre(v);
}
static void centre_to_corners(double v[4])
{
    centre_to_size(v);
    size_to_corners(v);
}
static void transpose(double v[4])
{
    const double x = v[0], z = v[2];
    v[0] = v[1], v[1] = x, v[2] = v[3], v[3] = z;
}

static const struct {
    const char *name;
    void (*turn)(double v[4]);
} formats[] = {
    { "unchanged", same },
    { "from corners (x1 y1 x2 y2) to corner and size (x y w h)", corners_to_size },
    { "from corner and size (x y w h) to corners (x1 y1 x2 y2)", size_to_corners },
    { "from corners (x1 y1 x2 y2) to centre and size", corners_to_centre },
    { "from centre and size to corners (x1 y1 x2 y2)", centre_to_corners },
    { "from corner and size (x y w h) to centre and size", size_to_centre },
    { "from centre and size to corner and size (x y w h)", centre_to_size },
    { "x and y swapped", transpose },
};
enum { FORMATS = sizeof formats / sizeof *formats };

const char *vn_list_format_name(int format) { return formats[format].name; }

/* ---- digits ---- */

#define MOST_DIGITS 6
#define UNIT_ERROR 1e-3 /* of the last digit ... */
#define FLOAT_ERROR 6e-8 /* ... and of the value: what float32 leaves of a decimal number */

static double unit(int digits) { return digits < 0 ? 1 : pow(10, -digits); }

/* What is written of x; `as` within the error of its type counts. */
static int written_as(double x, double as, int digits)
{
    const double u = unit(digits), slack = 4e-6 * fabs(x) + 1e-9,
                 off_grid = UNIT_ERROR + fabs(as) / u * FLOAT_ERROR;
    if (digits == LIST_EXACT)
        return fabs(x - as) <= slack;
    if (digits == LIST_TRUNCATED)
        return as == trunc(x) || as == trunc(x + (x < 0 ? -slack : slack));
    return off_grid < 0.2 && fabs(as / u - rint(as / u)) <= off_grid && fabs(x - as) <= u / 2 + slack;
}

/* The fewest decimals that the fields of all rows have; MOST_DIGITS + 1: more. */
static int digits_of(const struct rows *r, int from, int to)
{
    int digits = 0;
    for (int i = 0; i < r->n; i++)
        for (int k = from; k < to; k++)
            while (digits <= MOST_DIGITS && !written_as(r->v[i][k], r->v[i][k], digits))
                digits++;
    return digits;
}

/* ---- boxes that are led to other coordinates ---- */

#define LED_ERROR 1e-5 /* of the largest coordinate */

/* The line from one axis of x's corners to y's; the error that is left. */
static double fit_axis(double *gain, double *offset, const struct rows *x, const struct rows *y, int axis,
                       enum led led)
{
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0, left = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < x->n; i++)
            for (int end = 0; end < 2; end++) {
                const double *v = x->v[i] + axis, *w = y->v[i] + axis;
                const double a = end ? v[2] + (led == LED_SIZES ? v[0] : 0) : v[0],
                             b = end ? w[2] + (led == LED_SIZES ? w[0] : 0) : w[0];
                if (!pass)
                    n++, sx += a, sy += b, sxx += a * a, sxy += a * b;
                else
                    left = fmax(left, fabs(a * *gain + *offset - b));
            }
        const double d = n * sxx - sx * sx;
        if (!(d > 1e-9 * n * n))
            return INFINITY;
        *gain = (n * sxy - sx * sy) / d;
        *offset = (sy - *gain * sx) / n;
    }
    return left;
}

/* Are y's boxes x's, one by one, scaled and moved? */
static int boxes_led(struct list_rule *r, const struct rows *x, const struct rows *y)
{
    double top = 0;
    if (x->n != y->n || !x->boxes || !y->boxes || x->n < 2)
        return x->n == y->n && x->n < 2; /* too few to say */
    for (int i = 0; i < x->n; i++)
        for (int c = 0; c < 4; c++)
            top = fmax(top, fmax(fabs(x->v[i][c]), fabs(y->v[i][c])));
    for (int axis = 0; axis < 2; axis++) {
        if (!(fit_axis(&r->gain[axis], &r->offset[axis], x, y, axis, (enum led)r->led) <= LED_ERROR * top))
            return 0;
        if (fabs(r->offset[axis]) <= LED_ERROR * top)
            r->offset[axis] = 0;
    }
    return 1;
}

/* ---- which input row a row is ---- */

static int same_row(const struct rows *x, int i, const struct rows *y, int k, const struct list_rule *r)
{
    double box[4];
    if (y->indices)
        return y->v[k][0] == i;
    memcpy(box, x->v[i], sizeof box);
    formats[r->format].turn(box);
    for (int c = 0; c < 4 && y->boxes && x->boxes && !r->led; c++)
        if (!written_as(box[c], y->v[k][c], r->box_digits))
            return 0;
    if (y->scores && x->scores && !written_as(x->v[i][ROW_SCORE], y->v[k][ROW_SCORE], r->score_digits))
        return 0;
    return !(y->classes && x->classes) || x->v[i][ROW_CLASS] + r->class_offset == y->v[k][ROW_CLASS];
}

/* kept[k]: the input's row that row k of y is; 0 where one is none. */
static int match(int *kept, const struct rows *x, const struct rows *y, const struct list_rule *r,
                 struct vn_arena *work)
{
    char *used = vn_arena_alloc(work, (size_t)x->n + 1);
    int next = 0;
    for (int k = 0; k < y->n; k++) {
        int found = -1;
        for (int i = 0; i < x->n && found < 0; i++) {
            const int at = (next + i) % x->n; /* mostly the next one */
            if (!used[at] && same_row(x, at, y, k, r))
                found = at;
        }
        if (found < 0)
            return 0;
        used[kept[k] = found] = 1;
        next = found + 1;
    }
    return 1;
}

/* ---- which rows stay ---- */

struct kept_rows {
    int n, *row;
};

static int rising(const struct kept_rows *k)
{
    for (int i = 1; i < k->n; i++)
        if (k->row[i] < k->row[i - 1])
            return 0;
    return 1;
}
static int falling_scores(const struct rows *x, const struct kept_rows *k)
{
    for (int i = 1; i < k->n; i++)
        if (x->v[k->row[i]][ROW_SCORE] > x->v[k->row[i - 1]][ROW_SCORE])
            return 0;
    return 1;
}

static double least_score(const struct rows *x, const struct kept_rows *k)
{
    double least = INFINITY;
    for (int i = 0; i < k->n; i++)
        least = fmin(least, x->v[k->row[i]][ROW_SCORE]);
    return least;
}

/* The rows from a score on as boxes; those of different classes lie far apart where they do not meet. */
static int boxes_from(struct box *b, const struct rows *x, double score, const struct list_rule *r)
{
    int n = 0;
    double far = 0;
    for (int i = 0; i < x->n && r->per_class; i++)
        for (int c = 0; c < 4; c++)
            far = fmax(far, fabs(x->v[i][c]));
    for (int i = 0; i < x->n; i++) {
        const double *v = x->v[i], away = r->per_class ? v[ROW_CLASS] * (2 * far + 1) : 0;
        if (v[ROW_SCORE] >= score)
            b[n++] = (struct box){ v[0] + away, v[1] + away, v[2] + away, v[3] + away, v[ROW_SCORE], 0, i };
    }
    return n;
}

static int same_set(const int *a, const struct kept_rows *k, int n, int rows, struct vn_arena *work)
{
    char *in = vn_arena_alloc(work, (size_t)rows + 1);
    if (n != k->n)
        return 0;
    for (int i = 0; i < n; i++)
        in[a[i]] = 1;
    for (int i = 0; i < n; i++)
        if (!in[k->row[i]])
            return 0;
    return 1;
}

/* Does suppression with this threshold keep these rows of all that have at least the least score of them? */
static int suppression_keeps(const struct kept_rows *k, const struct box *b, int n, int rows,
                             const struct list_rule *r, double iou, struct vn_arena *work)
{
    int *stay = NEW_ARRAY(work, int, n + 1);
    const int m = vn_nms(stay, b, n, (enum nms_rule)r->nms, iou, -INFINITY, work);
    for (int i = 0; i < m; i++)
        stay[i] = b[stay[i]].index;
    return same_set(stay, k, m, rows, work);
}

/* The best score of the rows below these that they do not suppress: what a lower threshold on the scores
 * would let in. */
static double following(const struct rows *x, const struct kept_rows *k, const struct list_rule *r,
                        double iou, struct vn_arena *work)
{
    struct box *b = NEW_ARRAY(work, struct box, x->n + 1);
    const struct box **of = NEW_ARRAY(work, const struct box *, x->n + 1);
    const int n = boxes_from(b, x, -INFINITY, r);
    const double least = least_score(x, k);
    double best = -INFINITY;
    for (int i = 0; i < n; i++)
        of[b[i].index] = &b[i];
    for (int i = 0; i < n; i++) {
        int gone = b[i].score <= best || b[i].score >= least;
        for (int j = 0; j < k->n && !gone; j++)
            gone = of[k->row[j]] && vn_nms_overlaps(of[k->row[j]], &b[i], (enum nms_rule)r->nms, iou);
        if (!gone)
            best = b[i].score;
    }
    return best;
}

/* Narrows a rule to what keeps these rows; 0: nothing is left of it. */
static int narrow(struct list_rule *r, const struct rows *x, const struct kept_rows *k, struct vn_arena *work)
{
    int iou = 0;
    if (!(r->by_score ? x->scores && falling_scores(x, k) : rising(k)))
        return 0;
    if (!x->scores)
        return r->nms == NMS_NONE && k->n == x->n;
    struct box *b = NEW_ARRAY(work, struct box, x->n + 1);
    const int n = boxes_from(b, x, least_score(x, k), r);
    for (int t = 1; t < (r->nms == NMS_NONE ? 2 : 100); t++)
        if (r->iou[t] && (r->iou[t] = (char)suppression_keeps(k, b, n, x->n, r, t / 100.0, work)))
            iou = t;
    if (!iou)
        return 0;
    r->upto = fmin(r->upto, least_score(x, k));
    if (!r->most || k->n < r->most)
        r->above = fmax(r->above, following(x, k, r, iou / 100.0, work));
    return r->above < r->upto && (!r->most || k->n <= r->most);
}

/* ---- the search ---- */

struct list_pair {
    struct rows x, y;
};

static int read_pair(struct list_pair *l, struct vn_arena *a, const struct search_pair *p, int relation)
{
    const struct vn_tensor *y = p->of->y[p->side], *x = p->of->y[!p->side];
    if (!vn_is_list(y))
        return 0;
    if (relation) {
        l->y = rows_from(a, y, 0);
        if (!vn_is_list(x) || columns(x) != columns(y))
            return 0;
        l->x = rows_from(a, x, 0);
        return 1;
    }
    l->y = rows_from(a, y, 1);
    return candidates(&l->x, a, p->of, p->side) && (l->y.boxes || l->y.indices);
}

static int holds_on_pair(struct list_rule *r, const struct list_pair *l)
{
    if (r->led && !boxes_led(&(struct list_rule){ .led = r->led }, &l->x, &l->y))
        return 0;
    struct vn_arena *work = vn_arena_new();
    struct kept_rows k = { l->y.n, NEW_ARRAY(work, int, l->y.n + 1) };
    const int ok = match(k.row, &l->x, &l->y, r, work) && narrow(r, &l->x, &k, work);
    vn_arena_free(&work);
    return ok;
}

int vn_list_holds(struct stage_rule *r, const struct search_pair *p, int relation)
{
    struct vn_arena *a = vn_arena_new();
    struct list_pair l;
    const int ok = read_pair(&l, a, p, relation) && holds_on_pair(&r->list, &l);
    vn_arena_free(&a);
    return ok;
}

struct list_rule vn_list_same(void)
{
    struct list_rule r = { .box_digits = LIST_EXACT,
                           .score_digits = LIST_EXACT,
                           .nms = NMS_NONE,
                           .above = -INFINITY,
                           .upto = INFINITY };
    memset(r.iou, 1, sizeof r.iou);
    return r;
}

static int most_rows(const struct list_pair *l, int n)
{
    int most = 0;
    for (int i = 0; i < n; i++)
        most = l[i].y.n > most ? l[i].y.n : most;
    return most;
}

/* One rule on all searched pairs; kept where it holds. */
static int try_list(struct search *s, const struct list_pair *l, struct list_rule r)
{
    s->tried++;
    for (int i = 0; i < s->n; i++)
        if (!holds_on_pair(&r, &l[i]))
            return 0;
    const struct stage_rule rule = {
        .is_list = 1, .list = r, .layout = NULL, .dtype = vn_dtype_name(s->pair[0].y.t->dtype)
    };
    if (s->n_found < MOST_RULES)
        s->found[s->n_found++] = rule;
    return 1;
}

/* Thresholds and limits, then suppression. */
static void try_selections(struct search *s, const struct list_pair *l, struct list_rule r)
{
    const int classes = l[0].x.classes, most = most_rows(l, s->n);
    static const enum nms_rule rules[] = { NMS_NONE, NMS_TORCHVISION, NMS_OPENCV };
    for (int i = 0; i < 3 && !(i && s->n_found && s->found[0].list.nms == NMS_NONE); i++)
        for (int k = 0; k < 8; k++) {
            r.nms = (int)rules[i];
            r.by_score = k & 1;
            r.per_class = k >> 1 & 1;
            r.most = k >> 2 ? most : 0;
            if ((r.per_class && (!classes || r.nms == NMS_NONE)) || (r.nms != NMS_NONE && !l[0].x.boxes))
                continue;
            if (try_list(s, l, r) && r.nms == NMS_NONE)
                return;
        }
}

/* Do all rows of y come from rows of x? */
static int matches(const struct search *s, const struct list_pair *l, const struct list_rule *r)
{
    int ok = 1;
    struct vn_arena *work = vn_arena_new();
    for (int i = 0; i < s->n && ok; i++)
        ok = match(NEW_ARRAY(work, int, l[i].y.n + 1), &l[i].x, &l[i].y, r, work);
    vn_arena_free(&work);
    return ok;
}

/* The rows are written so: exact, rounded to the digits that they have, cut off. */
static int written(int ways[3], const struct search *s, const struct list_pair *l, int from, int to)
{
    int digits = 0, n = 0;
    for (int i = 0; i < s->n; i++)
        digits = digits_of(&l[i].y, from, to) > digits ? digits_of(&l[i].y, from, to) : digits;
    ways[n++] = LIST_EXACT;
    if (digits <= MOST_DIGITS)
        ways[n++] = digits;
    if (!digits)
        ways[n++] = LIST_TRUNCATED;
    return n;
}

static int class_offset(const struct list_pair *l, int n)
{
    double least[2] = { INFINITY, INFINITY };
    for (int i = 0; i < n; i++)
        for (int side = 0; side < 2; side++) {
            const struct rows *r = side ? &l[i].y : &l[i].x;
            for (int k = 0; k < r->n; k++)
                least[side] = fmin(least[side], r->v[k][ROW_CLASS]);
        }
    const double d = least[1] - least[0];
    return l->x.classes && l->y.classes && fabs(d) <= 1000 && d == rint(d) ? (int)d : 0;
}

/* As they are, but for where boxes lie. */
static void try_led(struct search *s, const struct list_pair *l)
{
    for (int led = LED_CORNERS; led <= LED_SIZES && !s->n_found; led++) {
        struct list_rule r = vn_list_same();
        r.led = led;
        if (boxes_led(&r, &l[0].x, &l[0].y))
            try_list(s, l, r);
    }
}

void vn_search_lists(struct search *s)
{
    struct list_pair *l = NEW_ARRAY(s->a, struct list_pair, s->n);
    int box[3], score[3];
    for (int i = 0; i < s->n; i++)
        if (!read_pair(&l[i], s->a, &s->pair[i], s->relation))
            return;
    const int boxes = l[0].y.boxes, n_box = written(box, s, l, 0, 4),
              n_score = written(score, s, l, ROW_SCORE, ROW_SCORE + 1), offset = class_offset(l, s->n);
    for (int i = 0; i < (boxes ? n_box * FORMATS : 1); i++)
        for (int k = 0; k < (l[0].y.scores ? n_score : 1); k++)
            for (int c = 0; c < (offset ? 2 : 1); c++) {
                struct list_rule r = vn_list_same();
                r.format = i / n_box;
                r.box_digits = boxes ? box[i % n_box] : LIST_EXACT;
                r.score_digits = l[0].y.scores ? score[k] : LIST_EXACT;
                r.class_offset = c ? offset : 0;
                if (!s->n_found && matches(s, l, &r))
                    try_selections(s, l, r);
            }
    if (!s->n_found && s->relation && boxes)
        try_led(s, l);
}
