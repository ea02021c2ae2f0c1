/* config/quant_config.h - inside config/ only. */
#ifndef VN_CONFIG_QUANT_CONFIG_H
#define VN_CONFIG_QUANT_CONFIG_H

#include "config/config.h"

/* The settings of quant_config; its rules about types come before those of the other keys. */
int vn_config_quant_config(struct config *c, struct vn_arena *a, struct vn_err *e);

#endif
