/* base/shell.h - words of a command line. */
#ifndef VN_BASE_SHELL_H
#define VN_BASE_SHELL_H

#include "base/arena.h"

/* The word as a shell reads it: in quotes where it holds anything that a shell would interpret. */
const char *vn_shell_word(struct vn_arena *a, const char *word);

#endif
