/* Keys of the vendor's compiler have no effect here, but what its format forbids is wrong here, too. */
#include "config/compiler.h"

#include <stdlib.h>
#include <strings.h>

#include "config/settings.h"

static int check_balance(const struct config *c, struct vn_err *e)
{
    const struct setting *mode = vn_config_used(c, "compile_mode");
    return mode && !strcmp(mode->text, "balance") && !vn_config_given(c, "balance_factor")
               ? vn_config_fail(c, mode, e, VN_E_INPUT,
                                "balance requires balance_factor: 0 (bandwidth) to 100 (latency)")
               : VN_OK;
}

int vn_config_economy(const struct config *c)
{
    const struct config_word *mode = vn_word_find(vn_words_compile_mode, vn_config_text(c, "compile_mode"));
    const struct setting *factor = vn_config_used(c, "balance_factor");
    const int latency = factor ? atoi(factor->text) : 50;
    const int economy[] = {
        [COMPILE_LATENCY] = 0, [COMPILE_BANDWIDTH] = 100, [COMPILE_BALANCE] = 100 - latency
    };
    return mode ? economy[mode->value] : 0;
}

#define LEAST_TIME 1000

static int check_time(const struct config *c, struct vn_err *e)
{
    const struct setting *s = vn_config_used(c, "max_time_per_fc");
    const double t = s ? strtod(s->text, NULL) : 0;
    return t > 0 && t < LEAST_TIME
               ? vn_config_fail(c, s, e, VN_E_INPUT, "expected 0 or 1000 to 4294967295 microseconds, got %s",
                                s->text)
               : VN_OK;
}

int vn_config_check_compiler(struct config *c, struct vn_arena *a, struct vn_err *e)
{
    NOTE(c, a, check_balance(c, e), e);
    NOTE(c, a, check_time(c, e), e);
    return VN_OK;
}

int vn_config_check_target(const struct config *c, const struct target *t, struct vn_err *e)
{
    const struct setting *s = vn_config_used(c, "core_num");
    return s && t->cores && strtod(s->text, NULL) > t->cores
               ? vn_config_fail(c, s, e, VN_E_INPUT, "march %s runs a model on at most %d core%s, got %s",
                                t->name, t->cores, t->cores == 1 ? "" : "s", s->text)
               : VN_OK;
}

/* ---- input_source: {NAME: ddr|pyramid|resizer} ---- */

static struct input_config *find_input(const struct config *c, const char *name)
{
    for (int i = 0; i < c->n_inputs; i++)
        if (!strcmp(c->inputs[i].name, name))
            return &c->inputs[i];
    return NULL;
}

static int no_such_input(const struct config *c, struct vn_arena *a, const struct type_rule *at,
                         const char *name, struct vn_err *e)
{
    const char *all = "";
    for (int i = 0; i < c->n_inputs; i++)
        all = vn_arena_fmt(a, "%s%s'%s'", all, i ? ", " : "", c->inputs[i].name);
    return vn_config_fail_rule(c, at, e, VN_E_INPUT, "the model has no input '%s'; it has %s", name, all);
}

static int resolve_source(const struct config *c, struct vn_arena *a, const struct setting *s,
                          const struct leaf *l, struct vn_err *e)
{
    const struct type_rule at = { .given = s, .line = l->line, .column = l->column };
    const struct config_word *w = vn_word_find(vn_words_input_source, l->text);
    struct input_config *in = find_input(c, l->first);
    const struct setting *dump = vn_config_used(c, "layer_out_dump");
    if (!in)
        return no_such_input(c, a, &at, l->first, e);
    if (!w)
        return vn_config_fail_rule(c, &at, e, VN_E_INPUT, "%s: expected one of %s, got '%s'", l->first,
                                   vn_word_list(a, vn_words_input_source, ", "), l->text);
    in->source = (enum input_source)w->value;
    if (in->source != SOURCE_RESIZER)
        return VN_OK;
    if (in->type_rt != VN_IN_NV12 && in->type_rt != VN_IN_GRAY)
        return vn_config_fail_rule(c, &at, e, VN_E_INPUT,
                                   "%s: resizer requires input_type_rt nv12 or gray, got %s", l->first,
                                   vn_input_type_word(in->type_rt));
    return dump && !strcasecmp(dump->text, "true")
               ? vn_config_fail_rule(c, &at, e, VN_E_INPUT, "%s: resizer excludes layer_out_dump", l->first)
               : VN_OK;
}

/* Cameras hand over NV12 and gray. */
static enum input_source usual_source(enum vn_input_type t)
{
    return t == VN_IN_NV12 || t == VN_IN_GRAY ? SOURCE_PYRAMID : SOURCE_DDR;
}

int vn_config_resolve_sources(struct config *c, struct vn_arena *a, struct vn_err *e)
{
    const struct setting *s = vn_config_used(c, "input_source");
    for (int i = 0; i < c->n_inputs; i++)
        c->inputs[i].source = usual_source(c->inputs[i].type_rt);
    for (int i = 0; s && i < s->leaves.n; i++)
        NOTE(c, a, resolve_source(c, a, s, &s->leaves.v[i], e), e);
    return VN_OK;
}
