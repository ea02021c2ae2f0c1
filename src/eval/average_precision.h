/* eval/average_precision.h - COCO's average precision at one overlap, from boxes that are matched already. */
#ifndef VN_AVERAGE_PRECISION_H
#define VN_AVERAGE_PRECISION_H

/* A box that counts `times` times; of truths, score and hit say nothing. */
struct counted_box {
    double class, score;
    int hit, times;
    int order; /* among boxes of equal scores */
};
/* Percent: over classes that have truths, the mean of the largest precision at 101 recalls and beyond. If
 * there are no truths, 100 without boxes, otherwise 0. Both lists get sorted, and scores are overwritten. */
double vn_average_precision(struct counted_box *box, int boxes, struct counted_box *truth, int truths);

#endif
