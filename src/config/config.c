/* From settings to a checked struct config. */
#include "config/config.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include <vernier/custom_op.h>

#include "base/file.h"
#include "base/words.h"
#include "config/compiler.h"
#include "config/quant_config.h"
#include "config/settings.h"
#include "config/types.h"
#include "config/yaml.h"

/* The value of a key whose word was checked, or of its default. */
static int value_of(const struct config *c, const char *name, const struct config_word *words)
{
    const struct config_word *w = vn_word_find(words, vn_config_text(c, name));
    return w ? w->value : 0;
}

/* ---- words ---- */

/* The word for an input to which a list does not apply. */
static int is_none(const char *word) { return !*word || !strcasecmp(word, "None"); }

/* Is the word among "a|b|c"? */
static int among(const char *choices, const char *word)
{
    const size_t n = strlen(word);
    for (const char *p = choices; p && *p;) {
        const char *end = strchr(p, '|');
        const size_t k = end ? (size_t)(end - p) : strlen(p);
        if (k == n && !strncmp(p, word, n))
            return 1;
        p = end ? end + 1 : NULL;
    }
    return 0;
}

static int parse_bool(const char *s, int *out)
{
    static const char *const words[] = { "false", "true", "no", "yes", "off", "on", "0", "1" };
    for (int i = 0; i < 8; i++)
        if (!strcasecmp(s, words[i])) {
            *out = i & 1;
            return 1;
        }
    return 0;
}

static int parse_number(const char *s, double *out)
{
    char *end;
    *out = strtod(s, &end);
    return end != s && !*end && *out - *out == 0;
}

/* The value with its nearest words in place of those that are not known; NULL: one has none. */
static const char *nearest_words(struct vn_arena *a, const struct setting *s)
{
    const char **known, **words, *out = "";
    const int n_known = vn_config_split(a, vn_word_list(a, s->key->words, ";"), ';', &known),
              n = vn_config_split(a, s->text, ';', &words);
    for (int i = 0; i < n; i++) {
        const char *near = is_none(words[i]) ? words[i] : vn_nearest(words[i], known, n_known);
        if (!near)
            return NULL;
        out = vn_arena_fmt(a, "%s%s%s", out, i ? ";" : "", near);
    }
    return out;
}

static int check_choice(struct config *c, struct vn_arena *a, const struct setting *s, const char *word,
                        struct vn_err *e)
{
    const struct config_word *w = vn_word_find(s->key->words, word);
    if (w)
        return VN_OK;
    vn_config_mean(c, a, s->key->name, nearest_words(a, s));
    const char *list = vn_word_list(a, s->key->words, ", ");
    return vn_config_fail(c, s, e, VN_E_INPUT, "expected one of %s, got '%s'", list, word);
}

static int check_number(const struct config *c, const struct setting *s, struct vn_err *e)
{
    double x;
    const struct key *k = s->key;
    if (!parse_number(s->text, &x) || (k->type == KEY_INT && x != (double)(long long)x))
        return vn_config_fail(c, s, e, VN_E_INPUT, "expected %s, got '%s'",
                              k->type == KEY_INT ? "an integer" : "a number", s->text);
    if (x < k->min || x > k->max)
        return vn_config_fail(c, s, e, VN_E_INPUT, "expected %g to %g, got %s", k->min, k->max, s->text);
    return VN_OK;
}

/* "1 1 1", "[0, 0, 0]": numbers, and all of them x? */
static int all_equal(const char *text, double x)
{
    static const char gaps[] = " \t\n,[]";
    int n = 0;
    for (const char *p = text + strspn(text, gaps); *p; p += strspn(p, gaps), n++) {
        char *end;
        if (strtod(p, &end) != x || end == p)
            return 0;
        p = end;
    }
    return n > 0;
}

static int check_type(struct config *c, struct vn_arena *a, const struct setting *s, struct vn_err *e)
{
    int flag;
    const char **words;
    switch (s->key->type) {
    case KEY_BOOL:
        return parse_bool(s->text, &flag)
                   ? VN_OK
                   : vn_config_fail(c, s, e, VN_E_INPUT, "expected True or False, got '%s'", s->text);
    case KEY_INT:
    case KEY_FLOAT: return check_number(c, s, e);
    case KEY_CHOICE: return check_choice(c, a, s, s->text, e);
    case KEY_LIST: {
        const int n = s->key->words ? vn_config_split(a, s->text, ';', &words) : 0;
        for (int i = 0; i < n; i++)
            if (!is_none(words[i]))
                TRY(check_choice(c, a, s, words[i], e));
        return VN_OK;
    }
    default: return VN_OK;
    }
}

/* Are all entries the value that changes nothing? */
static int is_idle(const struct key *k, struct vn_arena *a, const char *text)
{
    const char **words;
    if (!k->idle || !strcmp(k->idle, "*"))
        return k->idle != NULL;
    const int n = vn_config_split(a, text, ';', &words);
    for (int i = 0; i < n; i++)
        if (!is_none(words[i]) && !all_equal(words[i], strtod(k->idle, NULL)))
            return 0;
    return 1;
}

/* needs = "key=value|value": some input (or the one value) must be among the values. */
static int is_needed(const struct config *c, struct vn_arena *a, const char *needs, const char **other)
{
    const char *eq = strchr(needs, '=');
    *other = vn_arena_strn(a, needs, (size_t)(eq - needs));
    const struct setting *s = vn_config_given(c, *other);
    const char *text = vn_config_text(c, *other), **words;
    int want_true, is_true;
    if ((s && s->wrong) ||
        (parse_bool(eq + 1, &want_true) && text && parse_bool(text, &is_true) && want_true == is_true))
        return 1;
    const int n = text ? vn_config_split(a, text, ';', &words) : 0;
    for (int i = 0; i < n; i++)
        if (among(eq + 1, words[i]))
            return 1;
    return 0;
}

static int check_needs(struct config *c, struct vn_arena *a, struct setting *s, struct vn_err *e)
{
    const char *needs = s->key->needs, *other;
    if (!needs || is_needed(c, a, needs, &other))
        return VN_OK;
    const char *text = vn_config_text(c, other), *expected = strchr(needs, '=') + 1;
    s->ignored = 1;
    if (is_idle(s->key, a, s->text)) {
        vn_config_warn(c, a, s, "has no effect: %s is %s", other, text ? text : "not set");
        return VN_OK;
    }
    return vn_config_fail(c, s, e, VN_E_INPUT,
                          "has no effect: %s is %s, expected %s; remove this key or change the other", other,
                          text ? text : "not set", expected);
}

/* The value alone. */
static int check_value(struct config *c, struct vn_arena *a, const struct setting *s, struct vn_err *e)
{
    const struct key *k = s->key;
    const int needs_leaves = k->type == KEY_MAP || (k->type == KEY_TREE && k->state == KEY_WORKS);
    if (!s->text && (k->type != KEY_TREE || needs_leaves) && !(needs_leaves && s->leaves.n))
        return vn_config_fail(c, s, e, VN_E_INPUT, "expected a value");
    if (s->text && k->type == KEY_MAP)
        return vn_config_fail(c, s, e, VN_E_INPUT, "expected {NAME: WORD}, got '%s'", s->text);
    return s->text ? check_type(c, a, s, e) : VN_OK;
}

/* What it says beside the other keys. */
static int check_relations(struct config *c, struct vn_arena *a, struct setting *s, struct vn_err *e)
{
    const struct key *k = s->key;
    const struct setting *other = k->excludes ? vn_config_given(c, k->excludes) : NULL;
    if (other)
        return vn_config_fail(c, s, e, VN_E_INPUT, "excludes %s, given on line %d", k->excludes, other->line);
    TRY(check_needs(c, a, s, e));
    if (k->state == KEY_VENDOR && !s->ignored)
        vn_config_warn(c, a, s, "checked, but has no effect here (%s)", k->help);
    return VN_OK;
}

typedef int check_fn(struct config *c, struct vn_arena *a, struct setting *s, struct vn_err *e);

/* A setting that fails is used no further. */
static int check_each(struct config *c, struct vn_arena *a, check_fn *check, struct vn_err *e)
{
    for (int i = 0; i < c->settings.n; i++) {
        struct setting *s = &c->settings.v[i];
        const int before = c->problems.n;
        if (s->ignored)
            continue;
        NOTE(c, a, check(c, a, s, e), e);
        s->wrong = c->problems.n > before;
        s->ignored |= s->wrong;
    }
    return VN_OK;
}

static int check_alone(struct config *c, struct vn_arena *a, struct setting *s, struct vn_err *e)
{
    return check_value(c, a, s, e);
}

/* ---- per-input lists ---- */

struct list {
    int n;
    const char **v;
    const struct setting *s;
};

static struct list list_of(const struct config *c, struct vn_arena *a, const char *name)
{
    struct list l = { 0 };
    l.s = vn_config_given(c, name);
    const char *text = vn_config_text(c, name);
    if (text)
        l.n = vn_config_split(a, text, ';', &l.v);
    return l;
}

/* Its entries that are not 'None'. */
static struct name_list names_of(const struct config *c, struct vn_arena *a, const char *key)
{
    const struct list l = list_of(c, a, key);
    struct name_list out = { 0, NEW_ARRAY(a, const char *, l.n) };
    for (int i = 0; i < l.n; i++)
        if (!is_none(l.v[i]))
            out.v[out.n++] = l.v[i];
    return out;
}

/* Entry i; one entry (or a default) serves all inputs. NULL: 'None' or absent. */
static const char *entry(const struct list *l, int i)
{
    const int k = l->n == 1 ? 0 : i;
    return k >= l->n || is_none(l->v[k]) ? NULL : l->v[k];
}

static const char *const input_lists[] = { "input_name",    "input_type_train", "input_layout_train",
                                           "input_type_rt", "input_layout_rt",  "input_space_and_range",
                                           "input_shape",   "norm_type",        "mean_value",
                                           "scale_value",   "std_value",        "cal_data_dir",
                                           "cal_data_type" };

static int is_input_list(const char *name)
{
    for (size_t i = 0; i < sizeof input_lists / sizeof *input_lists; i++)
        if (!strcmp(input_lists[i], name))
            return 1;
    return 0;
}

static int check_length(struct config *c, struct vn_arena *a, struct setting *s, struct vn_err *e)
{
    if (!is_input_list(s->key->name))
        return VN_OK;
    const char **words;
    const int n = vn_config_split(a, s->text, ';', &words);
    return n <= 1 || n == c->n_inputs
               ? VN_OK
               : vn_config_fail(c, s, e, VN_E_INPUT,
                                "%d values for %d inputs; expected one per input, separated by ';'", n,
                                c->n_inputs);
}

static int numbers(const struct config *c, const struct list *l, int i, double *out, int *n, struct vn_err *e)
{
    const char *p = entry(l, i);
    *n = 0;
    while (p && *p) {
        while (isspace((unsigned char)*p) || *p == ',' || *p == '[' || *p == ']')
            p++;
        if (!*p)
            break;
        char word[64];
        size_t k = strcspn(p, " \t\n,[]");
        if (k >= sizeof word || *n == CONFIG_MAX_CHANNELS)
            return vn_config_fail(c, l->s, e, VN_E_INPUT, "expected at most %d numbers separated by spaces",
                                  CONFIG_MAX_CHANNELS);
        memcpy(word, p, k);
        word[k] = 0;
        if (!parse_number(word, &out[*n]))
            return vn_config_fail(c, l->s, e, VN_E_INPUT, "expected numbers separated by spaces, got '%s'",
                                  word);
        ++*n;
        p += k;
    }
    return VN_OK;
}

/* "1x3x224x224", each size at least 1, or "scalar" (rank 0). */
static int check_shape(const struct config *c, const struct setting *s, const char *text, struct vn_err *e)
{
    const char *p = text;
    if (text && !strcmp(text, "scalar"))
        return VN_OK;
    for (int more = text != NULL; more; p++) {
        if (strspn(p, "0123456789") == 0 || strspn(p, "0") == strspn(p, "0123456789"))
            break;
        p += strspn(p, "0123456789");
        more = *p == 'x';
        if (!*p)
            return VN_OK;
    }
    return !text ? VN_OK
                 : vn_config_fail(c, s, e, VN_E_INPUT,
                                  "expected integers separated by x, such as 1x3x224x224, got '%s'", text);
}

/* Mean, scale or divisor of an input against its norm_type; numbers that change nothing are no numbers. */
static int check_norm_part(struct config *c, struct vn_arena *a, struct input_config *in,
                           const struct list *l, const char *key, enum norm_type part, struct vn_err *e)
{
    const int mean = part == NORM_MEAN, wanted = (in->norm_type & part) != 0;
    const double idle = mean ? 0 : 1;
    const char *t = vn_word_of(vn_words_norm_type, in->norm_type);
    int *n = mean ? &in->n_mean : &in->n_scale;
    const double *v = mean ? in->mean : in->scale;
    if (wanted && !*n)
        return vn_config_fail(c, vn_config_given(c, key), e, VN_E_INPUT, "norm_type %s requires %s", t, key);
    int idles = 0;
    for (int i = 0; i < *n; i++)
        idles += v[i] == idle;
    if (!wanted && *n && idles == *n) {
        vn_config_warn(c, a, l->s, "has no effect: norm_type is %s", t);
        *n = 0;
    }
    if (!wanted && *n)
        return vn_config_fail(c, l->s, e, VN_E_INPUT, "norm_type %s excludes %s", t, key);
    const int channels = in->type_train == VN_IN_GRAY ? 1 : 3;
    return *n > 1 && *n != channels
               ? vn_config_fail(c, l->s, e, VN_E_INPUT, "expected 1 or %d numbers for %s, got %d", channels,
                                vn_input_type_word(in->type_train), *n)
               : VN_OK;
}

/* What the device may give for each training type. */
static const struct {
    int n;
    enum vn_input_type rt[4];
} allowed_rt[] = {
    [VN_IN_YUV444] = { 2, { VN_IN_NV12, VN_IN_YUV444 } },
    [VN_IN_RGB] = { 4, { VN_IN_NV12, VN_IN_YUV444, VN_IN_RGB, VN_IN_BGR } },
    [VN_IN_BGR] = { 4, { VN_IN_NV12, VN_IN_YUV444, VN_IN_RGB, VN_IN_BGR } },
    [VN_IN_GRAY] = { 1, { VN_IN_GRAY } },
    [VN_IN_FEATUREMAP] = { 1, { VN_IN_FEATUREMAP } },
};

static int check_conversion(const struct config *c, struct vn_arena *a, const struct input_config *in,
                            const struct list *rt, struct vn_err *e)
{
    const char *allowed = "", *train = vn_input_type_word(in->type_train);
    for (int i = 0; i < allowed_rt[in->type_train].n; i++) {
        if (allowed_rt[in->type_train].rt[i] == in->type_rt)
            return VN_OK;
        allowed = vn_arena_fmt(a, "%s%s%s", allowed, i ? "|" : "",
                               vn_input_type_word(allowed_rt[in->type_train].rt[i]));
    }
    return vn_config_fail(c, rt->s, e, VN_E_INPUT,
                          "%s cannot be converted to %s; with input_type_train %s expected one of %s",
                          vn_input_type_word(in->type_rt), train, train, allowed);
}

static int check_range(const struct config *c, const struct input_config *in, struct vn_err *e)
{
    const int rgb = in->type_train == VN_IN_RGB || in->type_train == VN_IN_BGR;
    return in->range == RANGE_BT601_VIDEO && (in->type_rt != VN_IN_NV12 || !rgb)
               ? vn_config_fail(c, vn_config_given(c, "input_space_and_range"), e, VN_E_INPUT,
                                "bt601_video requires input_type_rt nv12 and input_type_train rgb or bgr")
               : VN_OK;
}

/* Numbers that would change nothing are taken off. */
static int check_featuremap(struct config *c, struct vn_arena *a, struct input_config *in, struct vn_err *e)
{
    int idle = 1;
    for (int i = 0; i < in->n_mean; i++)
        idle &= in->mean[i] == 0;
    for (int i = 0; i < in->n_scale; i++)
        idle &= in->scale[i] == 1;
    if (in->type_train != VN_IN_FEATUREMAP || in->norm_type == NORM_NONE)
        return VN_OK;
    if (!idle || !(in->n_mean + in->n_scale))
        return vn_config_fail(c, vn_config_given(c, "norm_type"), e, VN_E_INPUT,
                              "featuremap inputs are not preprocessed; expected no_preprocess");
    vn_config_warn(c, a, vn_config_given(c, "norm_type"), "has no effect: a featuremap is not preprocessed");
    in->norm_type = NORM_NONE;
    in->n_mean = in->n_scale = 0;
    return VN_OK;
}

static const char *path_in(const struct config *c, struct vn_arena *a, const char *path)
{
    return vn_file_exists(path) || vn_dir_exists(path) ? path : vn_path_join(a, c->folder, path);
}

enum vn_dtype vn_config_folder_type(const char *dir)
{
    if (!dir)
        return VN_NONE;
    size_t n = strlen(dir);
    while (n && dir[n - 1] == '/')
        n--;
    return n >= 4 && !strncmp(dir + n - 4, "_f32", 4) ? VN_F32 : VN_U8;
}

/* Entry i of a key whose words were checked; `otherwise` where it has none. */
static int word_entry(const struct list *l, int i, const struct config_word *words, int otherwise)
{
    const char *text = entry(l, i);
    const struct config_word *w = text ? vn_word_find(words, text) : NULL;
    return w ? w->value : otherwise;
}

static int check_input_names(const struct config *c, int i, struct vn_err *e)
{
    for (int k = 0; c->inputs[i].name && k < i; k++)
        if (c->inputs[k].name && !strcmp(c->inputs[k].name, c->inputs[i].name))
            return vn_config_fail(c, vn_config_given(c, "input_name"), e, VN_E_INPUT,
                                  "duplicate input name '%s'", c->inputs[i].name);
    return VN_OK;
}

/* A type that every input must have; given wrongly is given. */
static int require_type(const struct config *c, const struct list *l, int i, const char *key,
                        struct vn_err *e)
{
    const struct setting *s = vn_config_given(c, key);
    return entry(l, i) || (s && s->wrong)
               ? VN_OK
               : vn_config_fail(c, NULL, e, VN_E_INPUT, "Key 'input_parameters' error: Missing keys: '%s'",
                                key);
}

static int resolve_types(struct config *c, struct vn_arena *a, int i, struct vn_err *e)
{
    static const char *const from[] = { "input_type_train", "input_type_rt", NULL };
    struct input_config *in = &c->inputs[i];
    const struct list train = list_of(c, a, "input_type_train"), rt = list_of(c, a, "input_type_rt"),
                      layout = list_of(c, a, "input_layout_train"),
                      layout_rt = list_of(c, a, "input_layout_rt"),
                      space = list_of(c, a, "input_space_and_range");
    NOTE(c, a, require_type(c, &train, i, "input_type_train", e), e);
    NOTE(c, a, require_type(c, &rt, i, "input_type_rt", e), e);
    in->type_train = word_entry(&train, i, vn_words_input_type_train, VN_IN_FEATUREMAP);
    in->layout_train = word_entry(&layout, i, vn_words_layout, LAYOUT_NCHW);
    in->type_rt = word_entry(&rt, i, vn_words_input_type_rt, VN_IN_FEATUREMAP);
    in->layout_rt = word_entry(&layout_rt, i, vn_words_layout, (int)in->layout_train);
    in->range = word_entry(&space, i, vn_words_value_range, RANGE_REGULAR);
    if (!entry(&train, i) || !entry(&rt, i) || vn_config_doubtful(c, from)) {
        in->type_train = in->type_rt = VN_IN_FEATUREMAP; /* of which nothing more is asked */
        return VN_OK;
    }
    NOTE(c, a, check_conversion(c, a, in, &rt, e), e);
    NOTE(c, a, check_range(c, in, e), e);
    if (in->type_rt == VN_IN_NV12 && entry(&layout_rt, i)) {
        vn_config_warn(c, a, layout_rt.s, "has no effect for nv12, which has one layout");
        in->layout_rt = in->layout_train;
    }
    return VN_OK;
}

static int invert(const struct config *c, struct input_config *in, const struct list *std, struct vn_err *e)
{
    for (int i = 0; i < in->n_scale; i++) {
        if (in->scale[i] == 0)
            return vn_config_fail(c, std->s, e, VN_E_INPUT, "expected divisors other than 0");
        in->scale[i] = 1 / in->scale[i];
    }
    return VN_OK;
}

static int resolve_norm(struct config *c, struct vn_arena *a, int i, struct vn_err *e)
{
    static const char *const from[] = { "input_type_train", "norm_type", NULL };
    struct input_config *in = &c->inputs[i];
    const struct list norm = list_of(c, a, "norm_type"), mean = list_of(c, a, "mean_value"),
                      scale = list_of(c, a, "scale_value"), std = list_of(c, a, "std_value");
    in->norm_type = word_entry(&norm, i, vn_words_norm_type, NORM_NONE);
    const int before = c->problems.n;
    NOTE(c, a, numbers(c, &mean, i, in->mean, &in->n_mean, e), e);
    NOTE(c, a, numbers(c, std.n ? &std : &scale, i, in->scale, &in->n_scale, e), e);
    if (c->problems.n > before || vn_config_doubtful(c, from))
        return VN_OK;
    NOTE(c, a, check_featuremap(c, a, in, e), e);
    if (in->type_train == VN_IN_FEATUREMAP && in->norm_type != NORM_NONE)
        return VN_OK;
    NOTE(c, a, check_norm_part(c, a, in, &mean, "mean_value", NORM_MEAN, e), e);
    if (!std.n && !(in->norm_type & NORM_STD))
        return vn_config_note(c, a, check_norm_part(c, a, in, &scale, "scale_value", NORM_SCALE, e), e);
    NOTE(c, a, check_norm_part(c, a, in, &std, "std_value", NORM_STD, e), e);
    return vn_config_note(c, a, invert(c, in, &std, e), e);
}

static int resolve_input(struct config *c, struct vn_arena *a, int i, struct vn_err *e)
{
    struct input_config *in = &c->inputs[i];
    const struct list name = list_of(c, a, "input_name"), shape = list_of(c, a, "input_shape"),
                      dir = list_of(c, a, "cal_data_dir"), type = list_of(c, a, "cal_data_type");
    in->name = entry(&name, i);
    NOTE(c, a, check_input_names(c, i, e), e);
    TRY(resolve_types(c, a, i, e));
    in->shape = entry(&shape, i);
    const int before = c->problems.n;
    NOTE(c, a, check_shape(c, shape.s, in->shape, e), e);
    if (c->problems.n > before)
        in->shape = NULL;
    in->cal_dir = entry(&dir, i) ? path_in(c, a, entry(&dir, i)) : NULL;
    in->cal_type = word_entry(&type, i, vn_words_cal_data_type, (int)vn_config_folder_type(in->cal_dir));
    return resolve_norm(c, a, i, e);
}

static const char *replaced_word(struct vn_arena *a, const char *text, const char *word, const char *by)
{
    const char **words, *out = "";
    const int n = vn_config_split(a, text, ',', &words);
    for (int i = 0; i < n; i++)
        out = vn_arena_fmt(a, "%s%s%s", out, i ? "," : "", strcmp(words[i], word) ? words[i] : by);
    return out;
}

static int optimization_word(struct config *c, struct vn_arena *a, const struct setting *s, const char *word,
                             struct vn_err *e)
{
    static const char *const known[] = {
        "set_model_output_int8", "set_model_output_int16", "asymmetric",
        "bias_correction",       "lstm_batch_last",        "set_all_nodes_int16"
    };
    int *const flags[] = { &c->outputs_int8, &c->outputs_int16, &c->asymmetric, &c->bias_correction,
                           &c->batch_last };
    for (int k = 0; k < 5; k++)
        if (!strcmp(word, known[k])) {
            *flags[k] = 1;
            return VN_OK;
        }
    if (vn_config_type_word(c, a, s, word))
        return VN_OK;
    const char *near = vn_nearest(word, known, 6);
    vn_config_mean(c, a, s->key->name, near ? replaced_word(a, s->text, word, near) : NULL);
    return vn_config_fail(c, s, e, VN_E_INPUT, "unknown value '%s'%s%s%s", word,
                          near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int resolve_optimization(struct config *c, struct vn_arena *a, struct vn_err *e)
{
    const struct setting *s = vn_config_used(c, "optimization");
    const char **words;
    const int n = s && s->text ? vn_config_split(a, s->text, ',', &words) : 0;
    for (int i = 0; i < n; i++)
        NOTE(c, a, optimization_word(c, a, s, words[i], e), e);
    if (c->outputs_int8 && c->outputs_int16)
        NOTE(c, a,
             vn_config_fail(c, s, e, VN_E_INPUT,
                            "set_model_output_int8 and set_model_output_int16 exclude each other"),
             e);
    TRY(vn_config_quant_config(c, a, e));
    return vn_config_types(c, a, e);
}

/* Data that are not read are said, and left alone. */
static int ignore_data(struct config *c, struct vn_arena *a, const char *key, const char *why)
{
    for (int i = 0; i < c->settings.n; i++) {
        struct setting *s = &c->settings.v[i];
        if (strcmp(s->key->name, key) || s->ignored)
            continue;
        vn_config_warn(c, a, s, "has no effect: %s", why);
        s->ignored = 1;
    }
    return VN_OK;
}

static int resolve_calibration(struct config *c, struct vn_arena *a, struct vn_err *e)
{
    const struct setting *type = vn_config_given(c, "calibration_type");
    c->calibration_type = value_of(c, "calibration_type", vn_words_calibration_type);
    c->equalization = value_of(c, "equalization", vn_words_equalization);
    c->quantized_layout = value_of(c, "quantized_layout", vn_words_quantized_layout);
    c->vendor_search = value_of(c, "search", vn_words_search);
    c->effort = value_of(c, "effort", vn_words_effort);
    c->rounding = value_of(c, "rounding", vn_words_refine);
    c->bottlenecks = value_of(c, "bottlenecks", vn_words_refine);
    c->sequential_bias = value_of(c, "sequential_bias", vn_words_refine);
    parse_bool(vn_config_text(c, "per_channel"), &c->per_channel);
    parse_number(vn_config_text(c, "max_percentile"), &c->max_percentile);
    parse_bool(vn_config_text(c, "preprocess_on"), &c->preprocess_on);
    c->pipeline = vn_config_text(c, "pipeline");
    if (c->pipeline && (vn_path_has_suffix(c->pipeline, ".yaml") || vn_path_has_suffix(c->pipeline, ".yml")))
        c->pipeline = path_in(c, a, c->pipeline);
    c->random_data = c->calibration_type == CALIBRATION_SKIP ||
                     (c->calibration_type == CALIBRATION_LOAD && !vn_config_given(c, "cal_data_dir"));
    if (c->calibration_type == CALIBRATION_SKIP) {
        ignore_data(c, a, "cal_data_dir", "calibration_type skip uses random data");
        ignore_data(c, a, "cal_data_type", "calibration_type skip uses random data");
    } else if (!c->random_data && !vn_config_given(c, "cal_data_dir") && !(type && type->wrong)) {
        NOTE(c, a,
             vn_config_fail(c, NULL, e, VN_E_INPUT,
                            "Key 'calibration_parameters' error: Missing keys: 'cal_data_dir'; "
                            "calibration_type %s requires data",
                            vn_word_of(vn_words_calibration_type, c->calibration_type)),
             e);
    }
    if (c->preprocess_on)
        ignore_data(c, a, "cal_data_type", "with preprocess_on: True the files are images");
    return resolve_optimization(c, a, e);
}

static int resolve_model(struct config *c, struct vn_arena *a, struct vn_err *e)
{
    const char *onnx = vn_config_text(c, "onnx_model"), *caffe = vn_config_text(c, "caffe_model"),
               *prototxt = vn_config_text(c, "prototxt");
    const int given = vn_config_given(c, "onnx_model") != NULL;
    if (onnx || (caffe && prototxt)) {
        c->model = path_in(c, a, onnx ? onnx : caffe);
        c->prototxt = onnx ? NULL : path_in(c, a, prototxt);
        return VN_OK;
    }
    if (given || (vn_config_given(c, "caffe_model") && vn_config_given(c, "prototxt")))
        return VN_OK; /* what is wrong with them was said */
    if (!caffe && !prototxt)
        return vn_config_fail(
            c, NULL, e, VN_E_INPUT,
            "Key 'model_parameters' error: Missing keys: 'onnx_model' (or 'caffe_model', 'prototxt')");
    return vn_config_fail(
        c, NULL, e, VN_E_INPUT,
        "Key 'model_parameters' error: Missing keys: '%s'; a Caffe network requires caffe_model and prototxt",
        caffe ? "prototxt" : "caffe_model");
}

static int check_prefix(const struct config *c, struct vn_err *e)
{
    return strchr(c->prefix, '/')
               ? vn_config_fail(c, vn_config_given(c, "output_model_file_prefix"), e, VN_E_INPUT,
                                "expected a name without '/'; working_dir sets the folder")
               : VN_OK;
}

static int resolve_products(struct config *c, struct vn_arena *a, struct vn_err *e)
{
    c->march = vn_config_text(c, "march");
    if (vn_path_has_suffix(c->march, ".yaml"))
        c->march = path_in(c, a, c->march);
    c->prefix = vn_config_text(c, "output_model_file_prefix");
    c->working_dir = vn_path_join(a, c->folder, vn_config_text(c, "working_dir"));
    c->level = value_of(c, "optimize_level", vn_words_optimize_level);
    c->economy = vn_config_economy(c);
    parse_bool(vn_config_text(c, "layer_out_dump"), &c->layer_out_dump);
    c->dump_calibration = vn_config_used(c, "debug_mode") != NULL;
    return check_prefix(c, e);
}

/* What a library's name looks like; operators in Python cannot be run by a program on a device. */
static int check_library(const struct config *c, const struct setting *s, const char *name, struct vn_err *e)
{
    return vn_path_has_suffix(name, ".so")
               ? VN_OK
               : vn_config_fail(c, s, e, VN_E_UNSUPPORTED,
                                "expected a shared library (.so) with a C function for each operator, got "
                                "'%s'; see docs/custom-operators.md",
                                name);
}

static int resolve_custom_ops(struct config *c, struct vn_arena *a, struct vn_err *e)
{
    const struct setting *s = vn_config_used(c, "op_register_files"),
                         *dir = vn_config_used(c, "custom_op_dir"),
                         *method = vn_config_used(c, "custom_op_method");
    c->custom_ops = names_of(c, a, "op_register_files");
    for (int i = 0; i < c->custom_ops.n; i++) {
        TRY(check_library(c, s, c->custom_ops.v[i], e));
        if (dir)
            c->custom_ops.v[i] = vn_path_join(a, dir->text, c->custom_ops.v[i]);
        c->custom_ops.v[i] = path_in(c, a, c->custom_ops.v[i]);
    }
    return c->custom_ops.n || (!dir && !method)
               ? VN_OK
               : vn_config_fail(c, dir ? dir : method, e, VN_E_INPUT,
                                "has no effect: op_register_files is not set");
}

int vn_config_load_custom_ops(const struct config *c, struct vn_err *e)
{
    for (int i = 0; i < c->custom_ops.n; i++) {
        struct vn_err why;
        const int status = vn_custom_load(c->custom_ops.v[i], &why);
        if (status < 0)
            return vn_config_fail(c, vn_config_given(c, "op_register_files"), e, status, "%s", why.msg);
    }
    return VN_OK;
}

static int resolve_batch(struct config *c, struct vn_arena *a, struct vn_err *e)
{
    const struct setting *each = vn_config_used(c, "separate_batch"),
                         *some = vn_config_used(c, "separate_name");
    c->batch = atoi(vn_config_text(c, "input_batch"));
    parse_bool(vn_config_text(c, "separate_batch"), &c->separate_batch);
    c->separate = names_of(c, a, "separate_name");
    return c->batch == 1 && (c->separate_batch || c->separate.n)
               ? vn_config_fail(c, c->separate_batch ? each : some, e, VN_E_INPUT,
                                "has no effect: input_batch is 1, expected 2 to 4096")
               : VN_OK;
}

/* How many inputs the lists are for; from a list that counts. */
static int count_inputs(const struct config *c, struct vn_arena *a)
{
    const struct list names = list_of(c, a, "input_name"), types = list_of(c, a, "input_type_rt");
    return names.n ? names.n : types.n ? types.n : 1;
}

static int resolve(struct config *c, struct vn_arena *a, struct vn_err *e)
{
    TRY(check_each(c, a, check_alone, e));
    c->n_inputs = count_inputs(c, a);
    if (vn_config_used(c, "input_name") || !vn_config_given(c, "input_name"))
        TRY(check_each(c, a, check_length, e));
    TRY(check_each(c, a, check_relations, e));
    NOTE(c, a, resolve_model(c, a, e), e);
    NOTE(c, a, resolve_products(c, a, e), e);
    TRY(resolve_calibration(c, a, e));
    NOTE(c, a, resolve_custom_ops(c, a, e), e);
    NOTE(c, a, resolve_batch(c, a, e), e);
    c->output_nodes = names_of(c, a, "output_nodes");
    c->remove_types = names_of(c, a, "remove_node_type");
    c->remove_nodes = names_of(c, a, "remove_node_name");
    const struct list values = list_of(c, a, "input_value");
    c->n_values = values.n;
    c->values = values.v;
    c->inputs = NEW_ARRAY(a, struct input_config, c->n_inputs);
    for (int i = 0; i < c->n_inputs; i++)
        TRY(resolve_input(c, a, i, e));
    return vn_config_check_compiler(c, a, e);
}

/* The first problem is the error, where there is one. */
static int first_problem(const struct config *c, struct vn_err *e)
{
    if (!c->problems.n)
        return VN_OK;
    *e = c->problems.v[0];
    return e->code;
}

static int read_text(struct config **out, struct vn_arena *a, const char *text, size_t bytes,
                     const char *path, struct vn_err *e)
{
    struct config *c = NEW(a, struct config);
    c->path = vn_arena_str(a, path);
    c->folder = vn_path_folder(a, path);
    *out = c;
    const int status = vn_yaml_settings(c, a, text, bytes, e);
    c->unreadable = status < 0;
    NOTE(c, a, status, e);
    return c->unreadable ? VN_OK : resolve(c, a, e);
}

int vn_config_read_memory(struct config **out, struct vn_arena *a, const char *text, size_t bytes,
                          const char *path, struct vn_err *e)
{
    struct vn_err own;
    e = e ? e : &own;
    TRY(read_text(out, a, text, bytes, path, e));
    return first_problem(*out, e);
}

int vn_config_read_all(struct config **out, struct vn_arena *a, const char *path, struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    TRY(vn_file_map(a, path, &data, &bytes, e));
    return read_text(out, a, (const char *)data, bytes, path, e);
}

int vn_config_read(struct config **out, struct vn_arena *a, const char *path, struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    TRY(vn_file_map(a, path, &data, &bytes, e));
    return vn_config_read_memory(out, a, (const char *)data, bytes, path, e);
}

static int check_counts(const struct config *c, int n, const char *const *names, struct vn_err *e)
{
    if (c->n_inputs != n && !(c->n_inputs == 1 && !c->inputs[0].name))
        return vn_config_fail(c, vn_config_given(c, "input_name"), e, VN_E_INPUT,
                              "describes %d inputs, the model has %d", c->n_inputs, n);
    if (n > 1 && !c->inputs[0].name)
        return vn_config_fail(c, NULL, e, VN_E_INPUT,
                              "Model has more than one input! It is necessary to explicitly specify all the "
                              "input_name (%s; %s; ...)",
                              names[0], names[1]);
    return VN_OK;
}

static int has(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(names[i], name))
            return 1;
    return 0;
}

/* The input's entry in the configuration; a problem, with an entry that serves, where there is none. */
static int find_entry(int *k, struct config *c, struct vn_arena *a, int n, const char *const *names, int i,
                      struct vn_err *e)
{
    for (*k = 0; *k < c->n_inputs; ++*k)
        if (!c->inputs[*k].name || !strcmp(c->inputs[*k].name, names[i]))
            return VN_OK;
    *k = i;
    int wrong = 0;
    const char *all = "";
    while (wrong < c->n_inputs - 1 && has(names, n, c->inputs[wrong].name))
        wrong++;
    for (int m = 0; m < n; m++)
        all = vn_arena_fmt(a, "%s%s'%s'", all, m ? ", " : "", names[m]);
    const int status = vn_config_fail(c, vn_config_given(c, "input_name"), e, VN_E_INPUT,
                                      "the model has no input '%s'; it has %s", c->inputs[wrong].name, all);
    return vn_config_note(c, a, status, e);
}

int vn_config_match_inputs(struct config *c, struct vn_arena *a, int n, const char *const *names,
                           struct vn_err *e)
{
    TRY(check_counts(c, n, names, e));
    struct input_config *in = NEW_ARRAY(a, struct input_config, n);
    const int before = c->problems.n;
    for (int i = 0; i < n; i++) {
        int k;
        TRY(find_entry(&k, c, a, n, names, i, e));
        in[i] = c->inputs[k];
        in[i].name = names[i];
    }
    c->inputs = in;
    c->n_inputs = n;
    TRY(vn_config_resolve_sources(c, a, e));
    if (c->problems.n > before)
        *e = c->problems.v[before];
    return c->problems.n > before ? e->code : VN_OK;
}
