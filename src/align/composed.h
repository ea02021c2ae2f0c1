/* align/composed.h - guesses at two steps that were saved as one stage. */
#ifndef VN_ALIGN_COMPOSED_H
#define VN_ALIGN_COMPOSED_H

#include "align/rules.h"

#define MOST_GUESSES 3

struct guess {
    struct stage_rule r;
    double alike; /* correlation with the target; 0: no guess */
};

/* The likeliest sizes, best first: resize by the short side and crop, resize to a size and crop, crop and
 * resize. */
struct composed {
    struct guess of_short[MOST_GUESSES], of_both[MOST_GUESSES], of_crop[MOST_GUESSES];
    int tried;
};
/* Both as images; 0 where they cannot be looked at. */
int vn_guess_composed(struct composed *out, struct vn_arena *a, const struct vn_picture *from,
                      const struct vn_picture *to);

#endif
