/* From settings to a checked struct config. */
#include "config/config.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <strings.h>

#include "base/file.h"
#include "config/types.h"
#include "config/yaml.h"

const struct setting *vn_config_given(const struct config *c, const char *key)
{
    for (int i = 0; i < c->settings.n; i++)
        if (!strcmp(c->settings.v[i].key->name, key))
            return &c->settings.v[i];
    return NULL;
}

int vn_config_fail(const struct config *c, const struct setting *s, struct vn_err *e, int code, const char *fmt, ...)
{
    char msg[800];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    if (!s)
        return vn_fail(e, code, "%s: %s", c->path, msg);
    return vn_fail(e, code, "%s:%d:%d: %s: %s", c->path, s->line, s->column, s->key->name, msg);
}

int vn_config_fail_rule(const struct config *c, const struct type_rule *r, struct vn_err *e, int code, const char *fmt, ...)
{
    char msg[800];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    return vn_fail(e, code, "%s:%d:%d: %s: %s", c->path, r->line, r->column, r->given->key->name, msg);
}

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

/* ---- words ---- */

static const char *trimmed(struct vn_arena *a, const char *s, size_t n)
{
    while (n && isspace((unsigned char)*s)) {
        s++;
        n--;
    }
    while (n && isspace((unsigned char)s[n - 1]))
        n--;
    return vn_arena_strn(a, s, n);
}

int vn_split(struct vn_arena *a, const char *text, char sep, const char ***out)
{
    VEC(const char *) v = { 0 };
    for (const char *p = text;;) {
        const char *end = strchr(p, sep);
        const char *word = trimmed(a, p, end ? (size_t)(end - p) : strlen(p));
        if (*word || end)
            VEC_PUSH(a, &v, word);
        if (!end)
            break;
        p = end + 1;
    }
    while (v.n && !*v.v[v.n - 1]) /* a trailing separator */
        v.n--;
    *out = v.v;
    return v.n;
}

/* 1: among the choices, 2: known but not supported yet, 0: neither */
static int among(const char *choices, const char *word)
{
    const size_t n = strlen(word);
    for (const char *p = choices; p && *p;) {
        const char *end = strchr(p, '|');
        const size_t k = end ? (size_t)(end - p) : strlen(p);
        const int later = *p == '(';
        if (k - 2u * (unsigned)later == n && !strncmp(p + later, word, n))
            return later ? 2 : 1;
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

static int check_choice(const struct config *c, const struct setting *s, const char *word, struct vn_err *e)
{
    const int found = among(s->key->choices, word);
    if (found == 2)
        return vn_config_fail(c, s, e, VN_E_UNSUPPORTED, "'%s' is not supported yet", word);
    if (found)
        return VN_OK;
    char list[300], *p = list;
    for (const char *q = s->key->choices; *q && p < list + sizeof list - 3; q++)
        if (*q == '|') {
            *p++ = ',';
            *p++ = ' ';
        } else if (*q != '(' && *q != ')')
            *p++ = *q;
    *p = 0;
    return vn_config_fail(c, s, e, VN_E_INPUT, "want one of %s; got '%s'", list, word);
}

static int check_number(const struct config *c, const struct setting *s, struct vn_err *e)
{
    double x;
    const struct key *k = s->key;
    if (!parse_number(s->text, &x) || (k->type == KEY_INT && x != (double)(long long)x))
        return vn_config_fail(c, s, e, VN_E_INPUT, "want %s, got '%s'", k->type == KEY_INT ? "a whole number" : "a number", s->text);
    if (x < k->min || x > k->max)
        return vn_config_fail(c, s, e, VN_E_INPUT, "want %g to %g, got %s", k->min, k->max, s->text);
    return VN_OK;
}

/* The word for an input to which a list does not apply. */
static int is_none(const char *word) { return !*word || !strcasecmp(word, "None"); }

static int check_type(const struct config *c, struct vn_arena *a, const struct setting *s, struct vn_err *e)
{
    int flag;
    const char **words;
    switch (s->key->type) {
    case KEY_BOOL: return parse_bool(s->text, &flag) ? VN_OK : vn_config_fail(c, s, e, VN_E_INPUT, "want True or False, got '%s'", s->text);
    case KEY_INT:
    case KEY_FLOAT: return check_number(c, s, e);
    case KEY_CHOICE: return check_choice(c, s, s->text, e);
    case KEY_LIST: {
        const int n = s->key->choices ? vn_split(a, s->text, ';', &words) : 0;
        for (int i = 0; i < n; i++)
            if (!is_none(words[i]))
                TRY(check_choice(c, s, words[i], e));
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
    const int n = text ? vn_split(a, text, ';', &words) : 0;
    for (int i = 0; i < n; i++)
        if (among(eq + 1, words[i]) == 1)
            return VN_OK;
    return vn_config_fail(c, s, e, VN_E_INPUT, "has no effect: %s is %s, want %s; remove this key or change that one", other,
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
        return vn_config_fail(c, s, e, VN_E_INPUT, "want a value");
    if (s->text)
        TRY(check_type(c, a, s, e));
    const struct setting *other = k->excludes ? vn_config_given(c, k->excludes) : NULL;
    if (other)
        return vn_config_fail(c, s, e, VN_E_INPUT, "excludes %s, given on line %d", k->excludes, other->line);
    TRY(check_needs(c, a, s, e));
    if (k->state == KEY_VENDOR)
        VEC_PUSH(a, &c->warnings, vn_arena_fmt(a, "%s:%d: %s: checked, but without meaning here (%s)", c->path, s->line, k->name, k->help));
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
        l.n = vn_split(a, text, ';', &l.v);
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
    return vn_config_fail(c, l->s, e, VN_E_INPUT, "%d values for %d inputs; want one for each, with ; between", l->n, n);
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
            return vn_config_fail(c, l->s, e, VN_E_INPUT, "want at most %d numbers with spaces between", CONFIG_MAX_CHANNELS);
        memcpy(word, p, k);
        word[k] = 0;
        if (!parse_number(word, &out[*n]))
            return vn_config_fail(c, l->s, e, VN_E_INPUT, "want numbers with spaces between, got '%s'", word);
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
    return !text ? VN_OK : vn_config_fail(c, s, e, VN_E_INPUT, "want whole numbers with x between, as 1x3x224x224; got '%s'", text);
}

static int has_part(const char *norm, const char *part) { return norm && strstr(norm, part) != NULL; }

static int check_norm(const struct config *c, const struct input_config *in, const struct list *mean, const struct list *scale, struct vn_err *e)
{
    const char *t = in->norm_type;
    if (has_part(t, "mean") != (in->n_mean > 0))
        return vn_config_fail(c, mean->s, e, VN_E_INPUT, "norm_type %s %s mean_value", t, in->n_mean ? "takes no" : "wants a");
    if (has_part(t, "scale") != (in->n_scale > 0))
        return vn_config_fail(c, scale->s, e, VN_E_INPUT, "norm_type %s %s scale_value", t, in->n_scale ? "takes no" : "wants a");
    const int channels = !strcmp(in->type_train, "gray") ? 1 : 3;
    if ((in->n_mean > 1 && in->n_mean != channels) || (in->n_scale > 1 && in->n_scale != channels))
        return vn_config_fail(c, in->n_mean > 1 && in->n_mean != channels ? mean->s : scale->s, e, VN_E_INPUT,
                              "want 1 or %d numbers for %s, got %d", channels, in->type_train, in->n_mean > 1 && in->n_mean != channels ? in->n_mean : in->n_scale);
    return VN_OK;
}

static const char *const allowed_rt[][2] = {
    { "yuv444", "nv12|yuv444" }, { "rgb", "nv12|yuv444|rgb|bgr" }, { "bgr", "nv12|yuv444|rgb|bgr" }, { "gray", "gray" }, { "featuremap", "featuremap" },
};

static int check_types(const struct config *c, const struct input_config *in, const struct list *rt, const struct list *layout_rt,
                       const struct list *space, struct vn_err *e)
{
    for (int i = 0; i < 5; i++)
        if (!strcmp(allowed_rt[i][0], in->type_train) && !among(allowed_rt[i][1], in->type_rt))
            return vn_config_fail(c, rt->s, e, VN_E_INPUT, "%s cannot become %s; with input_type_train %s want one of %s", in->type_rt,
                                  in->type_train, in->type_train, allowed_rt[i][1]);
    if (!strcmp(in->type_rt, "nv12") && in->layout_rt)
        return vn_config_fail(c, layout_rt->s, e, VN_E_INPUT, "has no effect for nv12; leave it out, or 'None' for this input");
    const int rgb = !strcmp(in->type_train, "rgb") || !strcmp(in->type_train, "bgr");
    if (in->video_range && (strcmp(in->type_rt, "nv12") || !rgb))
        return vn_config_fail(c, space->s, e, VN_E_INPUT, "bt601_video wants input_type_rt nv12 and input_type_train rgb or bgr");
    if (!strcmp(in->type_train, "featuremap") && strcmp(in->norm_type, "no_preprocess"))
        return vn_config_fail(c, vn_config_given(c, "norm_type"), e, VN_E_INPUT, "featuremap inputs are not preprocessed; want no_preprocess");
    return VN_OK;
}

static const char *path_in(const struct config *c, struct vn_arena *a, const char *path)
{
    return vn_file_exists(path) || vn_dir_exists(path) ? path : vn_path_join(a, c->folder, path);
}

static const char *cal_type(struct vn_arena *a, const char *given, const char *dir)
{
    (void)a;
    if (given)
        return given;
    if (!dir)
        return NULL;
    size_t n = strlen(dir);
    while (n && dir[n - 1] == '/')
        n--;
    return n >= 4 && !strncmp(dir + n - 4, "_f32", 4) ? "float32" : "uint8";
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
            return vn_config_fail(c, l.name.s, e, VN_E_INPUT, "'%s' is given twice", in->name);
    in->type_train = entry(&l.train, i);
    in->layout_train = entry(&l.layout, i);
    in->type_rt = entry(&l.rt, i);
    in->layout_rt = entry(&l.layout_rt, i);
    in->video_range = entry(&l.space, i) && !strcmp(entry(&l.space, i), "bt601_video");
    in->shape = entry(&l.shape, i);
    TRY(check_shape(c, l.shape.s, in->shape, e));
    in->norm_type = entry(&l.norm, i) ? entry(&l.norm, i) : "no_preprocess";
    TRY(numbers(c, &l.mean, i, in->mean, &in->n_mean, e));
    TRY(numbers(c, &l.scale, i, in->scale, &in->n_scale, e));
    if (!in->type_train || !in->type_rt)
        return vn_config_fail(c, NULL, e, VN_E_INPUT, "input_parameters: %s is missing", in->type_train ? "input_type_rt" : "input_type_train");
    if (!in->layout_train)
        in->layout_train = "NCHW";
    in->cal_dir = entry(&l.dir, i) ? path_in(c, a, entry(&l.dir, i)) : NULL;
    in->cal_type = cal_type(a, entry(&l.type, i), in->cal_dir);
    TRY(check_types(c, in, &l.rt, &l.layout_rt, &l.space, e));
    return check_norm(c, in, &l.mean, &l.scale, e);
}

static int resolve_optimization(struct config *c, struct vn_arena *a, struct vn_err *e)
{
    static const char *const known[] = { "set_model_output_int8", "set_model_output_int16", "asymmetric", "bias_correction", "set_all_nodes_int16" };
    const struct setting *s = vn_config_given(c, "optimization");
    const char **words;
    const int n = s && s->text ? vn_split(a, s->text, ',', &words) : 0;
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
    return vn_config_types(c, a, e);
}

static int resolve_calibration(struct config *c, struct vn_arena *a, struct vn_err *e)
{
    c->calibration_type = text_of(c, "calibration_type");
    parse_number(text_of(c, "max_percentile"), &c->max_percentile);
    parse_bool(text_of(c, "preprocess_on"), &c->preprocess_on);
    c->pipeline = text_of(c, "pipeline");
    if (c->pipeline && (vn_path_has_suffix(c->pipeline, ".yaml") || vn_path_has_suffix(c->pipeline, ".yml")))
        c->pipeline = path_in(c, a, c->pipeline);
    const int skip = !strcmp(c->calibration_type, "skip");
    const struct setting *dir = vn_config_given(c, "cal_data_dir"), *type = vn_config_given(c, "cal_data_type");
    if (skip && dir)
        return vn_config_fail(c, dir, e, VN_E_INPUT, "has no effect: calibration_type skip uses random data");
    if (!skip && !dir)
        return vn_config_fail(c, NULL, e, VN_E_INPUT, "calibration_parameters: cal_data_dir is missing; calibration_type %s wants data", c->calibration_type);
    if (type && c->preprocess_on)
        return vn_config_fail(c, type, e, VN_E_INPUT, "has no effect: with preprocess_on the files are pictures");
    return resolve_optimization(c, a, e);
}

static int resolve_model(struct config *c, struct vn_arena *a, struct vn_err *e)
{
    const char *onnx = text_of(c, "onnx_model"), *caffe = text_of(c, "caffe_model"), *prototxt = text_of(c, "prototxt");
    if (!onnx && !caffe && !prototxt)
        return vn_config_fail(c, NULL, e, VN_E_INPUT, "model_parameters: onnx_model is missing (or caffe_model and prototxt)");
    if (!onnx && !(caffe && prototxt))
        return vn_config_fail(c, NULL, e, VN_E_INPUT, "model_parameters: %s is missing; a Caffe network wants caffe_model and prototxt",
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
        return vn_config_fail(c, vn_config_given(c, "output_model_file_prefix"), e, VN_E_INPUT, "want a name without '/'; folders go into working_dir");
    c->working_dir = vn_path_join(a, c->folder, text_of(c, "working_dir"));
    c->level = text_of(c, "optimize_level")[1] - '0';
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
