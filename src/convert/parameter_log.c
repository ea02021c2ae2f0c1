/* The lines of the log that say what a conversion goes by: inputs, calibration parameters, the search. */
#include "convert/stages.h"

#include "ops/op.h"

/* ['a', 'b'] */
static const char *quoted(struct vn_arena *a, int n, const char *const *words)
{
    const char *text = "[";
    for (int i = 0; i < n; i++)
        text = vn_arena_fmt(a, "%s%s'%s'", text, i ? ", " : "", words[i]);
    return vn_arena_fmt(a, "%s]", text);
}

/* [1, 3, 224, 224] */
const char *vn_convert_sizes(struct vn_arena *a, const struct vn_shape *s)
{
    const char *text = "[";
    for (int i = 0; i < s->rank; i++)
        text = vn_arena_fmt(a, "%s%s%lld", text, i ? ", " : "", (long long)s->d[i]);
    return vn_arena_fmt(a, "%s]", text);
}

static const char *all_sizes(const struct vn_conversion *c)
{
    const char *text = "[";
    for (int i = 0; i < c->original->inputs.n; i++)
        text = vn_arena_fmt(c->arena, "%s%s%s", text, i ? ", " : "",
                            vn_convert_sizes(c->arena, &c->original->inputs.v[i]->shape));
    return vn_arena_fmt(c->arena, "%s]", text);
}

/* ---- inputs ---- */

static void tell_source(const struct vn_conversion *c, int i, const char *name)
{
    const struct input_config *in = &c->config->inputs[i];
    const char *source = vn_word_of(vn_words_input_source, in->source);
    if (!vn_config_given(c->config, "input_source"))
        INFO(c, "Input node %s's input_source not set, it will be set to %s by default", name, source);
    else
        INFO(c, "input %s is from %s.", name, source);
}

void vn_convert_tell_inputs(const struct vn_conversion *c)
{
    const struct graph *g = c->original;
    const char **names = NEW_ARRAY(c->arena, const char *, g->inputs.n);
    for (int i = 0; i < g->inputs.n; i++)
        names[i] = g->inputs.v[i]->name;
    const char *all = quoted(c->arena, g->inputs.n, names);
    INFO(c, "Model input names: %s", all);
    INFO(c, "Model has %d inputs according to model file", g->inputs.n);
    INFO(c, "validating model_parameters finished");
    DETAIL(c, "validating input_parameters...");
    if (!vn_config_given(c->config, "input_name"))
        INFO(c, "Model name not given in yaml_file, using model name from model file: %s", all);
    if (!vn_config_given(c->config, "input_shape"))
        INFO(c, "Model input shape not given in yaml_file, using shape from model file: %s", all_sizes(c));
    for (int i = 0; i < g->inputs.n; i++) {
        char shape[VN_SHAPE_TEXT];
        const struct input_config *in = &c->config->inputs[i];
        INFO(c, "%s input type rt received.", vn_input_type_word(in->type_rt));
        INFO(c, "input '%s': %s -> %s, shape %s", names[i], vn_input_type_word(in->type_rt),
             vn_input_type_word(in->type_train), vn_shape_text(&g->inputs.v[i]->shape, shape));
    }
    INFO(c, "validating input_parameters finished");
}

/* ---- what else the configuration says ---- */

static void tell_custom_ops(const struct vn_conversion *c)
{
    DETAIL(c, "validating custom_op...");
    if (!c->config->custom_ops.n)
        DETAIL(c, "custom_op does not exist, skipped");
    DETAIL(c, "validating custom_op finished");
}

/* As the log has it: what was given, by group. */
static void tell_keys(const struct vn_conversion *c)
{
    const char *group = "";
    DETAIL(c, "Dump config:");
    for (int i = 0; i < vn_keys_count; i++) {
        const struct key *k = &vn_keys[i];
        if (!vn_config_given(c->config, k->name))
            continue;
        if (strcmp(group, k->group))
            DETAIL(c, "%s:", k->group);
        group = k->group;
        DETAIL(c, "  %s: %s", k->name, vn_config_text(c->config, k->name));
    }
}

/* A folder's name and the key that says the type of its files. */
static void tell_suffixes(const struct vn_conversion *c)
{
    const int given = vn_config_given(c->config, "cal_data_type") != NULL && !c->config->preprocess_on;
    for (int i = 0; given && i < c->original->inputs.n; i++) {
        const struct input_config *in = &c->config->inputs[i];
        if (in->cal_dir && in->cal_type != vn_config_folder_type(in->cal_dir))
            DETAIL(c,
                   "The calibration dir name suffix is not the same as the value %s of the parameter "
                   "cal_data_type, the parameter setting will prevail",
                   vn_word_of(vn_words_cal_data_type, (int)in->cal_type));
    }
}

/* The reader has told what each has come to. */
static void tell_deprecated(const struct vn_conversion *c)
{
    DETAIL(c, "validating deprecated parameters...");
    DETAIL(c, "validating deprecated parameters finished");
}

static void tell_build(const struct vn_conversion *c)
{
    const struct graph *g = c->original;
    const char *given = vn_config_text(c->config, "optimization");
    for (int i = 0; i < g->inputs.n; i++)
        DETAIL(c, "input '%s' : original model shape: %s", g->inputs.v[i]->name,
               vn_convert_sizes(c->arena, &g->inputs.v[i]->shape));
    DETAIL(c, "call build params:");
    DETAIL(c, "    march:           %s", c->target.name);
    DETAIL(c, "    save_model:      True");
    DETAIL(c, "    name_prefix:     %s", c->config->prefix);
    DETAIL(c, "    optimization:    [%s]", given ? given : "");
    DETAIL(c, "Start to Horizon NN Model Convert.");
    DETAIL(c, "Loading horizon_nn debug methods:%s",
           c->config->dump_calibration ? "{'dump_calibration_data'}" : "set()");
}

void vn_convert_tell_settings(const struct vn_conversion *c)
{
    DETAIL(c, "validating calibration_parameters...");
    tell_suffixes(c);
    INFO(c, "validating calibration_parameters finished");
    tell_custom_ops(c);
    DETAIL(c, "validating compiler_parameters...");
    for (int i = 0; i < c->original->inputs.n; i++)
        tell_source(c, i, c->original->inputs.v[i]->name);
    DETAIL(c, "validating compiler_parameters finished");
    tell_deprecated(c);
    tell_keys(c);
    tell_build(c);
}

/* ---- calibration ---- */

/* What is tried: the values of a list, or the one that the configuration has. */
static const char *flags(const struct vn_conversion *c, enum search_key key, int value, int both)
{
    const struct search_list *l = &c->config->search[key];
    const char *const words[] = { "False", "True" };
    if (l->n > 1 || both)
        return "[True, False]";
    return vn_arena_fmt(c->arena, "[%s]", words[(l->n ? l->v[0] : value) != 0]);
}

static const char *types(const struct vn_conversion *c)
{
    const struct config *g = c->config;
    const struct search_list *l = &g->search[SEARCH_TYPE];
    const char *words[SEARCH_MOST] = { vn_word_of(vn_words_calibration_type, g->calibration_type) };
    if (!l->n && g->calibration_type == CALIBRATION_DEFAULT)
        return g->vendor_search ? "['max', 'kl']" : "['max', 'mse', 'kl']";
    for (int i = 0; i < l->n; i++)
        words[i] = vn_word_of(vn_words_calibration_type, (int)l->v[i]);
    return quoted(c->arena, l->n ? l->n : 1, words);
}

static const char *percentiles(const struct vn_conversion *c)
{
    const struct config *g = c->config;
    const struct search_list *l = &g->search[SEARCH_PERCENTILE];
    if (!l->n && g->calibration_type == CALIBRATION_DEFAULT)
        return g->vendor_search ? "[0.99995, 1.0]" : vn_convert_percentiles(c->arena);
    const char *text = "[";
    for (int i = 0; i < l->n || i == 0; i++) {
        const double p = l->n ? l->v[i] : g->max_percentile;
        text = vn_arena_fmt(c->arena, p == 1 ? "%s%s1.0" : "%s%s%.10g", text, i ? ", " : "", p);
    }
    return vn_arena_fmt(c->arena, "%s]", text);
}

/* What judges a search, and how good is good enough. */
static void tell_search(const struct vn_conversion *c)
{
    INFO(c, "The modelwise search parameters:");
    if (c->config->vendor_search) {
        INFO(c, "    similarity:           %g", VENDOR_ENOUGH);
        INFO(c, "    metric:               cosine-similarity");
        return;
    }
    INFO(c, "    similarity:           %g dB", ENOUGH_SQNR);
    INFO(c, "    metric:               sqnr of held-out samples");
}

void vn_convert_tell_calibration(const struct vn_conversion *c)
{
    const struct config *g = c->config;
    const int searches = g->calibration_type == CALIBRATION_DEFAULT;
    if (g->random_data || g->calibration_type == CALIBRATION_LOAD)
        return;
    INFO(c, "The activation calibration parameters:");
    INFO(c, "    calibration_type:     %s", types(c));
    INFO(c, "    max_percentile:       %s", percentiles(c));
    INFO(c, "    per_channel:          %s",
         flags(c, SEARCH_PER_CHANNEL, g->per_channel, g->vendor_search && !g->per_channel));
    INFO(c, "    asymmetric:           %s",
         flags(c, SEARCH_ASYMMETRIC, g->asymmetric, searches && !g->asymmetric));
    INFO(c, "    bias_correction:      %s",
         flags(c, SEARCH_BIAS_CORRECTION, g->bias_correction,
               searches && !g->vendor_search && !g->bias_correction));
    if (vn_convert_searches(g))
        tell_search(c);
}

void vn_convert_tell_samples(const struct vn_conversion *c)
{
    const int n = vn_samples_count(c->samples);
    for (int i = 0; i < c->original->inputs.n; i++) {
        const struct value *v = c->original->inputs.v[i];
        INFO(c, "input name: %s,  number_of_samples: %d", v->name, n);
        INFO(c, "calibration data shape: %s", vn_convert_sizes(c->arena, &v->shape));
    }
    INFO(c, n == 1 ? "There is %d sample in the data set." : "There are %d samples in the data set.", n);
}

/* ---- compiler ---- */

void vn_convert_tell_compiler(const struct vn_conversion *c)
{
    const char *given = vn_config_text(c->config, "optimization");
    INFO(c, "The specified model compilation architecture: %s.", c->target.name);
    INFO(c, "The specified model compilation optimization parameters: [%s].", given ? given : "");
}
