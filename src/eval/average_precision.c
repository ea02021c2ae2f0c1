#include "eval/average_precision.h"

#include <math.h>
#include <stdlib.h>

enum { RECALLS = 101 };

static int by_class_and_score(const void *x, const void *y)
{
    const struct counted_box *a = x, *b = y;
    if (a->class != b->class)
        return a->class < b->class ? -1 : 1;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return a->order - b->order;
}

static int count_class(const struct counted_box *b, int n)
{
    int same = 0;
    while (same < n && b[same].class == b[0].class)
        same++;
    return same;
}

/* One class. Boxes that are hits get as score the largest precision from there on. */
static double of_class(struct counted_box *b, int n, double truths)
{
    double hits = 0, boxes = 0, best = 0, sum = 0;
    for (int i = 0; i < n; i++) {
        boxes += b[i].times;
        hits += b[i].hit ? b[i].times : 0;
        b[i].score = boxes > 0 ? hits / boxes : 0;
    }
    for (int i = n - 1; i >= 0; i--)
        best = b[i].score = b[i].hit ? fmax(best, b[i].score) : best;
    hits = 0;
    for (int i = 0, r = 0; i < n; i++) {
        hits += b[i].hit ? b[i].times : 0;
        for (; b[i].hit && r < RECALLS && r * truths <= hits * (RECALLS - 1); r++)
            sum += b[i].score;
    }
    return sum / RECALLS;
}

double vn_average_precision(struct counted_box *box, int boxes, struct counted_box *truth, int truths)
{
    double sum = 0;
    int classes = 0;
    if (boxes)
        qsort(box, (size_t)boxes, sizeof *box, by_class_and_score);
    if (truths)
        qsort(truth, (size_t)truths, sizeof *truth, by_class_and_score);
    for (int i = 0, k = 0; i < truths; classes++) {
        const double class = truth[i].class;
        double all = 0;
        for (const int end = i + count_class(truth + i, truths - i); i < end; i++)
            all += truth[i].times;
        while (k < boxes && box[k].class < class)
            k++;
        if (k < boxes && box[k].class == class)
            sum += of_class(box + k, count_class(box + k, boxes - k), all);
    }
    return classes ? 100 * sum / classes : boxes ? 0 : 100;
}
