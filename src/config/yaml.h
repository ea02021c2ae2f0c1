/* config/yaml.h - inside config/ only. */
#ifndef VN_CONFIG_YAML_H
#define VN_CONFIG_YAML_H

#include "config/config.h"

/* Fill c->settings from YAML text; c->path is set. */
int vn_yaml_settings(struct config *c, struct vn_arena *a, const char *text, size_t bytes, struct vn_err *e);

#endif
