/* kernels/portable/detection_output.c - what an SSD detector has found (Liu et al., "SSD: Single Shot
 * MultiBox Detector", 2016), as Caffe's DetectionOutput gives it: boxes decoded against default boxes,
 * non-maximum suppression for each class, the best of all.
 * in: offsets (N x P x 4), scores (N x P x classes), default boxes and variances (2 x P x 4).
 * out: N x K rows of (image, class, score, x0, y0, x1, y1), by class and then by score; rows left over are
 * (image, -1, ...). i[0] classes; i[1] the background's class, -1: none; i[2] how offsets are coded: 0
 * corners, 1 centre and size, 2 corners in units of the default box; i[3]: 1 offsets are in units of
 * variances already; i[4]: candidates of each class; i[5]: K. f[0]: overlap over which a box gives way to
 * a better one; f[1]: scores must be above. */
#include "kernels/portable/sorting.h"
#include "num/num.h"

struct sizes {
    int64_t pictures, boxes, classes, candidates, rows;
};

static struct sizes sizes(const struct vn_portable_args *a)
{
    const int64_t boxes = a->in[2].count / 8;
    return (struct sizes){ boxes ? a->in[0].count / (4 * boxes) : 0, boxes, a->i[0], a->i[4], a->i[5] };
}

static const char *check(const struct vn_portable_args *a)
{
    if (a->n_in != 3 || !vn_cells_real(&a->in[0]) || !vn_cells_real(&a->in[1]) || !vn_cells_real(&a->in[2]) ||
        !vn_cells_real(&a->out))
        return "detection_output: wrong inputs";
    if (a->in[2].count < 8 || a->in[2].count % 8 || a->i[0] < 1 || a->i[1] < -1 || a->i[2] < VN_BOX_CORNER ||
        a->i[2] > VN_BOX_CORNER_SIZE || a->i[4] < 1 || a->i[5] < 1)
        return "detection_output: wrong parameters";
    const struct sizes s = sizes(a);
    if (a->in[0].count != s.pictures * s.boxes * 4 || a->in[1].count / s.boxes / s.classes != s.pictures ||
        a->in[1].count % (s.boxes * s.classes) || s.candidates > s.boxes || a->out.count % 7 ||
        a->out.count / 7 / s.rows != s.pictures || a->out.count % (7 * s.rows))
        return "detection_output: shapes do not match";
    return NULL;
}

/* Decoded boxes, sorted places twice; of each candidate kept: box, class, score; sorted places of those
 * twice, chosen ones. */
static int64_t scratch(const struct vn_portable_args *a)
{
    const struct sizes s = sizes(a);
    return 6 * s.boxes + 6 * s.classes * s.candidates;
}

struct kept_boxes {
    int64_t n, *box, *label;
    double *score;
};

static void decode(double *y, const struct vn_portable_args *a, int64_t picture, int64_t boxes)
{
    for (int64_t i = 0; i < boxes; i++, y += 4) {
        double p[4], l[4];
        for (int k = 0; k < 4; k++) {
            p[k] = vn_cell(&a->in[2], 4 * i + k);
            l[k] = vn_cell(&a->in[0], 4 * (picture * boxes + i) + k) *
                   (a->i[3] ? 1 : vn_cell(&a->in[2], 4 * (boxes + i) + k));
        }
        const double w = p[2] - p[0], h = p[3] - p[1];
        if (a->i[2] == VN_BOX_CENTER_SIZE) {
            const double cx = l[0] * w + (p[0] + p[2]) / 2, cy = l[1] * h + (p[1] + p[3]) / 2,
                         sx = vn_exp(l[2]) * w / 2, sy = vn_exp(l[3]) * h / 2;
            y[0] = cx - sx;
            y[1] = cy - sy;
            y[2] = cx + sx;
            y[3] = cy + sy;
        } else
            for (int k = 0; k < 4; k++)
                y[k] = p[k] + l[k] * (a->i[2] == VN_BOX_CORNER ? 1 : k % 2 ? h : w);
    }
}

static double least(double a, double b) { return a < b ? a : b; }
static double most(double a, double b) { return a > b ? a : b; }

/* Intersection over union. */
static double overlap(const double *a, const double *b)
{
    const double w = least(a[2], b[2]) - most(a[0], b[0]), h = least(a[3], b[3]) - most(a[1], b[1]);
    if (w <= 0 || h <= 0)
        return 0;
    return w * h / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h);
}

/* One class: from the best score down, what does not overlap with a better one. */
static void suppress(struct kept_boxes *k, const struct vn_portable_args *a, const struct sizes *s,
                     int64_t picture, int64_t label, const double *boxes, int64_t *places)
{
    const struct vn_cells *scores = &a->in[1];
    const int64_t base = picture * s->boxes * s->classes + label, first = k->n;
    const int64_t *order = vn_sorted(scores, base, s->classes, s->boxes, 1, places, places + s->boxes);
    for (int64_t i = 0; i < s->candidates; i++) {
        const double score = vn_cell(scores, base + order[i] * s->classes);
        int64_t j = first;
        if (!(score > (double)a->f[1]))
            break;
        while (j < k->n && overlap(boxes + 4 * order[i], boxes + 4 * k->box[j]) <= (double)a->f[0])
            j++;
        if (j < k->n)
            continue;
        k->box[k->n] = order[i];
        k->label[k->n] = label;
        k->score[k->n++] = score;
    }
}

/* The best rows of an image, in the order in which they were kept. */
static void write_rows(struct vn_portable_args *a, const struct kept_boxes *k, const struct sizes *s,
                       int64_t picture, const double *boxes, int64_t *places)
{
    const struct vn_cells scores = { VN_F64, 1, { k->n }, k->n, k->score };
    const int64_t all = s->classes * s->candidates;
    int64_t *order = vn_sorted(&scores, 0, 1, k->n, 1, places, places + all), *chosen = places + 2 * all,
            at = picture * s->rows * 7, rows = 0;
    for (int64_t i = 0; i < k->n; i++)
        chosen[i] = 0;
    for (int64_t i = 0; i < k->n && i < s->rows; i++)
        chosen[order[i]] = 1;
    for (int64_t i = 0; i < k->n; i++) {
        if (!chosen[i])
            continue;
        const double *box = boxes + 4 * k->box[i],
                     row[7] = { (double)picture, (double)k->label[i], k->score[i], box[0], box[1], box[2],
                                box[3] };
        for (int c = 0; c < 7; c++)
            vn_cell_set(&a->out, at++, row[c]);
        rows++;
    }
    for (; rows < s->rows; rows++)
        for (int c = 0; c < 7; c++)
            vn_cell_set(&a->out, at++, c ? -1 : (double)picture);
}

static const char *run(struct vn_portable_args *a)
{
    const struct sizes s = sizes(a);
    const int64_t all = s.classes * s.candidates;
    double *boxes = (double *)a->scratch;
    int64_t *places = a->scratch + 4 * s.boxes, *more = places + 2 * s.boxes;
    struct kept_boxes k = { 0, more, more + all, (double *)(more + 2 * all) };
    for (int64_t n = 0; n < s.pictures; n++) {
        k.n = 0;
        decode(boxes, a, n, s.boxes);
        for (int64_t c = 0; c < s.classes; c++)
            if (c != a->i[1])
                suppress(&k, a, &s, n, c, boxes, places);
        write_rows(a, &k, &s, n, boxes, more + 3 * all);
    }
    return NULL;
}

const struct vn_portable vn_portable_detection_output = { "detection_output", check, scratch, run };
