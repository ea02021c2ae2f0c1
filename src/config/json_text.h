/* config/json_text.h - JSON read from a text or a file, tied to an arena. */
#ifndef VN_JSON_TEXT_H
#define VN_JSON_TEXT_H

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"

/* Objects whose keys are double are refused. Errors: VN_E_INPUT "WHERE:LINE:COLUMN: not JSON: ...",
 * VN_E_NOMEM. */
int vn_json_parse(json_t **out, struct vn_arena *a, const char *text, size_t bytes, const char *where,
                  struct vn_err *e);
/* A file of up to 1 GB. */
int vn_json_read(json_t **out, struct vn_arena *a, const char *path, struct vn_err *e);

#endif
