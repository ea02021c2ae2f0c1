/* base/words.h - a wrong word's nearest right one, for messages. */
#ifndef VN_BASE_WORDS_H
#define VN_BASE_WORDS_H

/* Smallest edit distance wins; NULL when nothing is near. */
const char *vn_nearest(const char *word, const char *const *words, int n);

#endif
