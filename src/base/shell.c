#include "base/shell.h"

const char *vn_shell_word(struct vn_arena *a, const char *word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=./:,@%";
    if (*word && strspn(word, plain) == strlen(word))
        return word;
    const char *out = "'";
    for (; *word; word++)
        out = *word == '\'' ? vn_arena_fmt(a, "%s'\\''", out) : vn_arena_fmt(a, "%s%c", out, *word);
    return vn_arena_fmt(a, "%s'", out);
}
