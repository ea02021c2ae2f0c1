/* quant/floors.h - how far the range of a masked value must reach. */
#ifndef VN_QUANT_FLOORS_H
#define VN_QUANT_FLOORS_H

#include "calib/calib.h"

/* By value id, sign * value (vn_masks_find of g): masked elements may saturate there and have probability 0
 * behind the softmax. NaN: nothing is masked. wide: by value id, int16. */
double *vn_floors_find(struct vn_arena *a, const struct graph *g, const struct mask *masks,
                       const struct vn_ranges *r, const char *wide);

#endif
