/* inspect/edited_ports.h - artefacts whose first or last nodes were removed (vernier/edit.h). */
#ifndef VN_INSPECT_EDITED_PORTS_H
#define VN_INSPECT_EDITED_PORTS_H

#include "session/session.h"

/* Does the artefact say that it was edited? */
int vn_is_edited(const struct vn_session *s);

/* Have they inputs and outputs of the same names? */
int vn_has_same_ports(const struct vn_session *x, const struct vn_session *y);

/* Are all inputs and outputs of `part` values of `whole`? */
int vn_is_within(const struct vn_session *part, const struct vn_session *whole);

/* The nodes that one artefact says were removed and the other has: "NAME (Softmax at ...); ...". NULL: there
 * are none. */
const char *vn_removed_nodes(struct vn_arena *a, const struct vn_session *x, const struct vn_session *y);

/* The part of the network of `onnx` between the inputs and outputs of `bin`, on the reference executor: *s
 * lives as long as `a`. VN_E_INPUT: there is none. */
int vn_cut_session(struct vn_session **s, struct vn_arena *a, const struct vn_session *onnx,
                   const struct vn_session *bin, struct vn_err *e);

#endif
