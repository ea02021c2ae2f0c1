/* Targets: targets/NAME.yaml to a struct target. A target may be like another one and say only what differs.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <yaml.h>

#include "base/file.h"
#include "config/config.h"

const char *const vn_limit_names[] = {
#define LIMIT(name, meaning) #name,
#include "config/limits.def"
#undef LIMIT
};

static const struct {
    const char *name;
    uint32_t bit;
} features[] = {
    { "avx2", VN_CPU_AVX2 },
    { "avx512", VN_CPU_AVX512 },
    { "avx512vnni", VN_CPU_AVX512VNNI },
    { "avx512vbmi", VN_CPU_AVX512VBMI },
    { "neon", VN_CPU_NEON },
    { "dotprod", VN_CPU_DOTPROD },
};

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))
#define MAX_LIKE 8 /* a file like a file like a file */

struct reader {
    struct target *t;
    struct vn_arena *arena;
    const char *path;
    yaml_document_t *doc;
    struct vn_err *e;
    int depth;
};

/* ---- errors that say where ---- */

static int fail(const struct reader *r, const yaml_node_t *at, const char *what, const char *got)
{
    return vn_fail(r->e, VN_E_INPUT, "%s:%zu:%zu: %s%s%s%s", r->path, at->start_mark.line + 1,
                   at->start_mark.column + 1, what, got ? ", got '" : "", got ? got : "", got ? "'" : "");
}

static int unknown(const struct reader *r, const yaml_node_t *at, const char *kind, const char *word,
                   const char *const *words, int n)
{
    const char *near = vn_nearest(word, words, n);
    return fail(r, at,
                vn_arena_fmt(r->arena, "unknown %s '%s'%s%s%s", kind, word, near ? "; did you mean '" : "",
                             near ? near : "", near ? "'?" : ""),
                NULL);
}

/* ---- pieces ---- */

static const yaml_node_t *item(const struct reader *r, int id) { return yaml_document_get_node(r->doc, id); }

/* Text of a scalar; NULL for anything else, and for text with a zero byte in it. */
static const char *text(const struct reader *r, const yaml_node_t *n)
{
    if (n->type != YAML_SCALAR_NODE || strlen((const char *)n->data.scalar.value) != n->data.scalar.length)
        return NULL;
    return vn_arena_strn(r->arena, (const char *)n->data.scalar.value, n->data.scalar.length);
}

static int parse_number(const struct reader *r, const yaml_node_t *n, double *out)
{
    const char *s = text(r, n);
    char *end = NULL;
    if (s)
        *out = strtod(s, &end);
    if (!s || end == s || *end || !(*out >= 0) || *out > 1e18)
        return fail(r, n, "expected a number >= 0", s);
    return VN_OK;
}

static int parse_flag(const struct reader *r, const yaml_node_t *n, int *out)
{
    static const char *const words[] = { "no", "yes", "false", "true" };
    const char *s = text(r, n);
    for (int i = 0; s && i < 4; i++)
        if (!strcasecmp(s, words[i])) {
            *out = i & 1;
            return VN_OK;
        }
    return fail(r, n, "expected yes or no", s);
}

/* A list of words. */
static int parse_words(const struct reader *r, const yaml_node_t *n, const char ***out, int *count)
{
    if (n->type != YAML_SEQUENCE_NODE)
        return fail(r, n, "expected a list [a, b]", text(r, n));
    const yaml_node_item_t *first = n->data.sequence.items.start;
    *count = (int)(n->data.sequence.items.top - first);
    *out = NEW_ARRAY(r->arena, const char *, *count);
    for (int i = 0; i < *count; i++)
        if (!((*out)[i] = text(r, item(r, first[i]))))
            return fail(r, item(r, first[i]), "expected a word", NULL);
    return VN_OK;
}

/* Calls fn for every pair of a mapping; keys are words and come once. */
typedef int pair_fn(struct reader *r, const char *key, const yaml_node_t *at, const yaml_node_t *value,
                    void *user);
static int each_pair(struct reader *r, const yaml_node_t *n, pair_fn *fn, void *user)
{
    if (n->type != YAML_MAPPING_NODE)
        return fail(r, n, "expected keys and values", text(r, n));
    struct vn_map *seen = vn_map_new(r->arena);
    for (const yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
        const yaml_node_t *at = item(r, p->key);
        const char *key = text(r, at);
        if (!key)
            return fail(r, at, "expected a word as key", NULL);
        if (vn_map_get(seen, key))
            return fail(r, at, "duplicate key", key);
        vn_map_set(seen, key, seen);
        TRY(fn(r, key, at, item(r, p->value), user));
    }
    return VN_OK;
}

/* ---- limits ---- */

struct limit_list {
    VEC(struct target_limit) v;
};

static int one_of(struct reader *r, const char *key, const yaml_node_t *at, const yaml_node_t *value,
                  void *user)
{
    static const char *const keys[] = { "one_of" };
    struct target_limit *l = user;
    if (strcmp(key, "one_of"))
        return unknown(r, at, "key", key, keys, 1);
    if (value->type != YAML_SEQUENCE_NODE)
        return fail(r, value, "expected a list of numbers", text(r, value));
    const yaml_node_item_t *first = value->data.sequence.items.start;
    l->one_of = (int)(value->data.sequence.items.top - first);
    if (l->one_of < 1 || l->one_of > COUNT(l->v))
        return fail(r, value, "expected 1 to 8 numbers", NULL);
    for (int i = 0; i < l->one_of; i++)
        TRY(parse_number(r, item(r, first[i]), &l->v[i]));
    return VN_OK;
}

static int add_limit(struct reader *r, const char *key, const yaml_node_t *at, const yaml_node_t *value,
                     void *user)
{
    struct limit_list *list = user;
    struct target_limit l = { .what = LIMIT_COUNT };
    for (int i = 0; i < LIMIT_COUNT; i++)
        if (!strcmp(vn_limit_names[i], key))
            l.what = (enum limit)i;
    if (l.what == LIMIT_COUNT)
        return unknown(r, at, "limit", key, vn_limit_names, LIMIT_COUNT);
    if (value->type == YAML_SEQUENCE_NODE &&
        value->data.sequence.items.top - value->data.sequence.items.start == 2) {
        for (int i = 0; i < 2; i++)
            TRY(parse_number(r, item(r, value->data.sequence.items.start[i]), &l.v[i]));
        if (l.v[0] > l.v[1])
            return fail(r, value, "expected [least, most] in rising order", NULL);
    } else if (value->type == YAML_MAPPING_NODE) {
        TRY(each_pair(r, value, one_of, &l));
        if (!l.one_of)
            return fail(r, value, "expected [least, most] or {one_of: [a, b]}", NULL);
    } else
        return fail(r, value, "expected [least, most] or {one_of: [a, b]}", text(r, value));
    VEC_PUSH(r->arena, &list->v, l);
    return VN_OK;
}

static int parse_limits(struct reader *r, const yaml_node_t *n, struct target_limit **out, int *count)
{
    struct limit_list list = { 0 };
    TRY(each_pair(r, n, add_limit, &list));
    *out = list.v.v;
    *count = list.v.n;
    return VN_OK;
}

/* ---- operators ---- */

static int parse_types(struct reader *r, const yaml_node_t *n, struct target_op *op)
{
    static const char *const types[] = { "int8", "int16" };
    const char **words;
    int count;
    TRY(parse_words(r, n, &words, &count));
    for (int i = 0; i < count; i++)
        if (!strcmp(words[i], types[0]))
            op->int8 = 1;
        else if (!strcmp(words[i], types[1]))
            op->int16 = 1;
        else
            return unknown(r, n, "type", words[i], types, 2);
    return VN_OK;
}

static int op_key(struct reader *r, const char *key, const yaml_node_t *at, const yaml_node_t *value,
                  void *user)
{
    static const char *const keys[] = { "types", "limits" };
    struct target_op *op = user;
    if (!strcmp(key, keys[0]))
        return parse_types(r, value, op);
    if (!strcmp(key, keys[1]))
        return parse_limits(r, value, &op->limits, &op->n_limits);
    return unknown(r, at, "key", key, keys, COUNT(keys));
}

const struct target_op *vn_target_op(const struct target *t, const char *onnx)
{
    for (int i = 0; i < t->n_ops; i++)
        if (!strcmp(t->ops[i].onnx, onnx))
            return &t->ops[i];
    return NULL;
}

int vn_target_floats(const struct target *t, const char *onnx)
{
    const size_t n = strlen(onnx);
    for (const char *p = t->float_ops; (p = strstr(p, onnx)); p += n)
        if ((p == t->float_ops || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
            return 1;
    return 0;
}

/* A new entry, or the place of the one that a file further down replaces. */
static struct target_op *place_for(struct reader *r, const char *onnx)
{
    struct target *t = r->t;
    struct target_op *old = (struct target_op *)vn_target_op(t, onnx);
    if (old)
        return old;
    struct target_op *more = NEW_ARRAY(r->arena, struct target_op, t->n_ops + 1);
    if (t->n_ops)
        memcpy(more, t->ops, (size_t)t->n_ops * sizeof *more);
    t->ops = more;
    return &more[t->n_ops++];
}

static int add_op(struct reader *r, const char *key, const yaml_node_t *at, const yaml_node_t *value,
                  void *user)
{
    (void)user;
    struct target_op op = { .onnx = key };
    TRY(each_pair(r, value, op_key, &op));
    if (!op.int8 && !op.int16)
        return fail(r, at,
                    "expected types: [int8]; list operators that compute in float under float_operators",
                    NULL);
    *place_for(r, key) = op;
    return VN_OK;
}

static int parse_ops(struct reader *r, const yaml_node_t *n)
{
    const char *word = text(r, n);
    if (word && strcmp(word, "all"))
        return fail(r, n, "expected all, or operators with their types", word);
    r->t->all_ops = word != NULL;
    return word ? VN_OK : each_pair(r, n, add_op, NULL);
}

static int parse_float_ops(struct reader *r, const yaml_node_t *n)
{
    const char **words;
    int count;
    TRY(parse_words(r, n, &words, &count));
    r->t->float_ops = "";
    for (int i = 0; i < count; i++)
        r->t->float_ops = vn_arena_fmt(r->arena, "%s%s%s", r->t->float_ops, i ? " " : "", words[i]);
    return VN_OK;
}

/* ---- the file ---- */

static int parse_isa(struct reader *r, const yaml_node_t *n)
{
    const char **words, *names[COUNT(features)];
    int count;
    TRY(parse_words(r, n, &words, &count));
    for (int i = 0; i < COUNT(features); i++)
        names[i] = features[i].name;
    r->t->isa = 0;
    for (int i = 0; i < count; i++) {
        int k = 0;
        while (k < COUNT(features) && strcmp(features[k].name, words[i]))
            k++;
        if (k == COUNT(features))
            return unknown(r, n, "CPU feature", words[i], names, COUNT(features));
        r->t->isa |= features[k].bit;
    }
    return VN_OK;
}

static int parse_word(struct reader *r, const yaml_node_t *n, const char *what,
                      const struct config_word *words, int *out)
{
    const char *s = text(r, n), *kinds[8];
    const struct config_word *w = s ? vn_word_find(words, s) : NULL;
    int count = 0;
    for (const struct config_word *k = words; k->text; k++)
        kinds[count++] = k->text;
    if (!w)
        return s ? unknown(r, n, what, s, kinds, count) : fail(r, n, "expected one word", NULL);
    *out = w->value;
    return VN_OK;
}

static int parse_zero_points(struct reader *r, const yaml_node_t *n)
{
    int value;
    TRY(parse_word(r, n, "zero_points value", vn_words_zero_points, &value));
    r->t->zero_points = (enum zero_points)value;
    return VN_OK;
}

static int read_like(struct reader *r, const char *name);

static int parse_like(struct reader *r, const yaml_node_t *n)
{
    const char *name = text(r, n);
    if (!name || r->depth == MAX_LIKE)
        return fail(r, n, name ? "like: nested deeper than 8 files" : "expected the name of a target", NULL);
    const int status = read_like(r, name);
    return status < 0 ? vn_fail_at(r->e, "%s:%zu:%zu: like", r->path, n->start_mark.line + 1,
                                   n->start_mark.column + 1)
                      : status;
}

static int parse_description(struct reader *r, const yaml_node_t *n)
{
    r->t->description = text(r, n);
    return r->t->description ? VN_OK : fail(r, n, "expected one line of text", NULL);
}

static int parse_float_tail(struct reader *r, const yaml_node_t *n)
{
    return parse_flag(r, n, &r->t->float_tail);
}
static int parse_channels_last(struct reader *r, const yaml_node_t *n)
{
    int value;
    TRY(parse_word(r, n, "channels_last value", vn_words_channels_last, &value));
    r->t->channels_last = (enum channels_last)value;
    return VN_OK;
}
static int parse_general_limits(struct reader *r, const yaml_node_t *n)
{
    return parse_limits(r, n, &r->t->limits, &r->t->n_limits);
}
static int parse_cores(struct reader *r, const yaml_node_t *n)
{
    double x;
    TRY(parse_number(r, n, &x));
    r->t->cores = (int)x;
    return x == r->t->cores && x >= 1 && x <= 64 ? VN_OK : fail(r, n, "expected 1 to 64", text(r, n));
}
static int parse_macs(struct reader *r, const yaml_node_t *n)
{
    return parse_number(r, n, &r->t->macs_per_cycle);
}
static int parse_bandwidth(struct reader *r, const yaml_node_t *n)
{
    return parse_number(r, n, &r->t->memory_bandwidth);
}
static int parse_sram(struct reader *r, const yaml_node_t *n)
{
    return parse_number(r, n, &r->t->sram_bytes);
}

static const struct {
    const char *key;
    int (*parse)(struct reader *r, const yaml_node_t *n);
} keys[] = {
    { "like", parse_like }, /* read first, whatever its place in the file */
    { "description", parse_description },
    { "isa", parse_isa },
    { "zero_points", parse_zero_points },
    { "operators", parse_ops },
    { "float_operators", parse_float_ops },
    { "float_tail", parse_float_tail },
    { "channels_last", parse_channels_last },
    { "limits", parse_general_limits },
    { "cores", parse_cores },
    { "macs_per_cycle", parse_macs },
    { "memory_bandwidth", parse_bandwidth },
    { "sram_bytes", parse_sram },
};

static int read_key(struct reader *r, const char *key, const yaml_node_t *at, const yaml_node_t *value,
                    void *user)
{
    const int only_like = user != NULL;
    const char *names[COUNT(keys)];
    for (int i = 0; i < COUNT(keys); i++) {
        names[i] = keys[i].key;
        if (!strcmp(key, keys[i].key))
            return only_like == (i == 0) ? keys[i].parse(r, value) : VN_OK;
    }
    return unknown(r, at, "key", key, names, COUNT(keys));
}

static int read_document(struct reader *r)
{
    const yaml_node_t *root = yaml_document_get_root_node(r->doc);
    if (!root)
        return vn_fail(r->e, VN_E_INPUT, "%s: empty; expected a target description", r->path);
    TRY(each_pair(r, root, read_key, r));
    return each_pair(r, root, read_key, NULL);
}

/* What libyaml allocates goes with the arena, also when memory runs out half-way. */
struct parsed {
    yaml_parser_t parser;
    yaml_document_t doc;
};

static void release(void *p)
{
    struct parsed *y = p;
    yaml_document_delete(&y->doc);
    yaml_parser_delete(&y->parser);
}

static int read_file(struct reader *r)
{
    const uint8_t *data;
    size_t bytes;
    struct parsed *y = NEW(r->arena, struct parsed);
    vn_arena_defer(r->arena, release, y);
    TRY(vn_file_map(r->arena, r->path, &data, &bytes, r->e));
    if (!yaml_parser_initialize(&y->parser))
        return vn_fail(r->e, VN_E_NOMEM, "%s: out of memory", r->path);
    yaml_parser_set_input_string(&y->parser, data, bytes);
    const int loaded = yaml_parser_load(&y->parser, &y->doc);
    if (!loaded &&
        (y->parser.error == YAML_MEMORY_ERROR || !y->parser.problem)) /* some of its failures do not say so */
        return vn_fail(r->e, VN_E_NOMEM, "%s: out of memory", r->path);
    if (!loaded)
        return vn_fail(r->e, VN_E_INPUT, "%s:%zu:%zu: not YAML: %s", r->path, y->parser.problem_mark.line + 1,
                       y->parser.problem_mark.column + 1, y->parser.problem);
    r->doc = &y->doc;
    return read_document(r);
}

/* ---- where targets lie ---- */

/* Where this code was loaded from: a program or library that may have been moved with its files. */
static const char *own_folder(struct vn_arena *a)
{
    Dl_info at;
    char *path = dladdr((const void *)own_folder, &at) && strchr(at.dli_fname, '/')
                     ? realpath(at.dli_fname, NULL)
                     : realpath("/proc/self/exe", NULL);
    const char *folder = path ? vn_path_folder(a, path) : NULL;
    free(path);
    return folder;
}

/* Folders in the order of search: $VERNIER_TARGETS (: between), those beside the program or library, the
 * installed ones, the source tree's. */
static int folders(struct vn_arena *a, const char *out[16])
{
    int n = 0;
    const char *own = getenv("VERNIER_TARGETS");
    while (own && *own && n < 12) {
        const size_t k = strcspn(own, ":");
        if (k)
            out[n++] = vn_arena_strn(a, own, k);
        own += k + (own[k] == ':');
    }
    const char *here = own_folder(a);
    if (here) {
        out[n++] = vn_path_join(a, here, "targets");
        out[n++] = vn_path_join(a, here, "../share/vernier/targets");
    }
#ifdef VN_TARGET_DIR
    out[n++] = VN_TARGET_DIR;
#endif
#ifdef VN_TARGET_SOURCE
    out[n++] = VN_TARGET_SOURCE;
#endif
    return n;
}

int vn_target_list(struct vn_arena *a, const char ***names)
{
    const char *dir[16];
    VEC(const char *) all = { 0 };
    const int n = folders(a, dir);
    for (int i = 0; i < n; i++) {
        const char **files;
        int count = 0;
        if (!vn_dir_exists(dir[i]) || vn_dir_list(a, dir[i], &files, &count, NULL) < 0)
            continue;
        for (int k = 0; k < count; k++) {
            if (!vn_path_has_suffix(files[k], ".yaml"))
                continue;
            const char *name = vn_path_stem(a, files[k]);
            int known = 0;
            for (int j = 0; j < all.n; j++)
                known |= !strcmp(all.v[j], name);
            if (!known)
                VEC_PUSH(a, &all, name);
        }
    }
    *names = all.v;
    return all.n;
}

static int not_found(struct vn_arena *a, const char *name, struct vn_err *e)
{
    const char **names, *dir[16], *list = "";
    const int n = vn_target_list(a, &names);
    if (!n)
        return vn_fail(
            e, VN_E_INPUT,
            "march '%s': no target files found (%s); set VERNIER_TARGETS to the folder that holds them", name,
            folders(a, dir) ? dir[folders(a, dir) - 1] : "no folder to search");
    const char *near = vn_nearest(name, names, n);
    for (int i = 0; i < n; i++)
        list = vn_arena_fmt(a, "%s%s%s", list, i ? ", " : "", names[i]);
    return vn_fail(e, VN_E_INPUT, "unknown march '%s'%s%s%s; expected one of %s, or the path of a .yaml",
                   name, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "", list);
}

static int find(const char **path, struct vn_arena *a, const char *name, struct vn_err *e)
{
    const char *dir[16];
    if (vn_path_has_suffix(name, ".yaml")) {
        *path = name;
        return VN_OK;
    }
    const int n = strchr(name, '/') || !*name ? 0 : folders(a, dir);
    for (int i = 0; i < n; i++) {
        *path = vn_path_join(a, dir[i], vn_arena_fmt(a, "%s.yaml", name));
        if (vn_file_exists(*path))
            return VN_OK;
    }
    return not_found(a, name, e);
}

static int read_like(struct reader *r, const char *name)
{
    struct reader base = { .t = r->t, .arena = r->arena, .e = r->e, .depth = r->depth + 1 };
    TRY(find(&base.path, r->arena, name, r->e));
    return read_file(&base);
}

int vn_target_read(struct target *t, struct vn_arena *a, const char *name, struct vn_err *e)
{
    struct reader r = { .t = t, .arena = a, .e = e };
    *t = (struct target){ .float_ops = "", .description = "" };
    TRY(find(&r.path, a, name, e));
    t->name = vn_path_has_suffix(name, ".yaml") ? vn_path_stem(a, name) : vn_arena_str(a, name);
    t->path = r.path;
    TRY(read_file(&r));
    if (t->zero_points == ZERO_POINTS_NOT_GIVEN)
        return vn_fail(e, VN_E_INPUT, "%s: zero_points is missing: expected symmetric, skewed or asymmetric",
                       r.path);
    if (!t->all_ops && !t->n_ops)
        return vn_fail(e, VN_E_INPUT, "%s: operators is missing: expected all, or operators with their types",
                       r.path);
    return VN_OK;
}
