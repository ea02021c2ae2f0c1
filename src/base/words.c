#include "base/words.h"

#include <ctype.h>
#include <string.h>

static int edit_distance(const char *a, const char *b)
{
    int row[64];
    const int n = (int)strlen(a), m = (int)strlen(b);
    if (n > 60 || m > 60)
        return 99;
    for (int j = 0; j <= m; j++)
        row[j] = j;
    for (int i = 1; i <= n; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            const int up = row[j], same = diagonal + (tolower((unsigned char)a[i - 1]) !=
                                                      tolower((unsigned char)b[j - 1]));
            const int step = (up < row[j - 1] ? up : row[j - 1]) + 1;
            row[j] = same < step ? same : step;
            diagonal = up;
        }
    }
    return row[m];
}

const char *vn_nearest(const char *word, const char *const *words, int n)
{
    const char *best = NULL;
    int least = (int)strlen(word + strspn(word, "-")) / 2 + 1; /* the dashes of an option are always right */
    for (int i = 0; i < n; i++) {
        const int d = edit_distance(word, words[i]);
        if (d < least) {
            least = d;
            best = words[i];
        }
    }
    return best;
}
