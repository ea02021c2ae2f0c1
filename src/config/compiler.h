/* config/compiler.h - inside config/ only: combinations of compiler_parameters that the format forbids. */
#ifndef VN_CONFIG_COMPILER_H
#define VN_CONFIG_COMPILER_H

#include "config/config.h"

int vn_config_check_compiler(struct config *c, struct vn_arena *a, struct vn_err *e);
/* input_source, once the names of the inputs are those of the model. */
int vn_config_check_sources(struct config *c, struct vn_arena *a, struct vn_err *e);

#endif
