/* eval/metrics_boxes.h - boxes: from outputs, suppressed, against annotations. */
#ifndef VN_METRICS_BOXES_H
#define VN_METRICS_BOXES_H

#include <math.h>

#include "eval/evaluate.h"

struct box {
    double x1, y1, x2, y2; /* pixels of the picture */
    double score;
    int class;
    int index; /* in the order found; decides between equal scores */
};

/* ---- suppression (metrics_nms.c) ---- */

enum nms_rule { NMS_NONE, NMS_TORCHVISION, NMS_OPENCV, NMS_RULES };
int vn_nms_find(const char *name); /* -1: unknown */
/* Does a box that stays suppress another? */
int vn_nms_overlaps(const struct box *a, const struct box *b, enum nms_rule rule, double iou);
/* Indices of the boxes that stay, by falling score, equal ones as they came; returns how many.
 *
 *   torchvision   torchvision.ops.nms: float32; a box goes whose overlap with one that stays is above `iou`
 *   opencv        cv2.dnn.NMSBoxes: boxes in float64, overlap in float32; only scores above score_min take
 * part
 */
int vn_nms(int *kept, const struct box *b, int n, enum nms_rule rule, double iou, double score_min,
           struct vn_arena *work);

/* ---- outputs to boxes (metrics_boxes.c) ---- */

struct box_form;
int vn_box_form(struct box_form **f, struct vn_arena *a, const struct eval_task *t, struct vn_err *e);
/* Boxes of the last run of r, for a picture of w x h that the input's pixels come `from`: scores above
 * score_min, suppressed, at most max_boxes, by falling score. */
int vn_boxes_of(struct box **out, int *n, struct vn_arena *a, const struct box_form *f,
                const struct vn_session *model, const struct vn_origin *from, double w, double h,
                struct vn_err *e);

/* Intersection / union; x1 y1 x2 y2. */
static inline double vn_box_overlap(const double a[4], const double b[4])
{
    const double w = fmin(a[2], b[2]) - fmax(a[0], b[0]), h = fmin(a[3], b[3]) - fmax(a[1], b[1]);
    const double both = w > 0 && h > 0 ? w * h : 0;
    const double either = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both;
    return either > 0 ? both / either : 0;
}

/* ---- COCO's files (metrics_coco_json.c) ---- */

struct coco_image {
    int64_t id;
    double w, h;
    const char *file;
    int sample; /* -1: not evaluated */
};
struct coco_truth { /* one annotation */
    int64_t id;
    double x, y, w, h, area;
    int sample, category; /* indices */
    int crowd;
};
struct coco_set {
    int n_images, n_categories, n_truths;
    struct coco_image *images; /* by id */
    int64_t *categories; /* ids, rising */
    struct coco_truth *truths; /* as in the file; those of samples that are not evaluated, too */
};
struct coco_image *vn_coco_image(const struct coco_set *s, int64_t id); /* NULL: none */
int vn_coco_category(const struct coco_set *s, int64_t id); /* index, -1: none */
/* Annotations; truths[i].sample is the image's index in images. */
int vn_coco_read(struct coco_set **out, struct vn_arena *a, const char *path, struct vn_err *e);

/* Numbers of one detection in a record. */
enum { DET_CATEGORY, DET_SCORE, DET_X, DET_Y, DET_W, DET_H, DET_FIELDS }; /* DET_CATEGORY: its id */
struct coco_detection {
    int64_t image;
    double v[DET_FIELDS];
};
/* A file of detections, in its order. */
int vn_coco_detections(struct coco_detection **out, int *n, struct vn_arena *a, const char *path,
                       struct vn_err *e);
/* A file of detections into records of the images' samples. */
int vn_coco_read_detections(struct record *of, struct vn_arena *a, const struct coco_set *s, int n_samples,
                            const char *path, struct vn_err *e);
int vn_coco_write_detections(const char *path, const struct record *const *of, const struct coco_set *s,
                             struct vn_arena *a, struct vn_err *e);

#endif
