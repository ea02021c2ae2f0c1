/* config/settings.h - inside config/ only, as settings.c is below all that reads keys. */
#ifndef VN_CONFIG_SETTINGS_H
#define VN_CONFIG_SETTINGS_H

#include "config/config.h"

/* Words with `sep` between, spaces taken off; a trailing separator counts for nothing. */
int vn_config_split(struct vn_arena *a, const char *text, char sep, const char ***out);

/* Do x, which may fail with a problem of the file; then go on (vn_config_note). */
#define NOTE(c, a, x, e) TRY(vn_config_note(c, a, x, e))

/* A line for the log, at the place of the setting. */
void vn_config_warn(struct config *c, struct vn_arena *a, const struct setting *s, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Keep what a misspelt key or word means; value NULL: that is not known. */
void vn_config_mean(struct config *c, struct vn_arena *a, const char *key, const char *value);

#endif
