/* The tables of words.def. */
#include <vernier/edit.h>

#include "config/config.h"

#define WORDS(list) const struct config_word vn_words_##list[]
#define ROW(id, word) { word, id },

WORDS(input_type_rt) = {
#define INPUT_TYPE ROW
#include "config/words.def"
    { 0 }
};

WORDS(input_type_train) = {
#define INPUT_TYPE ROW
#define INPUT_TYPE_RT(id, word)
#include "config/words.def"
    { 0 }
};

WORDS(layout) = {
#define LAYOUT ROW
#include "config/words.def"
    { 0 }
};

WORDS(value_range) = {
#define VALUE_RANGE ROW
#include "config/words.def"
    { 0 }
};

WORDS(norm_type) = {
#define NORM ROW
#include "config/words.def"
    { 0 }
};

WORDS(cal_data_type) = {
#define DATA_TYPE ROW
#include "config/words.def"
    { 0 }
};

WORDS(calibration_type) = {
#define CALIBRATION ROW
#include "config/words.def"
    { 0 }
};

WORDS(quantized_layout) = {
#define QUANTIZED_LAYOUT ROW
#include "config/words.def"
    { 0 }
};

WORDS(channels_last) = {
#define CHANNELS_LAST ROW
#include "config/words.def"
    { 0 }
};

WORDS(equalization) = {
#define EQUALIZATION ROW
#include "config/words.def"
    { 0 }
};

WORDS(effort) = {
#define EFFORT ROW
#include "config/words.def"
    { 0 }
};

WORDS(refine) = {
#define REFINE ROW
#include "config/words.def"
    { 0 }
};

WORDS(search) = {
#define SEARCH ROW
#include "config/words.def"
    { 0 }
};

WORDS(zero_points) = {
#define ZERO_POINTS ROW
#include "config/words.def"
    { 0 }
};

WORDS(optimize_level) = {
#define OPTIMIZE_LEVEL ROW
#include "config/words.def"
    { 0 }
};

WORDS(debug_mode) = {
#define DEBUG_MODE ROW
#include "config/words.def"
    { 0 }
};

WORDS(compile_mode) = {
#define COMPILE_MODE ROW
#include "config/words.def"
    { 0 }
};

WORDS(cache_mode) = {
#define CACHE_MODE ROW
#include "config/words.def"
    { 0 }
};

WORDS(custom_op_method) = {
#define CUSTOM_OP_METHOD ROW
#include "config/words.def"
    { 0 }
};

WORDS(input_source) = {
#define INPUT_SOURCE ROW
#include "config/words.def"
    { 0 }
};

WORDS(remove_type) = {
#define REMOVE_TYPE ROW
#include "config/words.def"
    { 0 }
};

const struct config_word *vn_word_find(const struct config_word *words, const char *text)
{
    for (; words->text; words++)
        if (!strcmp(words->text, text))
            return words;
    return NULL;
}

const char *vn_word_of(const struct config_word *words, int value)
{
    for (; words->text; words++)
        if (words->value == value)
            return words->text;
    return "?";
}

const char *vn_word_list(struct vn_arena *a, const struct config_word *w, const char *between)
{
    const char *list = "";
    for (int i = 0; w[i].text; i++)
        list = vn_arena_fmt(a, "%s%s%s", list, i ? between : "", w[i].text);
    return list;
}
