/* What artefacts say of their inputs. */
#include "session/input_text.h"

#include <string.h>

const char *vn_input_text(const struct input_config *in, struct vn_arena *a)
{
    return vn_arena_fmt(a, "train=%s layout_train=%s rt=%s layout_rt=%s range=%s",
                        vn_input_type_word(in->type_train), vn_layout_word(in->layout_train),
                        vn_input_type_word(in->type_rt), vn_layout_word(in->layout_rt),
                        vn_word_of(vn_words_value_range, (int)in->range));
}

/* The word behind "key=", or NULL where it is none of the words. */
static const struct config_word *field(struct vn_arena *a, const char *text, const char *key,
                                       const struct config_word *words)
{
    const size_t n = strlen(key);
    for (const char *p = text; (p = strstr(p, key)); p += n)
        if ((p == text || p[-1] == ' ') && p[n] == '=')
            return vn_word_find(words, vn_arena_strn(a, p + n + 1, strcspn(p + n + 1, " ")));
    return NULL;
}

void vn_input_parse(struct input_config *in, struct vn_arena *a, const char *text)
{
    *in = (struct input_config){ .cal_type = VN_F32 }; /* a feature map */
    if (!text)
        return;
    const struct config_word *train = field(a, text, "train", vn_words_input_type_train),
                             *rt = field(a, text, "rt", vn_words_input_type_rt),
                             *layout_train = field(a, text, "layout_train", vn_words_layout),
                             *layout_rt = field(a, text, "layout_rt", vn_words_layout),
                             *range = field(a, text, "range", vn_words_value_range);
    if (!train || !rt || !layout_train || !layout_rt || train->value == VN_IN_FEATUREMAP ||
        rt->value == VN_IN_FEATUREMAP)
        return;
    *in = (struct input_config){ .type_train = (enum vn_input_type)train->value,
                                 .type_rt = (enum vn_input_type)rt->value,
                                 .layout_train = (enum input_layout)layout_train->value,
                                 .layout_rt = (enum input_layout)layout_rt->value,
                                 .range = range ? (enum value_range)range->value : RANGE_REGULAR,
                                 .cal_type = VN_U8 };
}
