/* Words of the types that can be removed. */
#include "config/config.h"
#include "edit/edit.h"

const char *vn_edge_word(enum vn_edge_type t) { return vn_word_of(vn_words_remove_type, (int)t); }

int vn_edge_find(const char *word)
{
    const struct config_word *w = vn_word_find(vn_words_remove_type, word);
    return w ? w->value : -1;
}
