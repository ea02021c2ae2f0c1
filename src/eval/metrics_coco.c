/* COCO's mean average precision, step by step as pycocotools counts it. A sample's record: its detections,
 * DET_FIELDS numbers each. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "eval/metrics_boxes.h"

enum { THRESHOLDS = 10, RECALLS = 101, AREAS = 4, LIMITS = 3 };

static const double area_range[AREAS][2] = {
    { 0, 1e10 }, { 0, 32 * 32 }, { 32 * 32, 96 * 96 }, { 96 * 96, 1e10 }
}; /* all, small, medium, large */

/* A detection after matching. */
struct matched {
    double score;
    int sample, category;
    int rank; /* among those of its sample and category, by score */
    uint16_t hit[AREAS], ignored[AREAS]; /* bit t: at threshold t */
};
/* All detections of a model, by category, then score; equal ones by image, then rank. */
struct matches {
    const struct record *const *of; /* the model's records */
    struct matched *v;
    int n;
    struct matches *next;
};

struct truth {
    struct coco_set *set;
    struct box_form *form; /* NULL: detections come from files */
    int *image; /* of each sample: index in set->images */
    /* truths of sample s: sorted[first[s]] .. sorted[first[s + 1]], by category, then as in the file */
    int *first, n_sorted;
    int *sorted;
    int n_ids;
    int64_t *ids; /* category of each class; NULL: the set's */
    int limit[LIMITS];
    struct matches *done;
};

static double threshold(int t) { return t == THRESHOLDS - 1 ? 0.95 : t * ((0.95 - 0.5) / 9) + 0.5; }
static double recall_at(int r) { return r == RECALLS - 1 ? 1 : r * 0.01; }

/* ---- the annotations ---- */

/* Which sample is which image; without pictures every image is a sample. */
static int join_images(struct eval_set *ev, struct truth *t, struct vn_err *e)
{
    struct coco_set *s = t->set;
    struct vn_map *by_file = vn_map_new(ev->arena);
    if (!ev->samples) {
        ev->n_samples = ev->task->limit && ev->task->limit < s->n_images ? ev->task->limit : s->n_images;
        ev->samples = NEW_ARRAY(ev->arena, struct sample, ev->n_samples);
        for (int i = 0; i < ev->n_samples; i++)
            ev->samples[i] = (struct sample){ s->images[i].file, s->images[i].file, -1 };
    }
    t->image = NEW_ARRAY(ev->arena, int, ev->n_samples);
    ev->n_labelled = s->n_images;
    for (int i = 0; i < s->n_images; i++) {
        struct coco_image *before = vn_map_get(by_file, vn_path_base(s->images[i].file));
        if (before && t->form)
            return vn_fail(e, VN_E_INPUT, "%s: images %lld and %lld have the same file_name '%s'",
                           ev->task->labels, (long long)before->id, (long long)s->images[i].id,
                           vn_path_base(s->images[i].file));
        vn_map_set(by_file, vn_path_base(s->images[i].file), &s->images[i]);
    }
    for (int i = 0; i < ev->n_samples; i++) {
        struct coco_image *m =
            t->form ? vn_map_get(by_file, vn_path_base(ev->samples[i].name)) : &s->images[i];
        if (!m)
            return vn_fail(e, VN_E_INPUT, "%s: no image with the file_name %s", ev->task->labels,
                           ev->samples[i].name);
        if (m->sample >= 0)
            return vn_fail(e, VN_E_INPUT, "%s and %s are the same image of %s", ev->samples[i].name,
                           ev->samples[m->sample].name, ev->task->labels);
        if (t->form && !(m->w >= 1 && m->h >= 1))
            return vn_fail(e, VN_E_INPUT, "%s: image %s has no width and height", ev->task->labels, m->file);
        m->sample = i;
        t->image[i] = (int)(m - s->images);
    }
    return VN_OK;
}

struct truth_key {
    int sample, category, index;
};

static int by_key(const void *x, const void *y)
{
    const struct truth_key *a = x, *b = y;
    return a->sample != b->sample       ? a->sample - b->sample
           : a->category != b->category ? a->category - b->category
                                        : a->index - b->index;
}

static void sort_truths(struct eval_set *ev, struct truth *t)
{
    const struct coco_set *s = t->set;
    struct truth_key *k = NEW_ARRAY(ev->arena, struct truth_key, s->n_truths);
    t->sorted = NEW_ARRAY(ev->arena, int, s->n_truths);
    t->first = NEW_ARRAY(ev->arena, int, ev->n_samples + 1);
    for (int i = 0; i < s->n_truths; i++) {
        const int sample = s->truths[i].sample < 0 ? -1 : s->images[s->truths[i].sample].sample;
        s->truths[i].sample = sample;
        if (sample >= 0 && s->truths[i].category >= 0)
            k[t->n_sorted++] = (struct truth_key){ sample, s->truths[i].category, i };
    }
    qsort(k, (size_t)t->n_sorted, sizeof *k, by_key);
    for (int i = 0; i < t->n_sorted; i++) {
        t->sorted[i] = k[i].index;
        t->first[k[i].sample + 1] = i + 1;
    }
    for (int i = 0; i < ev->n_samples; i++)
        if (t->first[i + 1] < t->first[i])
            t->first[i + 1] = t->first[i];
}

static int read_settings(struct truth *t, struct eval_set *ev, struct vn_err *e)
{
    double v[1024];
    int n;
    TRY(vn_eval_numbers(v, LIMITS, &n, ev->task->max_detections, "max_detections", e));
    for (int i = 0; i < n; i++)
        if (!(v[i] >= 1 && v[i] <= 100000 && (!i || v[i] >= v[i - 1])))
            return vn_fail(e, VN_E_USAGE,
                           "max_detections: expected rising numbers from 1 to 100000, got '%s'",
                           ev->task->max_detections);
    for (int i = 0; i < LIMITS; i++)
        t->limit[i] = (int)v[i < n ? i : n - 1];
    if (n != LIMITS)
        return vn_fail(e, VN_E_USAGE, "max_detections: expected three numbers, got '%s'",
                       ev->task->max_detections);
    if (!ev->task->category_ids)
        return VN_OK;
    TRY(vn_eval_numbers(v, 1024, &t->n_ids, ev->task->category_ids, "category_ids", e));
    t->ids = NEW_ARRAY(ev->arena, int64_t, t->n_ids);
    for (int i = 0; i < t->n_ids; i++)
        t->ids[i] = (int64_t)fmin(fmax(v[i], -1e15), 1e15);
    return VN_OK;
}

static int prepare(struct eval_set *ev, struct vn_err *e)
{
    static const char *const names[] = { "AP", "AP50", "AP75", "APsmall", "APmedium", "APlarge",
                                         "AR", "AR",   "AR",   "ARsmall", "ARmedium", "ARlarge" };
    struct truth *t = ev->truth = NEW(ev->arena, struct truth);
    if (!ev->task->labels)
        return vn_fail(e, VN_E_USAGE, "coco requires --labels: the annotations as JSON");
    TRY(read_settings(t, ev, e));
    if (ev->samples)
        TRY(vn_box_form(&t->form, ev->arena, ev->task, e));
    TRY(vn_coco_read(&t->set, ev->arena, ev->task->labels, e));
    TRY(join_images(ev, t, e));
    sort_truths(ev, t);
    ev->n_scores = (int)(sizeof names / sizeof *names);
    ev->score_name = (const char **)vn_arena_copy(ev->arena, names, sizeof names);
    for (int i = 0; i < LIMITS; i++)
        ev->score_name[6 + i] = vn_arena_fmt(ev->arena, "AR%d", t->limit[i]);
    return VN_OK;
}

/* ---- detections of a sample ---- */

/* As Python's round(): the decimal nearest to the binary value. */
static double rounded(double x, int digits)
{
    char text[400];
    if (digits < 0)
        return x;
    snprintf(text, sizeof text, "%.*f", digits, x);
    return strtod(text, NULL);
}

static void round_record(double *v, int n, const struct eval_task *t)
{
    for (int i = 0; i < n; i += DET_FIELDS) {
        v[i + DET_SCORE] = rounded(v[i + DET_SCORE], t->round_scores);
        for (int k = DET_X; k <= DET_H; k++)
            v[i + k] = rounded(v[i + k], t->round_boxes);
    }
}

static int category_of(int64_t *id, const struct truth *t, int class, const struct vn_session *model,
                       struct vn_err *e)
{
    const int n = t->ids ? t->n_ids : t->set->n_categories;
    if (class >= n)
        return vn_fail(e, VN_E_INPUT,
                       "%s: class %d, but %s %d; set --first-class to skip background, or --category-ids to "
                       "name the categories of classes",
                       vn_session_path(model), class,
                       t->ids ? "category_ids has only" : "the number of categories in the annotations is",
                       n);
    *id = t->ids ? t->ids[class] : t->set->categories[class];
    return VN_OK;
}

static int to_record(struct record *out, struct vn_arena *a, const struct eval_set *ev, const struct box *b,
                     int n, const struct vn_session *model, struct vn_err *e)
{
    double *v = NEW_ARRAY(a, double, n *DET_FIELDS);
    *out = (struct record){ n * DET_FIELDS, v };
    for (int i = 0; i < n; i++, b++) {
        int64_t id = 0;
        TRY(category_of(&id, ev->truth, b->class, model, e));
        const double one[DET_FIELDS] = {
            (double)id, b->score, b->x1, b->y1, fmax(b->x2 - b->x1, 0), fmax(b->y2 - b->y1, 0)
        };
        memcpy(v + i * DET_FIELDS, one, sizeof one);
    }
    round_record(v, out->n, ev->task);
    return VN_OK;
}

static int keep(struct record *out, struct vn_arena *a, const struct eval_set *ev, int i,
                const struct vn_session *model, const struct vn_origin *from, struct vn_err *e)
{
    const struct truth *t = ev->truth;
    const struct coco_image *m = &t->set->images[t->image[i]];
    struct vn_arena *work = vn_arena_new();
    struct box *b;
    int n;
    int status = vn_boxes_of(&b, &n, work, t->form, model, from, m->w, m->h, e);
    if (status == VN_OK)
        status = to_record(out, a, ev, b, n, model, e);
    vn_arena_free(&work);
    return status;
}

static int valid(const struct record *r, const struct eval_set *ev, int i)
{
    (void)ev, (void)i;
    for (int k = 0; k < r->n; k++)
        if (!(fabs(r->v[k]) < 1e15))
            return 0;
    return r->n % DET_FIELDS == 0;
}

static int read_results(struct record *of, const struct eval_set *ev, const char *path, struct vn_err *e)
{
    struct truth *t = ev->truth;
    TRY(vn_coco_read_detections(of, ev->arena, t->set, ev->n_samples, path, e));
    for (int i = 0; i < ev->n_samples; i++)
        round_record((double *)of[i].v, of[i].n, ev->task);
    return VN_OK;
}

static int write_results(const char *path, const struct eval_set *ev, const struct record *const *of,
                         struct vn_err *e)
{
    return vn_coco_write_detections(path, of, ((struct truth *)ev->truth)->set, ev->arena, e);
}

/* ---- matching: COCOeval.evaluateImg ---- */

struct pair {
    const double *det; /* DET_FIELDS */
    int category, index;
};

static int by_category_and_score(const void *x, const void *y)
{
    const struct pair *a = x, *b = y;
    if (a->category != b->category)
        return a->category - b->category;
    return a->det[DET_SCORE] > b->det[DET_SCORE]   ? -1
           : a->det[DET_SCORE] < b->det[DET_SCORE] ? 1
                                                   : a->index - b->index;
}

/* Overlap; with a crowd its share of the detection. */
static double overlap(const double *d, const struct coco_truth *g)
{
    const double w = fmin(d[DET_X] + d[DET_W], g->x + g->w) - fmax(d[DET_X], g->x),
                 h = fmin(d[DET_Y] + d[DET_H], g->y + g->h) - fmax(d[DET_Y], g->y);
    if (w <= 0 || h <= 0)
        return 0;
    const double area = d[DET_W] * d[DET_H], both = w * h;
    return both / (g->crowd ? area : area + g->w * g->h - both);
}

static int outside(double area, int range)
{
    return area < area_range[range][0] || area > area_range[range][1];
}

/* The truths of one sample and category, those that count first. */
struct goals {
    int n;
    const struct coco_truth **of;
    int *column; /* in iou */
    char *ignored, *taken;
};

static void order_goals(struct goals *g, const struct truth *t, int first, int n, int area)
{
    g->n = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < n; i++) {
            const struct coco_truth *x = &t->set->truths[t->sorted[first + i]];
            const int ignored = x->crowd || outside(x->area, area);
            if (ignored != pass)
                continue;
            g->of[g->n] = x;
            g->column[g->n] = i;
            g->ignored[g->n++] = (char)ignored;
        }
}

/* The goal that a detection takes at a threshold; -1: none. */
static int take(const struct goals *g, const double *iou, double least)
{
    double best = fmin(least, 1 - 1e-10);
    int found = -1;
    for (int k = 0; k < g->n; k++) {
        if (g->taken[k] && !g->of[k]->crowd)
            continue;
        if (found >= 0 && !g->ignored[found] && g->ignored[k])
            break;
        if (iou[g->column[k]] < best)
            continue;
        best = iou[g->column[k]];
        found = k;
    }
    return found;
}

static void match_group(struct matched *out, const struct pair *d, int n, const struct truth *t, int first,
                        int n_truths, struct vn_arena *work)
{
    double *iou = NEW_ARRAY(work, double, (size_t)n *(size_t)n_truths);
    struct goals g = { 0, NEW_ARRAY(work, const struct coco_truth *, n_truths),
                       NEW_ARRAY(work, int, n_truths), NEW_ARRAY(work, char, n_truths),
                       NEW_ARRAY(work, char, n_truths) };
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n_truths; k++)
            iou[(size_t)i * n_truths + k] = overlap(d[i].det, &t->set->truths[t->sorted[first + k]]);
    for (int area = 0; area < AREAS; area++) {
        order_goals(&g, t, first, n_truths, area);
        for (int th = 0; th < THRESHOLDS; th++) {
            memset(g.taken, 0, (size_t)n_truths);
            for (int i = 0; i < n; i++) {
                const int k = take(&g, iou + (size_t)i * n_truths, threshold(th));
                const int hit = k >= 0 && g.of[k]->id != 0; /* pycocotools takes the id 0 for "none" */
                const int ignored =
                    (k >= 0 && g.ignored[k]) || (!hit && outside(d[i].det[DET_W] * d[i].det[DET_H], area));
                if (k >= 0)
                    g.taken[k] = 1;
                out[i].hit[area] |= (uint16_t)(hit << th);
                out[i].ignored[area] |= (uint16_t)(ignored << th);
            }
        }
    }
}

static void match_sample(struct matches *m, const struct truth *t, const struct record *r, int sample,
                         struct vn_arena *work)
{
    struct pair *p = NEW_ARRAY(work, struct pair, r->n / DET_FIELDS);
    int n = 0, first = t->first[sample];
    for (int i = 0; i < r->n / DET_FIELDS; i++) {
        const int category = vn_coco_category(t->set, (int64_t)r->v[i * DET_FIELDS + DET_CATEGORY]);
        if (category >= 0)
            p[n++] = (struct pair){ r->v + i * DET_FIELDS, category, i };
    }
    qsort(p, (size_t)n, sizeof *p, by_category_and_score);
    for (int i = 0, next; i < n; i = next) {
        for (next = i + 1; next < n && p[next].category == p[i].category; next++)
            ;
        const int count = next - i < t->limit[LIMITS - 1] ? next - i : t->limit[LIMITS - 1];
        while (first < t->first[sample + 1] && t->set->truths[t->sorted[first]].category < p[i].category)
            first++;
        int last = first;
        while (last < t->first[sample + 1] && t->set->truths[t->sorted[last]].category == p[i].category)
            last++;
        for (int k = 0; k < count; k++)
            m->v[m->n + k] = (struct matched){
                .score = p[i + k].det[DET_SCORE], .sample = sample, .category = p[i].category, .rank = k
            };
        match_group(m->v + m->n, p + i, count, t, first, last - first, work);
        m->n += count;
    }
}

struct placed {
    struct matched m;
    int image, index; /* samples are in the order of names, pycocotools counts in the order of ids */
};

static int by_place(const void *x, const void *y)
{
    const struct placed *a = x, *b = y;
    if (a->m.category != b->m.category)
        return a->m.category - b->m.category;
    if (a->m.score != b->m.score)
        return a->m.score > b->m.score ? -1 : 1;
    return a->image != b->image ? a->image - b->image : a->index - b->index;
}

/* Matching does not depend on what a resample draws: it is done once for each model. */
static const struct matches *match(const struct eval_set *ev, const struct record *const *of)
{
    struct truth *t = ev->truth;
    for (const struct matches *m = t->done; m; m = m->next)
        if (m->of == of)
            return m;
    size_t n = 0;
    for (int i = 0; i < ev->n_samples; i++)
        n += (size_t)of[i]->n / DET_FIELDS;
    struct matches *m = NEW(ev->arena, struct matches);
    *m = (struct matches){ .of = of, .v = NEW_ARRAY(ev->arena, struct matched, n), .next = t->done };
    for (int i = 0; i < ev->n_samples; i++) {
        struct vn_arena *work = vn_arena_new();
        match_sample(m, t, of[i], i, work);
        vn_arena_free(&work);
    }
    struct vn_arena *work = vn_arena_new();
    struct placed *p = NEW_ARRAY(work, struct placed, m->n);
    for (int i = 0; i < m->n; i++)
        p[i] = (struct placed){ m->v[i], t->image[m->v[i].sample], i };
    qsort(p, (size_t)m->n, sizeof *p, by_place);
    for (int i = 0; i < m->n; i++)
        m->v[i] = p[i].m;
    vn_arena_free(&work);
    t->done = m;
    return m;
}

/* ---- COCOeval.accumulate and summarize ---- */

/* Over the categories that have truths. */
struct sums {
    double precision[THRESHOLDS]; /* of means over recalls */
    double recall[THRESHOLDS];
    int categories;
};

/* How many truths each category has. */
static void count_truths(double *count, const struct truth *t, int area, const int *times)
{
    memset(count, 0, (size_t)t->set->n_categories * sizeof *count);
    for (int i = 0; i < t->n_sorted; i++) {
        const struct coco_truth *g = &t->set->truths[t->sorted[i]];
        if (!g->crowd && !outside(g->area, area))
            count[g->category] += times[g->sample];
    }
}

/* The precision at every hit, of one category at one threshold: between hits it only falls, so no other
 * detection decides. */
struct curve {
    double *precision;
    int hits;
    double misses;
};

static void add_detection(struct curve *c, int hit, int times)
{
    if (!hit)
        c->misses += times;
    for (; hit && times > 0; times--) {
        const double hits = ++c->hits;
        c->precision[c->hits - 1] = hits / (c->misses + hits + DBL_EPSILON);
    }
}

/* Mean over the recalls of the largest precision from there on. */
static double mean_precision(const struct curve *c, double truths)
{
    double *p = c->precision, sum = 0;
    for (int i = c->hits - 1; i > 0; i--)
        p[i - 1] = p[i] > p[i - 1] ? p[i] : p[i - 1];
    for (int r = 0, i = 0; r < RECALLS; r++) {
        while (i < c->hits && (i + 1) / truths < recall_at(r))
            i++;
        sum += i < c->hits ? p[i] : 0;
    }
    return sum / RECALLS;
}

/* One category: detections d[0..n); a sample's detections count times[sample] times. `room` has space for
 * `truths` hits at each threshold. */
static void add_category(struct sums *to, const struct matched *d, int n, double truths, int area, int limit,
                         const int *times, double *room)
{
    struct curve c[THRESHOLDS];
    for (int th = 0; th < THRESHOLDS; th++)
        c[th] = (struct curve){ .precision = room + (size_t)th * (size_t)truths };
    for (int i = 0; i < n; i++) {
        const int counts = ~d[i].ignored[area] & ((1 << THRESHOLDS) - 1),
                  often = d[i].rank < limit ? times[d[i].sample] : 0;
        for (int th = 0; th < THRESHOLDS && often && counts; th++)
            if (counts >> th & 1)
                add_detection(&c[th], d[i].hit[area] >> th & 1, often);
    }
    for (int th = 0; th < THRESHOLDS; th++) {
        to->precision[th] += mean_precision(&c[th], truths);
        to->recall[th] += c[th].hits / truths;
    }
    to->categories++;
}

static struct sums accumulate(const struct truth *t, const struct matches *m, int area, int limit,
                              const int *times)
{
    struct sums s = { .categories = 0 };
    struct vn_arena *work = vn_arena_new();
    double *truths = NEW_ARRAY(work, double, t->set->n_categories), most = 0;
    count_truths(truths, t, area, times);
    for (int c = 0; c < t->set->n_categories; c++)
        most = truths[c] > most ? truths[c] : most;
    double *room = vn_arena_array(work, (size_t)most, THRESHOLDS * sizeof *room);
    for (int c = 0, first = 0, last; c < t->set->n_categories; c++, first = last) {
        for (last = first; last < m->n && m->v[last].category == c; last++)
            ;
        if (truths[c] > 0)
            add_category(&s, m->v + first, last - first, truths[c], area, limit, times, room);
    }
    vn_arena_free(&work);
    return s;
}

static double mean(const struct sums *s, const double *of, int from, int to)
{
    double sum = 0;
    for (int th = from; th < to; th++)
        sum += of[th];
    return s->categories ? 100 * sum / (to - from) / s->categories : NAN;
}

static void score(double *out, const struct eval_set *ev, const struct record *const *of, const int *times)
{
    enum { AT_75 = 5 };
    const struct truth *t = ev->truth;
    const struct matches *m = match(ev, of);
    struct sums s = accumulate(t, m, 0, t->limit[LIMITS - 1], times);
    out[0] = mean(&s, s.precision, 0, THRESHOLDS);
    out[1] = mean(&s, s.precision, 0, 1);
    out[2] = mean(&s, s.precision, AT_75, AT_75 + 1);
    out[8] = mean(&s, s.recall, 0, THRESHOLDS);
    for (int i = 0; i < LIMITS; i++) { /* small, medium, large; the first two limits */
        s = accumulate(t, m, 1 + i, t->limit[LIMITS - 1], times);
        out[3 + i] = mean(&s, s.precision, 0, THRESHOLDS);
        out[9 + i] = mean(&s, s.recall, 0, THRESHOLDS);
        if (i == LIMITS - 1)
            break;
        s = accumulate(t, m, 0, t->limit[i], times);
        out[6 + i] = mean(&s, s.recall, 0, THRESHOLDS);
    }
}

const struct metric vn_metric_coco = {
    "coco", "%", prepare, keep, valid, score, read_results, write_results
};
