/* config/settings.h - inside config/ only, as settings.c is below all that reads keys. */
#ifndef VN_CONFIG_SETTINGS_H
#define VN_CONFIG_SETTINGS_H

#include "config/config.h"

/* Words with `sep` between, spaces taken off; a trailing separator counts for nothing. */
int vn_config_split(struct vn_arena *a, const char *text, char sep, const char ***out);

#endif
