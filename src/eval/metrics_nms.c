/* Non-maximum suppression by the arithmetic of two libraries. */
#include <float.h>
#include <stdlib.h>

#include "eval/metrics_boxes.h"

int vn_nms_find(const char *name)
{
    static const char *const names[NMS_RULES] = { "none", "torchvision", "opencv" };
    for (int i = 0; i < NMS_RULES; i++)
        if (!strcmp(names[i], name))
            return i;
    return -1;
}

struct order {
    double score;
    int index;
};

static int falling(const void *x, const void *y)
{
    const struct order *a = x, *b = y;
    return a->score > b->score ? -1 : a->score < b->score ? 1 : a->index - b->index;
}

static float larger(float a, float b) { return a > b ? a : b; }
static float smaller(float a, float b) { return a < b ? a : b; }

static int overlaps_torchvision(const struct box *a, const struct box *b, double iou)
{
    const float ax1 = (float)a->x1, ay1 = (float)a->y1, ax2 = (float)a->x2, ay2 = (float)a->y2;
    const float bx1 = (float)b->x1, by1 = (float)b->y1, bx2 = (float)b->x2, by2 = (float)b->y2;
    const float w = larger(0, smaller(ax2, bx2) - larger(ax1, bx1)),
                h = larger(0, smaller(ay2, by2) - larger(ay1, by1));
    const float area_a = (ax2 - ax1) * (ay2 - ay1), area_b = (bx2 - bx1) * (by2 - by1), both = w * h;
    return both / (area_a + area_b - both) > iou;
}

/* cv::Rect2d and cv::jaccardDistance: corners are x + width. */
static int overlaps_opencv(const struct box *a, const struct box *b, double iou)
{
    const double aw = a->x2 - a->x1, ah = a->y2 - a->y1, bw = b->x2 - b->x1, bh = b->y2 - b->y1;
    const double x = a->x1 > b->x1 ? a->x1 : b->x1, y = a->y1 > b->y1 ? a->y1 : b->y1;
    const double ax = a->x1 + aw, bx = b->x1 + bw, ay = a->y1 + ah, by = b->y1 + bh;
    const double w = (ax < bx ? ax : bx) - x, h = (ay < by ? ay : by) - y;
    const double all = aw * ah + bw * bh;
    const int empty = aw <= 0 || ah <= 0 || bw <= 0 || bh <= 0 || w <= 0 || h <= 0;
    const double both = empty ? 0 : w * h;
    const double distance = all <= DBL_EPSILON ? 0 : 1 - both / (all - both);
    return !(1.f - (float)distance <= (float)iou);
}

int vn_nms_overlaps(const struct box *a, const struct box *b, enum nms_rule rule, double iou)
{
    static int (*const overlaps[])(const struct box *, const struct box *,
                                   double) = { NULL, overlaps_torchvision, overlaps_opencv };
    return rule != NMS_NONE && overlaps[rule](a, b, iou);
}

int vn_nms(int *kept, const struct box *b, int n, enum nms_rule rule, double iou, double score_min,
           struct vn_arena *work)
{
    struct order *o = NEW_ARRAY(work, struct order, n);
    int taking_part = 0, n_kept = 0;
    for (int i = 0; i < n; i++)
        if (rule != NMS_OPENCV || (float)b[i].score > (float)score_min)
            o[taking_part++] = (struct order){ (float)b[i].score, i };
    qsort(o, (size_t)taking_part, sizeof *o, falling);
    for (int i = 0; i < taking_part; i++) {
        int stays = 1;
        for (int k = 0; k < n_kept && stays; k++)
            stays = !vn_nms_overlaps(&b[kept[k]], &b[o[i].index], rule, iou);
        if (stays)
            kept[n_kept++] = o[i].index;
    }
    return n_kept;
}
