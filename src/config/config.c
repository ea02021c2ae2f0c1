/* From settings to a checked struct config. */
#include "config/config.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "base/file.h"
#include "config/quant_config.h"
#include "config/settings.h"
#include "config/types.h"
#include "config/yaml.h"

static const char *text_of(const struct config *c, const char *name)
{
    const struct setting *s = vn_config_given(c, name);
    if (s)
        return s->text;
    for (int i = 0; i < vn_keys_count; i++)
        if (!strcmp(vn_keys[i].name, name))
            return vn_keys[i].def;
    return NULL;
}

/* The value of a key whose word was checked, or of its default. */
static int value_of(const struct config *c, const char *name, const struct config_word *words)
{
    const struct config_word *w = vn_word_find(words, text_of(c, name));
    return w ? w->value : 0;
}

/* ---- words ---- */

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

static int check_choice(const struct config *c, struct vn_arena *a, const struct setting *s, const char *word,
                        struct vn_err *e)
{
    const struct config_word *w = vn_word_find(s->key->words, word);
    if (w && w->later)
        return vn_config_fail(c, s, e, VN_E_UNSUPPORTED, "'%s' is not supported yet", word);
    if (w)
        return VN_OK;
    const char *list = vn_word_list(a, s->key->words, ", ", 0);
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

/* The word for an input to which a list does not apply. */
static int is_none(const char *word) { return !*word || !strcasecmp(word, "None"); }

static int check_type(const struct config *c, struct vn_arena *a, const struct setting *s, struct vn_err *e)
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

/* needs = "key=value|value": some input (or the one value) must be among the values. */
static int check_needs(const struct config *c, struct vn_arena *a, const struct setting *s, struct vn_err *e)
{
    const char *needs = s->key->needs;
    if (!needs)
        return VN_OK;
    const char *eq = strchr(needs, '=');
    const char *other = vn_arena_strn(a, needs, (size_t)(eq - needs)), *text = text_of(c, other), **words;
    int want_true, is_true;
    if (parse_bool(eq + 1, &want_true) && text && parse_bool(text, &is_true) && want_true == is_true)
        return VN_OK;
    const int n = text ? vn_config_split(a, text, ';', &words) : 0;
    for (int i = 0; i < n; i++)
        if (among(eq + 1, words[i]))
            return VN_OK;
    return vn_config_fail(c, s, e, VN_E_INPUT,
                          "has no effect: %s is %s, expected %s; remove this key or change that one", other,
                          text ? text : "not set", eq + 1);
}

static int check_setting(struct config *c, struct vn_arena *a, const struct setting *s, struct vn_err *e)
{
    const struct key *k = s->key;
    if (k->state == KEY_LATER) {
        int off = 0;
        if (k->type == KEY_BOOL && s->text && parse_bool(s->text, &off) && !off)
            return VN_OK; /* switching off what is not there is right */
        if (k->def && s->text && !strcmp(k->def, s->text))
            return VN_OK;
        return vn_config_fail(c, s, e, VN_E_UNSUPPORTED, "not supported yet (%s)", k->help);
    }
    if (!s->text && (k->type != KEY_TREE || (k->state == KEY_WORKS && !s->leaves.n)))
        return vn_config_fail(c, s, e, VN_E_INPUT, "expected a value");
    if (s->text)
        TRY(check_type(c, a, s, e));
    const struct setting *other = k->excludes ? vn_config_given(c, k->excludes) : NULL;
    if (other)
        return vn_config_fail(c, s, e, VN_E_INPUT, "excludes %s, given on line %d", k->excludes, other->line);
    TRY(check_needs(c, a, s, e));
    if (k->state == KEY_VENDOR)
        VEC_PUSH(a, &c->warnings,
                 vn_arena_fmt(a, "%s:%d: %s: checked, but has no effect here (%s)", c->path, s->line, k->name,
                              k->help));
    return VN_OK;
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
    const char *text = text_of(c, name);
    if (text)
        l.n = vn_config_split(a, text, ';', &l.v);
    return l;
}

/* Entry i; one entry (or a default) serves all inputs. NULL: 'None' or absent. */
static const char *entry(const struct list *l, int i)
{
    if (!l->n)
        return NULL;
    const char *s = l->v[l->n == 1 ? 0 : i];
    return is_none(s) ? NULL : s;
}

static int check_length(const struct config *c, const struct list *l, int n, struct vn_err *e)
{
    if (l->n <= 1 || l->n == n)
        return VN_OK;
    return vn_config_fail(c, l->s, e, VN_E_INPUT,
                          "%d values for %d inputs; expected one per input, separated by ';'", l->n, n);
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

/* 1x3x224x224: whole numbers of at least 1 with x between. */
static int check_shape(const struct config *c, const struct setting *s, const char *text, struct vn_err *e)
{
    const char *p = text;
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

static int check_norm(const struct config *c, const struct input_config *in, const struct list *mean, const struct list *scale, struct vn_err *e)
{
    const char *t = vn_word_of(vn_words_norm_type, in->norm_type);
    if (!(in->norm_type & NORM_MEAN) != !in->n_mean)
        return vn_config_fail(c, mean->s, e, VN_E_INPUT, "norm_type %s %s mean_value", t,
                              in->n_mean ? "excludes" : "requires");
    if (!(in->norm_type & NORM_SCALE) != !in->n_scale)
        return vn_config_fail(c, scale->s, e, VN_E_INPUT, "norm_type %s %s scale_value", t,
                              in->n_scale ? "excludes" : "requires");
    const int channels = in->type_train == VN_IN_GRAY ? 1 : 3;
    if ((in->n_mean > 1 && in->n_mean != channels) || (in->n_scale > 1 && in->n_scale != channels))
        return vn_config_fail(c, in->n_mean > 1 && in->n_mean != channels ? mean->s : scale->s, e, VN_E_INPUT,
                              "expected 1 or %d numbers for %s, got %d", channels,
                              vn_input_type_word(in->type_train),
                              in->n_mean > 1 && in->n_mean != channels ? in->n_mean : in->n_scale);
    return VN_OK;
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

static int check_types(const struct config *c, struct vn_arena *a, const struct input_config *in,
                       const struct list *rt, const char *layout_rt, const struct setting *layout,
                       const struct list *space, struct vn_err *e)
{
    TRY(check_conversion(c, a, in, rt, e));
    if (in->type_rt == VN_IN_NV12 && layout_rt)
        return vn_config_fail(c, layout, e, VN_E_INPUT,
                              "has no effect for nv12; omit it, or write 'None' for this input");
    const int rgb = in->type_train == VN_IN_RGB || in->type_train == VN_IN_BGR;
    if (in->range == RANGE_BT601_VIDEO && (in->type_rt != VN_IN_NV12 || !rgb))
        return vn_config_fail(c, space->s, e, VN_E_INPUT,
                              "bt601_video requires input_type_rt nv12 and input_type_train rgb or bgr");
    if (in->type_train == VN_IN_FEATUREMAP && in->norm_type != NORM_NONE)
        return vn_config_fail(c, vn_config_given(c, "norm_type"), e, VN_E_INPUT,
                              "featuremap inputs are not preprocessed; expected no_preprocess");
    return VN_OK;
}

static const char *path_in(const struct config *c, struct vn_arena *a, const char *path)
{
    return vn_file_exists(path) || vn_dir_exists(path) ? path : vn_path_join(a, c->folder, path);
}

static enum vn_dtype cal_type_of_folder(const char *dir)
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

static int resolve_input(struct config *c, struct vn_arena *a, int i, struct vn_err *e)
{
    struct input_config *in = &c->inputs[i];
    const int n = c->n_inputs;
    struct { struct list name, train, layout, rt, layout_rt, space, shape, norm, mean, scale, dir, type; } l = {
        list_of(c, a, "input_name"), list_of(c, a, "input_type_train"), list_of(c, a, "input_layout_train"), list_of(c, a, "input_type_rt"),
        list_of(c, a, "input_layout_rt"), list_of(c, a, "input_space_and_range"), list_of(c, a, "input_shape"), list_of(c, a, "norm_type"),
        list_of(c, a, "mean_value"), list_of(c, a, "scale_value"), list_of(c, a, "cal_data_dir"), list_of(c, a, "cal_data_type") };
    const struct list *all = (const struct list *)&l;
    for (size_t k = 0; k < sizeof l / sizeof *all; k++)
        TRY(check_length(c, &all[k], n, e));
    in->name = entry(&l.name, i);
    for (int k = 0; in->name && k < i; k++)
        if (c->inputs[k].name && !strcmp(c->inputs[k].name, in->name))
            return vn_config_fail(c, l.name.s, e, VN_E_INPUT, "duplicate input name '%s'", in->name);
    in->type_train = word_entry(&l.train, i, vn_words_input_type_train, VN_IN_FEATUREMAP);
    in->layout_train = word_entry(&l.layout, i, vn_words_layout, LAYOUT_NCHW);
    in->type_rt = word_entry(&l.rt, i, vn_words_input_type_rt, VN_IN_FEATUREMAP);
    in->layout_rt = word_entry(&l.layout_rt, i, vn_words_layout, (int)in->layout_train);
    in->range = word_entry(&l.space, i, vn_words_value_range, RANGE_REGULAR);
    in->shape = entry(&l.shape, i);
    TRY(check_shape(c, l.shape.s, in->shape, e));
    in->norm_type = word_entry(&l.norm, i, vn_words_norm_type, NORM_NONE);
    TRY(numbers(c, &l.mean, i, in->mean, &in->n_mean, e));
    TRY(numbers(c, &l.scale, i, in->scale, &in->n_scale, e));
    if (!entry(&l.train, i) || !entry(&l.rt, i))
        return vn_config_fail(c, NULL, e, VN_E_INPUT, "input_parameters: %s is missing",
                              entry(&l.train, i) ? "input_type_rt" : "input_type_train");
    in->cal_dir = entry(&l.dir, i) ? path_in(c, a, entry(&l.dir, i)) : NULL;
    in->cal_type = word_entry(&l.type, i, vn_words_cal_data_type, (int)cal_type_of_folder(in->cal_dir));
    TRY(check_types(c, a, in, &l.rt, entry(&l.layout_rt, i), l.layout_rt.s, &l.space, e));
    return check_norm(c, in, &l.mean, &l.scale, e);
}

static int resolve_optimization(struct config *c, struct vn_arena *a, struct vn_err *e)
{
    static const char *const known[] = { "set_model_output_int8", "set_model_output_int16", "asymmetric", "bias_correction", "set_all_nodes_int16" };
    const struct setting *s = vn_config_given(c, "optimization");
    const char **words;
    const int n = s && s->text ? vn_config_split(a, s->text, ',', &words) : 0;
    for (int i = 0; i < n; i++) {
        int *const flags[] = { &c->outputs_int8, &c->outputs_int16, &c->asymmetric, &c->bias_correction }, *flag = NULL;
        for (int k = 0; k < 4; k++)
            flag = strcmp(words[i], known[k]) ? flag : flags[k];
        if (flag)
            *flag = 1;
        else if (among("lstm_batch_last|run_fast", words[i]))
            return vn_config_fail(c, s, e, VN_E_UNSUPPORTED, "'%s' is not supported yet", words[i]);
        else if (!vn_config_type_word(c, a, s, words[i])) {
            const char *near = vn_nearest(words[i], known, 5);
            return vn_config_fail(c, s, e, VN_E_INPUT, "unknown value '%s'%s%s%s", words[i], near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        }
    }
    if (c->outputs_int8 && c->outputs_int16)
        return vn_config_fail(c, s, e, VN_E_INPUT, "set_model_output_int8 and set_model_output_int16 exclude each other");
    TRY(vn_config_quant_config(c, a, e));
    return vn_config_types(c, a, e);
}

static int resolve_calibration(struct config *c, struct vn_arena *a, struct vn_err *e)
{
    c->calibration_type = value_of(c, "calibration_type", vn_words_calibration_type);
    parse_number(text_of(c, "max_percentile"), &c->max_percentile);
    parse_bool(text_of(c, "preprocess_on"), &c->preprocess_on);
    c->pipeline = text_of(c, "pipeline");
    if (c->pipeline && (vn_path_has_suffix(c->pipeline, ".yaml") || vn_path_has_suffix(c->pipeline, ".yml")))
        c->pipeline = path_in(c, a, c->pipeline);
    const int skip = c->calibration_type == CALIBRATION_SKIP;
    const struct setting *dir = vn_config_given(c, "cal_data_dir"), *type = vn_config_given(c, "cal_data_type");
    if (skip && dir)
        return vn_config_fail(c, dir, e, VN_E_INPUT, "has no effect: calibration_type skip uses random data");
    if (!skip && !dir)
        return vn_config_fail(
            c, NULL, e, VN_E_INPUT,
            "calibration_parameters: cal_data_dir is missing; calibration_type %s requires data",
            vn_word_of(vn_words_calibration_type, c->calibration_type));
    if (type && c->preprocess_on)
        return vn_config_fail(c, type, e, VN_E_INPUT,
                              "has no effect: with preprocess_on the files are images");
    return resolve_optimization(c, a, e);
}

static int resolve_model(struct config *c, struct vn_arena *a, struct vn_err *e)
{
    const char *onnx = text_of(c, "onnx_model"), *caffe = text_of(c, "caffe_model"), *prototxt = text_of(c, "prototxt");
    if (!onnx && !caffe && !prototxt)
        return vn_config_fail(c, NULL, e, VN_E_INPUT, "model_parameters: onnx_model is missing (or caffe_model and prototxt)");
    if (!onnx && !(caffe && prototxt))
        return vn_config_fail(
            c, NULL, e, VN_E_INPUT,
            "model_parameters: %s is missing; a Caffe network requires caffe_model and prototxt",
            caffe ? "prototxt" : "caffe_model");
    c->model = path_in(c, a, onnx ? onnx : caffe);
    c->prototxt = onnx ? NULL : path_in(c, a, prototxt);
    return VN_OK;
}

static int resolve(struct config *c, struct vn_arena *a, struct vn_err *e)
{
    for (int i = 0; i < c->settings.n; i++)
        TRY(check_setting(c, a, &c->settings.v[i], e));
    TRY(resolve_model(c, a, e));
    c->march = text_of(c, "march");
    if (vn_path_has_suffix(c->march, ".yaml"))
        c->march = path_in(c, a, c->march);
    c->prefix = text_of(c, "output_model_file_prefix");
    if (strchr(c->prefix, '/'))
        return vn_config_fail(c, vn_config_given(c, "output_model_file_prefix"), e, VN_E_INPUT,
                              "expected a name without '/'; working_dir sets the folder");
    c->working_dir = vn_path_join(a, c->folder, text_of(c, "working_dir"));
    c->level = value_of(c, "optimize_level", vn_words_optimize_level);
    c->dump_calibration = vn_config_given(c, "debug_mode") != NULL;
    const struct list names = list_of(c, a, "input_name"), types = list_of(c, a, "input_type_rt");
    c->n_inputs = names.n ? names.n : types.n ? types.n : 1;
    c->inputs = NEW_ARRAY(a, struct input_config, c->n_inputs);
    for (int i = 0; i < c->n_inputs; i++)
        TRY(resolve_input(c, a, i, e));
    return resolve_calibration(c, a, e);
}

int vn_config_read_memory(struct config **out, struct vn_arena *a, const char *text, size_t bytes, const char *path, struct vn_err *e)
{
    struct config *c = NEW(a, struct config);
    c->path = vn_arena_str(a, path);
    c->folder = vn_path_folder(a, path);
    TRY(vn_yaml_settings(c, a, text, bytes, e));
    TRY(resolve(c, a, e));
    *out = c;
    return VN_OK;
}

int vn_config_read(struct config **out, struct vn_arena *a, const char *path, struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    TRY(vn_file_map(a, path, &data, &bytes, e));
    return vn_config_read_memory(out, a, (const char *)data, bytes, path, e);
}

int vn_config_match_inputs(struct config *c, struct vn_arena *a, int n, const char *const *names, struct vn_err *e)
{
    if (c->n_inputs != n && !(c->n_inputs == 1 && !c->inputs[0].name))
        return vn_config_fail(c, vn_config_given(c, "input_name"), e, VN_E_INPUT, "describes %d inputs, the model has %d", c->n_inputs, n);
    if (n > 1 && !c->inputs[0].name)
        return vn_config_fail(c, NULL, e, VN_E_INPUT, "Model has more than one input! It is necessary to explicitly specify all the input_name (%s; %s; ...)", names[0], names[1]);
    struct input_config *in = NEW_ARRAY(a, struct input_config, n);
    for (int i = 0; i < n; i++) {
        int k = 0;
        while (k < c->n_inputs && c->inputs[k].name && strcmp(c->inputs[k].name, names[i]))
            k++;
        if (k == c->n_inputs) {
            const char *near = vn_nearest(c->inputs[0].name, names, n);
            return vn_config_fail(c, vn_config_given(c, "input_name"), e, VN_E_INPUT, "the model's input '%s' is not described%s%s", names[i],
                                  near ? "; nearest name in the model: " : "", near ? near : "");
        }
        in[i] = c->inputs[k];
        in[i].name = names[i];
    }
    c->inputs = in;
    c->n_inputs = n;
    return VN_OK;
}
