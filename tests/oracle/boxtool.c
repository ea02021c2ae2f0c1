/* boxtool RULE IOU SCORE_MIN < BOXES: vn_nms of lines "x1 y1 x2 y2 score"; prints the indices that stay. */
#include <stdio.h>
#include <stdlib.h>

#include "eval/metrics_boxes.h"

int main(int argc, char **argv)
{
    struct vn_arena *a = vn_arena_new();
    VEC(struct box) boxes = { 0 };
    struct box b = { 0 };
    if (argc != 4 || vn_nms_find(argv[1]) < 0)
        return 2;
    while (scanf("%lf %lf %lf %lf %lf", &b.x1, &b.y1, &b.x2, &b.y2, &b.score) == 5)
        VEC_PUSH(a, &boxes, b);
    int *kept = NEW_ARRAY(a, int, boxes.n);
    const int n =
        vn_nms(kept, boxes.v, boxes.n, (enum nms_rule)vn_nms_find(argv[1]), atof(argv[2]), atof(argv[3]), a);
    for (int i = 0; i < n; i++)
        printf("%d\n", kept[i]);
    vn_arena_free(&a);
    return 0;
}
