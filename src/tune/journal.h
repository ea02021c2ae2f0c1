/* tune/journal.h - what was measured, a line of JSON each, on disk before it is used. */
#ifndef VN_JOURNAL_H
#define VN_JOURNAL_H

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"

struct vn_journal;

/* resume: the records of an earlier run of the same `job` (a text) are kept, but for a last line that a crash
 * cut off. VN_E_INPUT: the file is of another job, or damaged. Closed with the arena. */
int vn_journal_open(struct vn_journal **out, struct vn_arena *a, const char *path, const char *job,
                    int resume, struct vn_err *e);
/* A record; NULL: it is not there. Borrowed while the journal is open. */
const json_t *vn_journal_find(const struct vn_journal *j, const char *kind, const char *key);
/* Takes the reference. The record is on disk when this returns. By several threads. */
int vn_journal_add(struct vn_journal *j, const char *kind, const char *key, json_t *record, struct vn_err *e);

#endif
