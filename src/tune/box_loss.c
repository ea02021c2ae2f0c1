/* Detectors: boxes of a plan against those of the float network, as a task says how outputs hold them.
 *
 * Boxes from half the task's least score on are paired: the same class, the largest overlap. A pair loses the
 * square of the difference of its scores and of its score times what the boxes do not share; a box without
 * another its squared score. So losses grow before a box is lost, and few samples suffice. */
#include "base/file.h"
#include "eval/metrics_boxes.h"
#include "tune/tuner.h"

#define LEAST_OVERLAP 0.5

struct box_judge {
    struct eval_task task;
    struct box_form *form;
    double least; /* score of a box that counts as a decision */
};

struct found_boxes {
    struct box *v; /* by falling score */
    int n;
};

int vn_tune_read_form(struct tuner *t, struct vn_err *e)
{
    struct box_judge *j = NEW(t->arena, struct box_judge);
    vn_eval_task_default(&j->task);
    if (!t->o->task)
        return VN_OK;
    TRY(vn_eval_task_read(&j->task, t->arena, t->o->task, e));
    t->is_scored = !j->task.form || j->task.images;
    if (!j->task.form)
        return VN_OK;
    j->least = j->task.score_min;
    j->task.score_min = j->least > 0 ? j->least / 2 : j->least;
    t->held.boxes = j;
    return vn_box_form(&j->form, t->arena, &j->task, e);
}

int vn_tune_find_boxes(struct found_boxes **out, struct vn_arena *a, const struct tuner *t,
                       const struct vn_session *s, struct vn_err *e)
{
    const struct vn_origin whole = { 0 };
    double w, h;
    *out = NEW(a, struct found_boxes);
    TRY(vn_eval_input_size(&w, &h, s, e));
    return vn_boxes_of(&(*out)->v, &(*out)->n, a, t->held.boxes->form, s, &whole, w, h, e);
}

static double overlap(const struct box *a, const struct box *b)
{
    return vn_box_overlap((const double[4]){ a->x1, a->y1, a->x2, a->y2 },
                          (const double[4]){ b->x1, b->y1, b->x2, b->y2 });
}

/* The index of the box that is left with the largest overlap; -1: none. */
static int find_partner(double *shared, const struct found_boxes *x, const char *taken, const struct box *b)
{
    int best = -1;
    *shared = 0;
    for (int i = 0; i < x->n; i++) {
        const double o = taken[i] || x->v[i].class != b->class ? 0 : overlap(&x->v[i], b);
        if (o >= LEAST_OVERLAP && o > *shared) {
            best = i;
            *shared = o;
        }
    }
    return best;
}

static double square(double x) { return x * x; }

/* Returns the number of pairs. */
static int pair(double *risk, const struct found_boxes *x, const struct found_boxes *y)
{
    struct vn_arena *work = vn_arena_new();
    char *taken = NEW_ARRAY(work, char, x->n + 1);
    int pairs = 0;
    for (int k = 0; k < y->n; k++) {
        const struct box *b = &y->v[k];
        double shared;
        const int i = find_partner(&shared, x, taken, b);
        if (i < 0) {
            *risk += square(b->score);
            continue;
        }
        *risk += square(x->v[i].score - b->score) + square(x->v[i].score * (1 - shared));
        taken[i] = 1;
        pairs++;
    }
    for (int i = 0; i < x->n; i++)
        *risk += taken[i] ? 0 : square(x->v[i].score);
    vn_arena_free(&work);
    return pairs;
}

static struct found_boxes above(const struct found_boxes *x, double least)
{
    struct found_boxes y = { x->v, 0 };
    while (y.n < x->n && x->v[y.n].score > least)
        y.n++;
    return y;
}

void vn_tune_compare_boxes(struct output_loss *to, const struct tuner *t, const struct found_boxes *x,
                           const struct found_boxes *y)
{
    const struct found_boxes sure_x = above(x, t->held.boxes->least), sure_y = above(y, t->held.boxes->least);
    double unused = 0;
    const int both = pair(&unused, &sure_x, &sure_y);
    pair(&to->risk, x, y);
    to->agreed += both;
    to->decisions += sure_x.n + sure_y.n - both;
}
