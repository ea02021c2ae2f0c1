/* quant/flat_ends.h - ends of a range that the readers of a value cannot tell apart.
 *
 * HardSwish gives 0 for everything below -3, a sigmoid nearly 1 for everything above 8. Integers spent on
 * such an end are lost for the rest of the range.
 */
#ifndef VN_FLAT_ENDS_H
#define VN_FLAT_ENDS_H

#include "quant/params.h"

struct flat_ends {
    const struct vn_ranges *r;
    const struct vn_quant_method *method;
    const char *integer; /* by node id: computes in integers */
    const char *wide; /* by value id: int16 */
};

/* Where only functions of one value read v: *r without the ends that none of them can tell apart. */
void vn_flat_ends_cut(struct range *r, const struct flat_ends *f, const struct value *v);

#endif
