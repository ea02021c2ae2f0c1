/* base/escape.h - text of files and of the command line, as it may be printed: the one place that escapes
 * it. */
#ifndef VN_BASE_ESCAPE_H
#define VN_BASE_ESCAPE_H

#include <stddef.h>

/* Control characters (C0, DEL, C1) and bytes that are not UTF-8 as \xHH; the rest unchanged; cut off at
 * `size` bytes, the zero included, and never inside a character. `out` may not overlap `text`. Returns
 * `out`. */
char *vn_escape(char *out, size_t size, const char *text);

/* A name for a message: vn_shown(name, (char[VN_SHOWN]){ 0 }). */
#define VN_SHOWN 512
static inline const char *vn_shown(const char *name, char buf[VN_SHOWN])
{
    return name ? vn_escape(buf, VN_SHOWN, name) : "";
}

#endif
