/* inspect/verify_regions.h - images whose regions a resizer turns into inputs. */
#ifndef VN_INSPECT_VERIFY_REGIONS_H
#define VN_INSPECT_VERIFY_REGIONS_H

#include "inspect/verify_inputs.h"

/* What input i is made of for a sample: an image for each of the batch, in `a`; NULL: of no region. */
int vn_verify_regions(struct vn_planes **images, struct vn_arena *a, const struct vn_session *s,
                      const struct verify_inputs *in, int i, int sample, struct vn_err *e);

/* Feed such inputs. */
int vn_verify_feed_regions(struct vn_session *s, const struct verify_inputs *in, int sample,
                           struct vn_err *e);

/* Pairs regions with the image inputs that have files, in the order in which these were named. order: inputs,
 * n of them. Errors: VN_E_USAGE. */
int vn_verify_pair_regions(struct verify_inputs *in, struct vn_arena *a, const struct vn_session *s,
                           const int *order, int n, const struct vn_verify_options *o, struct vn_err *e);

#endif
