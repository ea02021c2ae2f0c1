/* convert/float_network.h - a network that was quantized before, as a float one. */
#ifndef VN_FLOAT_NETWORK_H
#define VN_FLOAT_NETWORK_H

#include "config/config.h"
#include "session/session.h"

/* The network of a configuration without the scales that it brings along, as original_float begins with it.
 * *s lives as long as `a`; NULL: it brings none. */
int vn_convert_open_float(struct vn_session **s, struct vn_arena *a, const struct config *c,
                          const struct vn_session_options *o, struct vn_err *e);

#endif
