/* vernier/reason.h - why a node computes in float32, as an id with arguments; why a model cannot be used.
 *
 * Programs decide by the id; the text is for people and may be worded anew.
 */
#ifndef VERNIER_REASON_H
#define VERNIER_REASON_H

#include <stddef.h>

#include <vernier/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vn_reason; /* opaque; belongs to the result that it comes from */

const char *vn_reason_id(const struct vn_reason *r); /* a word, the same in every version */
/* How many arguments, and which: names and numbers as text. */
int vn_reason_args(const struct vn_reason *r, const char *const **args);
/* Write the text, cut and terminated as snprintf does it; returns its full length. */
int vn_reason_text(char *text, size_t bytes, const struct vn_reason *r);
const char *vn_reason_remedy(const struct vn_reason *r); /* what to do about it; NULL: nothing is known */

/* Of an error of the toolchain: NULL where it is none of the known problems. */
const char *vn_problem_id(const struct vn_err *e);
const char *vn_problem_remedy(const struct vn_err *e);

#ifdef __cplusplus
}
#endif
#endif
