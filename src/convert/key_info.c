/* What a configuration may say, for those who ask (vernier/init.h). */
#include <vernier/init.h>

#include "config/config.h"

static const char *const types[] = {
    [KEY_TEXT] = "text",
    [KEY_BOOL] = "True or False",
    [KEY_INT] = "integer",
    [KEY_FLOAT] = "number",
    [KEY_CHOICE] = "word",
    [KEY_LIST] = "list, separated by ';'",
    [KEY_NUMBERS] = "numbers, separated by spaces; of several inputs by ';'",
    [KEY_SHAPES] = "shapes",
    [KEY_TREE] = "mapping",
    [KEY_MAP] = "mapping of names to words",
};
static const char *const states[] = { [KEY_WORKS] = "works", [KEY_VENDOR] = "checked, no effect on a CPU" };

int vn_key_describe(int i, struct vn_key_info *out)
{
    if (i < 0 || i >= vn_keys_count)
        return VN_E_USAGE;
    const struct key *k = &vn_keys[i];
    *out = (struct vn_key_info){ .group = k->group,
                                 .name = k->name,
                                 .type = types[k->type],
                                 .state = states[k->state],
                                 .otherwise = k->def,
                                 .needs = k->needs,
                                 .excludes = k->excludes,
                                 .help = k->help,
                                 .least = k->min,
                                 .most = k->max };
    return VN_OK;
}

const char *vn_key_word(int i, int word)
{
    const struct config_word *w = i >= 0 && i < vn_keys_count ? vn_keys[i].words : NULL;
    for (int k = 0; w && w[k].text && k <= word; k++)
        if (k == word)
            return w[k].text;
    return NULL;
}
