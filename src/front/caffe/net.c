/* From text and weights to a graph: the layers that testing has, in the order of the file, one build() each.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/file.h"
#include "config/config.h"
#include "front/caffe/caffe.h"
#include "front/caffe/layer.h"

/* ---- the prototxt's own messages ---- */

struct rule {
    int64_t phase, min_level, max_level;
    struct text_strings stage, not_stage;
};
static const char *const phases[] = { "TRAIN", "TEST", NULL };
enum { TRAIN, TEST, ANY_PHASE };
static const struct text_field rule_fields[] = {
    T_ENUM(struct rule, phase, "phase", ANY_PHASE, phases),
    T_INT(struct rule, min_level, "min_level", INT32_MIN, INT32_MIN, INT32_MAX),
    T_INT(struct rule, max_level, "max_level", INT32_MAX, INT32_MIN, INT32_MAX),
    T_STRINGS(struct rule, stage, "stage"),
    T_STRINGS(struct rule, not_stage, "not_stage"),
    T_END,
};
static const struct text_message rule = { sizeof(struct rule), rule_fields };

struct transform {
    int64_t crop, gray;
};
static const struct text_field transform_fields[] = {
    T_INT(struct transform, crop, "crop_size", 0, 0, 65536),
    T_BOOL(struct transform, gray, "force_gray", 0),
    T_ANY("scale"),
    T_ANY("mirror"),
    T_ANY("mean_file"),
    T_ANY("mean_value"),
    T_ANY("force_color"),
    T_ANY("resize_param"),
    T_ANY("noise_param"),
    T_ANY("distort_param"),
    T_ANY("expand_param"),
    T_ANY("emit_constraint"),
    T_END,
};
static const struct text_message transform = { sizeof(struct transform), transform_fields };

/* What every layer has, whatever its type. */
struct common {
    const char *name;
    struct text_strings bottom, top;
    struct text_list include, exclude; /* struct rule */
    struct transform *transform;
};
static const struct text_field common_fields[] = {
    T_STRING(struct common, name, "name"),
    T_STRINGS(struct common, bottom, "bottom"),
    T_STRINGS(struct common, top, "top"),
    T_MESSAGES(struct common, include, "include", rule),
    T_MESSAGES(struct common, exclude, "exclude", rule),
    T_MESSAGE(struct common, transform, "transform_param", transform),
    T_ANY("type"),
    T_ANY("phase"),
    T_ANY("loss_weight"),
    T_ANY("param"),
    T_ANY("blobs"),
    T_ANY("propagate_down"),
    T_ANY("blobs_lr"),
    T_ANY("weight_decay"),
    T_ANY("blob_share_mode"),
    T_ANY("loss_param"),
    T_ANY("accuracy_param"),
    T_ANY("contrastive_loss_param"),
    T_ANY("hinge_loss_param"),
    T_ANY("infogain_loss_param"),
    T_ANY("data_param"),
    T_ANY("image_data_param"),
    T_ANY("hdf5_data_param"),
    T_ANY("hdf5_output_param"),
    T_ANY("window_data_param"),
    T_ANY("python_param"),
    T_ANY("multibox_loss_param"),
    T_ANY("annotated_data_param"),
    T_ANY("detection_evaluate_param"),
    T_ANY("video_data_param"),
    T_END,
};
static const struct text_message common = { sizeof(struct common), common_fields };

struct dims {
    struct text_ints dim;
};
static const struct text_field dims_fields[] = { T_INTS(struct dims, dim, "dim", 0, INT32_MAX), T_END };
static const struct text_message dims = { sizeof(struct dims), dims_fields };

struct net_text {
    const char *name;
    struct text_strings input;
    struct text_ints input_dim;
    struct text_list input_shape; /* struct dims */
};
static const struct text_field net_fields[] = {
    T_STRING(struct net_text, name, "name"),
    T_STRINGS(struct net_text, input, "input"),
    T_INTS(struct net_text, input_dim, "input_dim", 0, INT32_MAX),
    T_MESSAGES(struct net_text, input_shape, "input_shape", dims),
    T_ANY("layer"),
    T_ANY("layers"),
    T_ANY("force_backward"),
    T_ANY("state"),
    T_ANY("debug_info"),
    T_END,
};
static const struct text_message net = { sizeof(struct net_text), net_fields };

/* ---- state ---- */

struct layer_text {
    const struct caffe_layer *kind;
    const char *type;
    int line;
    int wrong; /* a field has a problem, so nothing is built */
    struct common c;
    void *params;
};

/* The newest version of a blob. */
struct blob {
    struct value *value; /* NULL: unread or broken */
    int line; /* of its maker */
    int unread; /* a label, made for training; no network needs it */
    int broken; /* its maker has a problem already */
    int used, order;
    int label; /* of a dropped layer: what the results are compared with */
};

struct reader {
    struct vn_arena *arena;
    struct graph *g;
    const struct vn_onnx_options *o;
    const char *path, *weights_path;
    const struct caffe_weights *weights;
    struct text_listener listener;
    VEC(struct layer_text) layers;
    struct vn_map *blobs; /* name -> struct blob, the newest */
    VEC(struct blob *) tops; /* all versions */
    struct vn_map *last; /* blob -> 1 + the layer that makes its last version */
    struct vn_map *next; /* while building: see next_maker */
    struct vn_map *node_names; /* in use */
    struct vn_map *taken; /* name of a value or node -> how often it was wanted again */
    const struct layer_text *now; /* being read or built; NULL: none */
    VEC(const char *) problems;
    int code, reason; /* of the first problem */
};

/* ---- problems and notes ---- */

static void note(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(struct reader *r, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    if (!r->o)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    vn_say(r->o->listener, VN_LOG_WARNING, "%s", text);
}

static const char *layer_words(struct reader *r, const struct layer_text *l)
{
    return vn_arena_fmt(r->arena, "layer %.80s (%.40s): ", l->c.name ? l->c.name : "?", l->type);
}

#define MAX_PROBLEMS 1000 /* that are kept; the rest is counted */

/* Reported by the tables; line 0: the whole file. */
static void problem(void *user, int line, const char *text)
{
    struct reader *r = user;
    const char *where = line ? vn_arena_fmt(r->arena, "line %d: ", line) : "";
    if (!r->code)
        r->code = VN_E_INPUT;
    if (r->problems.n < MAX_PROBLEMS)
        VEC_PUSH(r->arena, &r->problems,
                 vn_arena_fmt(r->arena, "%s%s%s", where, r->now ? layer_words(r, r->now) : "", text));
}

static void fail(struct reader *r, int code, int line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static void fail(struct reader *r, int code, int line, const char *fmt, ...)
{
    char text[900];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (!r->code)
        r->code = code;
    r->listener.count++;
    problem(r, line, text);
}

static int may_advise(const struct reader *r) { return r->listener.count < TEXT_ADVISED; }

/* One message with as many problems as fit; all of them as notes where they do not. */
static int verdict(struct reader *r, struct vn_err *e)
{
    const int n = r->problems.n;
    char list[900] = "";
    size_t used = 0;
    int i = 0;
    if (!r->code)
        return VN_OK;
    for (; i < n && used + strlen(r->problems.v[i]) + 30 < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? "; " : "", r->problems.v[i]);
    if (i < n) {
        snprintf(list + used, sizeof list - used, "%.*s; and %d more", i ? 0 : 800, r->problems.v[0],
                 n - (i ? i : 1));
        for (i = 0; i < n; i++)
            note(r, "%s: %s", r->path, r->problems.v[i]);
    }
    if (n == 1)
        return vn_because(e, r->reason, vn_fail(e, r->code, "%s: %s", r->path, list));
    return vn_because(e, r->reason, vn_fail(e, r->code, "%s: %d problems: %s", r->path, n, list));
}

/* ---- layers: which are part of the network, and their types ---- */

static const struct caffe_layer *find_kind(const char *type, int generation)
{
    for (int i = 0; i < vn_caffe_layers_count; i++) {
        const struct caffe_layer *k = vn_caffe_layers[i];
        const char *const names[] = { k->v0, k->v1, k->type };
        if ((names[generation] && !strcmp(names[generation], type)) ||
            (generation == 2 && k->also && !strcmp(k->also, type)))
            return k;
    }
    return NULL;
}

static int is_other_param(const char *name)
{
    for (int i = 0; i < vn_caffe_layers_count; i++)
        if (vn_caffe_layers[i]->param && !strcmp(vn_caffe_layers[i]->param, name))
            return 1;
    return 0;
}

static const struct text_node *child(const struct text_node *n, const char *name)
{
    for (int i = n->of.n - 1; i >= 0; i--)
        if (!strcmp(n->of.v[i]->name, name))
            return n->of.v[i];
    return NULL;
}

/* The oldest form has the parameters of all types in one message: those become the message of the type. */
static void upgrade_v0(struct reader *r, struct text_node *outer, const struct text_node *inner,
                       const struct caffe_layer *kind)
{
    static const char *const renamed[][2] = { { "biasterm", "bias_term" }, { "kernelsize", "kernel_size" } };
    static const char *const common_names[] = { "name", "type", "blobs", "blobs_lr", "weight_decay" };
    struct text_node *params = NEW(r->arena, struct text_node);
    *params = (struct text_node){ .name = kind && kind->param ? kind->param : "", .line = inner->line };
    for (int i = 0; i < inner->of.n; i++) {
        struct text_node *n = inner->of.v[i];
        int is_common = 0;
        for (int k = 0; k < 5; k++)
            is_common |= !strcmp(n->name, common_names[k]);
        for (int k = 0; k < 2; k++)
            if (!strcmp(n->name, renamed[k][0]))
                n->name = renamed[k][1];
        if (is_common)
            VEC_PUSH(r->arena, &outer->of, n);
        else
            VEC_PUSH(r->arena, &params->of, n);
    }
    if (*params->name && params->of.n)
        VEC_PUSH(r->arena, &outer->of, params);
}

static void read_fields(struct reader *r, struct layer_text *l, const struct text_node *n)
{
    for (int i = 0; i < n->of.n; i++) {
        const struct text_node *x = n->of.v[i];
        const struct text_field *f = vn_text_field(&common, x->name);
        if (f)
            vn_text_read_field(&l->c, f, x, r->arena, &r->listener);
        else if (l->kind && l->kind->param && !strcmp(l->kind->param, x->name) && !x->text)
            vn_text_read(l->params, l->kind->params, x, r->arena, &r->listener);
        else if (!is_other_param(x->name) && strcmp(x->name, "layer"))
            vn_text_unknown(&common, x, r->arena, &r->listener);
    }
}

/* Strings are set against the state: phase TEST, level 0, no stages. */
static int rule_met(const struct rule *x)
{
    return (x->phase == ANY_PHASE || x->phase == TEST) && x->min_level <= 0 && x->max_level >= 0 &&
           !x->stage.n;
}

static int any_rule(const struct text_list *l)
{
    for (int i = 0; i < l->n; i++)
        if (rule_met((const struct rule *)l->v + i))
            return 1;
    return 0;
}

static void unknown_type(struct reader *r, const struct layer_text *l, int line, int generation)
{
    const char **names = NEW_ARRAY(r->arena, const char *, vn_caffe_layers_count);
    int n = 0;
    for (int i = 0; i < vn_caffe_layers_count; i++) {
        const struct caffe_layer *k = vn_caffe_layers[i];
        const char *name = generation == 2 ? k->type : generation == 1 ? k->v1 : k->v0;
        if (name)
            names[n++] = name;
    }
    const char *near = may_advise(r) ? vn_nearest(l->type, names, n) : NULL;
    fail(r, VN_E_UNSUPPORTED, line, near ? "unsupported layer type; nearest: %s" : "unsupported layer type",
         near);
}

static void read_layer(struct reader *r, struct text_node *n)
{
    struct layer_text l = { .line = n->line, .type = "?" };
    const struct text_node *inner = strcmp(n->name, "layers") ? NULL : child(n, "layer");
    const struct text_node *type = child(inner && !inner->text ? inner : n, "type");
    const int generation = inner ? 0 : strcmp(n->name, "layers") ? 2 : 1;
    vn_text_defaults(&l.c, &common);
    if (n->text) {
        fail(r, VN_E_INPUT, n->line, "%s: expected a message in { }, got '%.60s'", n->name, n->text);
        return;
    }
    if (type && type->text) {
        l.type = type->text;
        l.kind = find_kind(l.type, generation);
    }
    if (inner && !inner->text)
        upgrade_v0(r, n, inner, l.kind);
    const struct text_node *name = child(n, "name");
    l.c.name = name && name->text ? name->text : NULL;
    if (l.kind && l.kind->params) {
        l.params = vn_arena_alloc(r->arena, l.kind->params->size);
        vn_text_defaults(l.params, l.kind->params);
    }
    r->now = &l;
    const int before = r->problems.n;
    read_fields(r, &l, n);
    if (!(l.c.include.n ? any_rule(&l.c.include) : !any_rule(&l.c.exclude))) {
        r->problems.n = before; /* what is not there cannot be wrong */
        r->code = before ? r->code : 0;
    } else {
        if (!type)
            fail(r, VN_E_INPUT, l.line, "type is missing");
        else if (!l.kind)
            unknown_type(r, &l, type->line, generation);
        l.wrong = r->problems.n > before;
        VEC_PUSH(r->arena, &r->layers, l);
    }
    r->now = NULL;
}

/* ---- blobs ---- */

static struct blob *set_blob(struct reader *r, const char *name, int line)
{
    struct blob *b = NEW(r->arena, struct blob);
    *b = (struct blob){ .line = line, .order = r->tops.n };
    vn_map_set(r->blobs, name, b);
    VEC_PUSH(r->arena, &r->tops, b);
    return b;
}

/* `base`, or with _1, _2, ... behind it where `used` has it. Each base counts on from where it was, so that
 * many equal names cost no more than others. */
static const char *new_name(struct reader *r, const struct vn_map *used, const char *base)
{
    uintptr_t i = (uintptr_t)vn_map_get(r->taken, base);
    const char *name = base;
    if (!i && !vn_map_get(used, base))
        return base;
    do
        name = vn_arena_fmt(r->arena, "%s_%d", base, (int)++i);
    while (vn_map_get(used, name));
    vn_map_set(r->taken, vn_arena_str(r->arena, base), (void *)i);
    return name;
}

static void rename_value(struct reader *r, struct value *v, const char *base)
{
    vn_map_set(r->g->by_name, v->name, NULL);
    v->name = new_name(r, r->g->by_name, base);
    vn_map_set(r->g->by_name, v->name, v);
}

static const char *node_name(struct reader *r, const char *base)
{
    const char *name = new_name(r, r->node_names, base);
    vn_map_set(r->node_names, name, r);
    return name;
}

/* ---- inputs ---- */

static const struct vn_shape *given_shape(const struct reader *r, const char *name)
{
    for (int i = 0; r->o && i < r->o->n_shapes; i++)
        if (!r->o->shapes[i].name || !strcmp(r->o->shapes[i].name, name))
            return &r->o->shapes[i].shape;
    return NULL;
}

static void add_input(struct reader *r, const char *name, const struct vn_shape *s, int line)
{
    const struct vn_shape *given = given_shape(r, name);
    struct blob *b = set_blob(r, name, line);
    char text[VN_SHAPE_TEXT];
    s = given ? given : s;
    b->broken = 1;
    if (vn_graph_find(r->g, name))
        fail(r, VN_E_INPUT, line, "duplicate input '%.80s'", name);
    else if (s->rank < 0)
        fail(r, VN_E_INPUT, line,
             "the shape of input '%.80s' is not in the prototxt; set it (--input-shape, or input_shape in a "
             "configuration)",
             name);
    else if (vn_shape_count(s) < 0 || vn_shape_count(s) > INT32_MAX)
        fail(r, VN_E_INPUT, line, "input '%.80s' of shape %s has too many elements", name,
             vn_shape_text(s, text));
    else
        b->broken = 0;
    if (b->broken)
        return;
    b->value = vn_graph_value(r->g, name, VN_F32, s);
    VEC_PUSH(r->arena, &r->g->inputs, b->value);
}

static struct vn_shape shape_of(struct reader *r, const struct text_ints *d, int line)
{
    if (d->n <= VN_MAX_RANK)
        return vn_shape_of(d->n, d->v);
    fail(r, VN_E_UNSUPPORTED, line, "a shape with %d axes, expected at most %d", d->n, VN_MAX_RANK);
    return vn_shape_unknown();
}

/* input: with input_dim: or input_shape, outside of any layer. */
static void net_inputs(struct reader *r, const struct net_text *t)
{
    for (int i = 0; i < t->input.n; i++) {
        struct vn_shape s = vn_shape_unknown();
        if (i < t->input_shape.n)
            s = shape_of(r, &((const struct dims *)t->input_shape.v)[i].dim, 0);
        else if (t->input_dim.n >= 4 * (i + 1))
            s = vn_shape_of(4, t->input_dim.v + 4 * i);
        add_input(r, t->input.v[i], &s, 0);
    }
}

static void check_given_shapes(struct reader *r)
{
    for (int i = 0; r->o && i < r->o->n_shapes && !r->code; i++) {
        const char *name = r->o->shapes[i].name;
        int there = !name;
        for (int k = 0; name && k < r->g->inputs.n; k++)
            there |= !strcmp(r->g->inputs.v[k]->name, name);
        if (r->o->shape_marks)
            r->o->shape_marks[i] |= there;
        else if (!there)
            fail(r, VN_E_INPUT, 0, "the network has no input '%.80s'; its first is '%.80s'", name,
                 r->g->inputs.n ? r->g->inputs.v[0]->name : "");
    }
}

/* ---- building ---- */

#define MAX_NEAREST 4096 /* names that are searched for the nearest */

static struct blob *bottom(struct reader *r, const char *name, int line)
{
    struct blob *b = vn_map_get(r->blobs, name);
    if (b)
        return b;
    const int n = !may_advise(r) ? 0 : r->g->values.n < MAX_NEAREST ? r->g->values.n : MAX_NEAREST;
    const char **names = NEW_ARRAY(r->arena, const char *, n);
    for (int i = 0; i < n; i++)
        names[i] = r->g->values.v[i]->name;
    const char *near = vn_nearest(name, names, n);
    fail(r, VN_E_INPUT, line, "no layer above computes bottom '%.80s'%s%s", name, near ? "; nearest: " : "",
         near ? near : "");
    return NULL;
}

/* Bottoms into b->in. 0: something is missing, or broken already. */
static int take_bottoms(struct reader *r, const struct layer_text *l, struct caffe_builder *b)
{
    int good = 1, unread = 0;
    b->n_in = l->c.bottom.n;
    b->in = NEW_ARRAY(r->arena, struct value *, b->n_in + 1);
    for (int i = 0; i < b->n_in; i++) {
        struct blob *x = bottom(r, l->c.bottom.v[i], l->line);
        good &= x && !x->broken;
        if (!x)
            continue;
        x->used |= l->kind && (l->kind->fate == CAFFE_BUILT || l->kind->fate == CAFFE_SILENT);
        x->label |= l->kind && l->kind->label && l->kind->label == i;
        unread |= x->unread;
        b->in[i] = x->value;
        if (x->unread && l->kind && l->kind->fate == CAFFE_BUILT) {
            fail(r, VN_E_INPUT, l->line,
                 "bottom '%.80s' is training data, which is not available in inference", l->c.bottom.v[i]);
            good = 0;
        }
    }
    return good;
}

static int check_counts(struct reader *r, const struct layer_text *l)
{
    const struct caffe_layer *k = l->kind;
    const int min_top = k->min_top ? k->min_top : 1, max_top = k->max_top ? k->max_top : min_top;
    const struct {
        const char *what;
        int have, min, max;
    } counts[] = { { "bottoms", l->c.bottom.n, k->min_bottom,
                     k->max_bottom < 0 ? CAFFE_MAX_BOTTOMS : k->max_bottom },
                   { "tops", l->c.top.n, min_top, max_top < 0 ? CAFFE_MAX_TOPS : max_top } };
    for (int i = 0; i < 2; i++) {
        const int low = counts[i].have<counts[i].min, high = counts[i].have> counts[i].max;
        if (low || high) {
            fail(r, VN_E_INPUT, l->line, "has %d %s, expected %d%s", counts[i].have, counts[i].what,
                 low ? counts[i].min : counts[i].max,
                 counts[i].min == counts[i].max ? ""
                 : low                          ? " or more"
                                                : " or fewer");
            return 0;
        }
    }
    return 1;
}

/* The name of a version: the last one has the blob's, an earlier one says what follows. */
static const char *top_name(struct reader *r, const char *blob, int layer)
{
    if ((int)(uintptr_t)vn_map_get(r->last, blob) == layer + 1)
        return blob;
    const struct layer_text *l =
        (const struct layer_text *)vn_map_get(r->next, vn_arena_fmt(r->arena, "%d %s", layer, blob));
    return vn_arena_fmt(r->arena, "%s_before_%s", blob, l && l->c.name ? l->c.name : "next");
}

/* Is v the result of a node of this layer, that no other top is? */
static int is_fresh(const struct caffe_builder *b, int i, int first_node)
{
    const struct value *v = b->out[i];
    for (int k = 0; k < i; k++)
        if (b->out[k] == v)
            return 0;
    return v->producer && v->producer->id >= first_node;
}

static void name_tops(struct reader *r, struct caffe_builder *b, int layer, int first_node)
{
    const struct layer_text *l = &r->layers.v[layer];
    for (int i = 0; i < b->n_out; i++)
        if (!is_fresh(b, i, first_node))
            b->out[i] = PUT(b, "Identity", IN(b->out[i]), AT_NONE);
    if (b->failed)
        return;
    b->out[0]->producer->name = b->unique;
    for (int k = first_node; k < r->g->nodes.n; k++)
        if (r->g->nodes.v[k] != b->out[0]->producer)
            r->g->nodes.v[k]->name = node_name(r, r->g->nodes.v[k]->name);
    for (int i = 0; i < b->n_out; i++)
        rename_value(r, b->out[i], top_name(r, l->c.top.v[i], layer));
}

static void build(struct reader *r, struct caffe_builder *b, int layer)
{
    const struct layer_text *l = &r->layers.v[layer];
    const int first_node = r->g->nodes.n;
    b->kind->build(b);
    for (int i = 0; i < b->n_out && !b->failed && b->kind->fate == CAFFE_BUILT; i++)
        if (!b->out[i])
            vn_caffe_fail(b, VN_E_INTERNAL, "did not compute top %d", i);
    if (!b->failed && b->kind->fate == CAFFE_BUILT)
        name_tops(r, b, layer, first_node);
    if (b->failed) {
        r->reason = r->code ? r->reason : b->e->reason;
        fail(r, b->e->code, l->line, "%.880s", b->e->msg);
    }
}

static void make_inputs(struct reader *r, const struct layer_text *l, const struct caffe_builder *b)
{
    for (int i = 0; i < l->c.top.n; i++)
        if (i < b->unread)
            add_input(r, l->c.top.v[i], &b->shape[i], l->line);
        else
            set_blob(r, l->c.top.v[i], l->line)->unread = 1;
}

static void drop(struct reader *r, const struct layer_text *l)
{
    if (l->kind->fate == CAFFE_TRAINING)
        note(r, "%s:%d: layer %s (%s) is for training only and is removed", r->path, l->line,
             l->c.name ? l->c.name : "?", l->type);
    for (int i = 0; i < l->c.top.n; i++)
        set_blob(r, l->c.top.v[i], l->line)->unread = 1;
}

static void add_layer(struct reader *r, int layer)
{
    const struct layer_text *l = &r->layers.v[layer];
    struct vn_err e;
    struct caffe_builder b = { .g = r->g,
                               .kind = l->kind,
                               .name = l->c.name,
                               .params = l->params,
                               .n_out = l->c.top.n,
                               .weights = r->weights,
                               .weights_path = r->weights_path,
                               .may_advise = may_advise(r),
                               .e = &e };
    r->now = l;
    if (l->c.transform) {
        b.crop = l->c.transform->crop;
        b.gray = (int)l->c.transform->gray;
    }
    const int before = r->problems.n;
    int good = take_bottoms(r, l, &b) && l->kind && !l->wrong;
    if (good && !l->c.name)
        fail(r, VN_E_INPUT, l->line, "name is missing");
    if (l->kind && (l->kind->fate == CAFFE_TRAINING || l->kind->fate == CAFFE_SILENT)) {
        drop(r, l);
    } else if (good && l->c.name && check_counts(r, l)) {
        b.unique = node_name(r, l->c.name);
        build(r, &b, layer);
        if (l->kind->fate == CAFFE_INPUT && !b.failed)
            make_inputs(r, l, &b);
    }
    good &= r->problems.n == before;
    for (int i = 0; i < l->c.top.n && !(l->kind && l->kind->fate != CAFFE_BUILT && good); i++) {
        struct blob *x = set_blob(r, l->c.top.v[i], l->line);
        x->broken = !good;
        x->value = good ? b.out[i] : NULL;
    }
    r->now = NULL;
}

/* Who makes the last version of each blob, and who overwrites an earlier one. */
static void find_versions(struct reader *r)
{
    r->last = vn_map_new(r->arena);
    r->next = vn_map_new(r->arena);
    for (int i = 0; i < r->layers.n; i++) {
        struct layer_text *l = &r->layers.v[i];
        for (int k = 0; k < l->c.top.n; k++) {
            const uintptr_t before = (uintptr_t)vn_map_get(r->last, l->c.top.v[k]);
            if (before)
                vn_map_set(r->next, vn_arena_fmt(r->arena, "%d %s", (int)before - 1, l->c.top.v[k]), l);
            vn_map_set(r->last, l->c.top.v[k], (void *)(uintptr_t)(i + 1));
        }
    }
}

static int is_unread(const struct node *n)
{
    int used = 0;
    for (int i = 0; i < n->n_out; i++)
        used |= n->out[i] && vn_graph_uses(n->out[i]);
    return !used;
}

/* Layers that only prepare the label of a dropped layer, and the input that it comes from. */
static void drop_label(struct reader *r, struct value *v)
{
    while (v && v->producer && is_unread(v->producer)) {
        struct node *n = v->producer;
        struct value *from = n->n_in ? n->in[0] : NULL;
        vn_graph_remove(r->g, n);
        v = from;
    }
    for (int i = 0; v && !v->producer && !vn_graph_uses(v) && i < r->tops.n; i++)
        if (r->tops.v[i]->value == v)
            r->tops.v[i]->used = 0;
}

static void drop_labels(struct reader *r)
{
    for (int i = 0; i < r->tops.n && !r->code; i++) {
        struct blob *b = r->tops.v[i];
        if (!b->label || b->used || !b->value || !b->value->producer)
            continue;
        b->used = 1; /* no output */
        drop_label(r, b->value);
    }
}

/* Unused blobs, in the order in which they were made. */
static void find_outputs(struct reader *r)
{
    for (int i = 0; i < r->tops.n; i++) {
        const struct blob *b = r->tops.v[i];
        if (!b->used && b->value && b->value->producer)
            vn_graph_add_output(r->g, b->value);
    }
    if (!r->g->outputs.n && !r->code)
        fail(r, VN_E_INPUT, 0, "the network has no output: other layers read every blob");
}

/* Inputs that only dropped layers read. */
static void drop_unread_inputs(struct reader *r)
{
    int k = 0;
    for (int i = 0; i < r->g->inputs.n; i++) {
        struct value *v = r->g->inputs.v[i];
        int used = 0;
        for (int t = 0; t < r->tops.n; t++)
            used |= r->tops.v[t]->value == v && r->tops.v[t]->used;
        if (used)
            r->g->inputs.v[k++] = v;
        else
            note(r, "%s: no layer reads input %s; it is removed", r->path, v->name);
    }
    r->g->inputs.n = k;
}

static void read_layers(struct reader *r, const struct text_node *root, const struct net_text *t)
{
    for (int i = 0; i < root->of.n; i++)
        if (!strcmp(root->of.v[i]->name, "layer") || !strcmp(root->of.v[i]->name, "layers"))
            read_layer(r, root->of.v[i]);
    find_versions(r);
    net_inputs(r, t);
    for (int i = 0; i < r->layers.n; i++)
        add_layer(r, i);
    check_given_shapes(r);
    drop_labels(r);
    find_outputs(r);
}

int vn_caffe_read_memory(struct graph **out, struct vn_arena *a, const struct vn_caffe_file *prototxt,
                         const struct vn_caffe_file *caffemodel, const struct vn_onnx_options *o,
                         struct vn_err *e)
{
    struct reader r = { .arena = a,
                        .o = o,
                        .path = vn_arena_str(a, prototxt->path),
                        .weights_path = vn_arena_str(a, vn_path_base(caffemodel->path)) };
    struct text_node *root;
    struct caffe_weights *weights;
    struct net_text t;
    TRY(vn_text_parse(&root, a, prototxt->data, prototxt->bytes, r.path, e));
    TRY(vn_caffemodel_read(&weights, a, (struct wire_bytes){ caffemodel->data, caffemodel->bytes },
                           caffemodel->path, e));
    r.weights = weights;
    r.listener = (struct text_listener){ problem, &r, 0 };
    r.blobs = vn_map_new(a);
    r.node_names = vn_map_new(a);
    r.taken = vn_map_new(a);
    vn_text_defaults(&t, &net);
    vn_text_read(&t, &net, root, a, &r.listener);
    r.g = vn_graph_new(a, t.name && *t.name ? t.name : "graph");
    r.g->source = r.path;
    read_layers(&r, root, &t);
    TRY(verdict(&r, e));
    drop_unread_inputs(&r);
    TRY(vn_graph_sort(r.g, e));
    *out = r.g;
    return VN_OK;
}

int vn_caffe_read(struct graph **g, struct vn_arena *a, const char *prototxt, const char *caffemodel,
                  const struct vn_onnx_options *o, struct vn_err *e)
{
    struct wire_bytes text, weights;
    TRY(vn_file_map(a, prototxt, &text.p, &text.n, e));
    TRY(vn_file_map(a, caffemodel, &weights.p, &weights.n, e));
    const struct vn_caffe_file p = { prototxt, text.p, text.n }, m = { caffemodel, weights.p, weights.n };
    const int status = vn_caffe_read_memory(g, a, &p, &m, o, e);
    vn_file_forget(weights.p, weights.n); /* most have been copied to where they are aligned */
    return status;
}
