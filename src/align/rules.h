/* align/rules.h - between explain.c, which searches, and rules.c, which applies what is searched for. */
#ifndef VN_ALIGN_RULES_H
#define VN_ALIGN_RULES_H

#include "align/align.h"

/* An array as a picture: rows, columns, channels; values as float, which holds 8 and 16 bits exactly. */
struct grid {
    struct vn_picture p; /* U8 or F32 */
    const char *layout; /* "HW", "HWC", "CHW", "NHWC", "NCHW"; NULL: no picture */
    const struct vn_tensor *t;
    double rounding; /* largest difference that counts as none */
};
void vn_grid_of(struct grid *g, struct vn_arena *a, const struct vn_tensor *t);

/* GEO_RESIZE_CROP: the size between and where the crop begins in it; GEO_CROP_RESIZE: size and place of the
 * crop. 0: does not apply. */
struct inside {
    int w, h, x, y;
};
int vn_rule_inside(struct inside *o, const struct stage_rule *r, int in_w, int in_h, int w, int h);
/* What a rule makes of a picture for a target of w x h; 0 where it does not apply. */
int vn_rule_geometry(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in,
                     const struct stage_rule *r, int w, int h);
int vn_rule_channels(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in,
                     const struct stage_rule *r);
/* Compares what the rule's values make of `p` with y: the largest difference, and how many differ by more
 * than rounding. */
double vn_rule_values(int64_t *different, const struct vn_picture *p, const struct grid *y,
                      const struct stage_rule *r);
/* A look at a few places: may it be so, p's three channels taken in this order (NULL: as they are)? */
int vn_rule_possible(const struct vn_picture *p, const int order[3], const struct grid *y,
                     const struct stage_rule *r);
/* Likewise: may lines lead from p to y? */
int vn_line_possible(const struct vn_picture *p, const struct grid *y, const int order[3]);
/* gain and offset of each channel that lead from p to y; 0 where no line does. */
int vn_fit_line(struct stage_rule *r, const struct vn_picture *p, const struct grid *y);
/* A factor or a mean as people write it, and as a pipeline takes it. */
const char *vn_rule_number(struct vn_arena *a, double x);
/* All at once: does the rule lead from x to y? Sets r->left, r->left_count. */
int vn_rule_holds(struct stage_rule *r, struct vn_arena *a, const struct grid *x, const struct grid *y);

#endif
