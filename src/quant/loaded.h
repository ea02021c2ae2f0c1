/* quant/loaded.h - scales and zero points that a network brings along: of training with quantization, or of
 * another quantizer. */
#ifndef VN_QUANT_LOADED_H
#define VN_QUANT_LOADED_H

#include "quant/quant.h"

/* Give values of a graph the network's own parameters, where the target can have them; those that are set
 * already stay. integer: by node id; wide: by value id, int16. */
void vn_loaded_apply(struct graph *g, const struct vn_map *loaded, const char *integer, const char *wide);
/* For a constant that was stored with them: NULL where it has other axes or another type, or where it was
 * changed since. `name`: as the network calls it. */
const struct qparam *vn_loaded_constant(const struct vn_map *loaded, const char *name, const struct value *v,
                                        int axis, int wide);
/* Tells how many tensors have the network's parameters, and which integer nodes' tensors do not. */
void vn_loaded_report(const struct graph *g, const struct vn_map *loaded, const char *integer,
                      const struct vn_listener *l);

#endif
