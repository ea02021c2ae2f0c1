/* config/compiler.h - inside config/ only: combinations of compiler_parameters that the format forbids. */
#ifndef VN_CONFIG_COMPILER_H
#define VN_CONFIG_COMPILER_H

#include "config/config.h"

/* compile_mode and balance_factor as struct config has them: 0 (latency) to 100 (bandwidth). */
int vn_config_economy(const struct config *c);
int vn_config_check_compiler(struct config *c, struct vn_arena *a, struct vn_err *e);
/* input_source, once the names of the inputs are those of the model. */
int vn_config_resolve_sources(struct config *c, struct vn_arena *a, struct vn_err *e);

#endif
