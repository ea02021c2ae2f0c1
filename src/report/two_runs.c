/* Two reports of one command: what changed, the largest change first. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/html_report.h"
#include "report/report.h"

enum { DEEPEST = 8 };

/* Keys by which rows of a table are the same thing in both. */
static const char *const identities[] = { "node", "output", "model", "stage", "label", "value", "step" };
enum { IDENTITIES = sizeof identities / sizeof *identities };

static const char *identity_of(const json_t *row)
{
    for (int i = 0; i < IDENTITIES; i++) {
        const char *name = json_string_value(json_object_get(row, identities[i]));
        if (name)
            return name;
    }
    return NULL;
}

/* Is less worse? */
static int rises(const char *key)
{
    static const char *const words[] = { "cosine", "sqnr", "agreement", "equal", "score", "fps", "gmac" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(key, words[i]))
            return 1;
    return 0;
}

/* ---- values by their paths ---- */

struct both {
    struct vn_arena *arena;
    json_t *changed; /* {"key", "a", "b", "worse_by"} */
    json_t *only[2]; /* names of rows */
};

static void compare(struct both *w, const char *path, const json_t *a, const json_t *b, int depth);

static double size_of(const json_t *row)
{
    const double a = json_number_value(json_object_get(row, "a")),
                 b = json_number_value(json_object_get(row, "b"));
    const double most = fmax(fabs(a), fabs(b));
    return json_is_number(json_object_get(row, "worse_by")) ? most > 0 ? fabs(b - a) / most : 0 : INFINITY;
}

static void add_change(struct both *w, const char *path, const json_t *a, const json_t *b)
{
    json_t *row = json_pack("{s:o, s:O, s:O}", "key", vn_json_text(path), "a", (json_t *)a, "b", (json_t *)b);
    if (json_is_number(a) && json_is_number(b)) {
        const double d = json_number_value(b) - json_number_value(a);
        json_object_set_new(row, "worse_by", vn_json_real(rises(path) ? -d : d));
    }
    json_array_append_new(w->changed, row);
}

/* Rows with names, as an object: large tables are looked up. */
static json_t *by_name(const json_t *rows)
{
    size_t i;
    json_t *o = json_object(), *row;
    json_array_foreach(rows, i, row)
    {
        const char *name = identity_of(row);
        if (name && !json_object_get(o, name))
            json_object_set(o, name, row);
    }
    return o;
}

static void note_only(struct both *w, int side, const char *path, const json_t *rows, const json_t *others)
{
    const char *name;
    json_t *row;
    json_object_foreach((json_t *)rows, name, row)
    {
        (void)row;
        if (!json_object_get(others, name))
            json_array_append_new(w->only[side], vn_json_text(vn_arena_fmt(w->arena, "%s %s", path, name)));
    }
}

static void compare_rows(struct both *w, const char *path, const json_t *a, const json_t *b, int depth)
{
    json_t *left = by_name(a), *right = by_name(b), *row;
    const char *name;
    note_only(w, 0, path, left, right);
    note_only(w, 1, path, right, left);
    json_object_foreach(left, name, row)
    {
        const json_t *other = json_object_get(right, name);
        if (other)
            compare(w, vn_arena_fmt(w->arena, "%s %s", path, name), row, other, depth + 1);
    }
    json_decref(left);
    json_decref(right);
}

static void compare_objects(struct both *w, const char *path, const json_t *a, const json_t *b, int depth)
{
    const char *key;
    json_t *x;
    json_object_foreach((json_t *)a, key, x)
    {
        const json_t *y = json_object_get(b, key);
        if (y)
            compare(w, *path ? vn_arena_fmt(w->arena, "%s.%s", path, key) : key, x, y, depth + 1);
    }
}

static void compare(struct both *w, const char *path, const json_t *a, const json_t *b, int depth)
{
    if (depth > DEEPEST)
        return;
    if (json_is_object(a) && json_is_object(b))
        compare_objects(w, path, a, b, depth);
    else if (json_is_array(a) && json_is_array(b) && identity_of(json_array_get(a, 0)))
        compare_rows(w, path, a, b, depth);
    else if (!json_is_array(a) && !json_is_array(b) && !json_equal(a, b))
        add_change(w, path, a, b);
}

/* ---- nodes ---- */

static const char *const left_out[] = { "instruction", "number", "first" };

static json_t *node_change(const char *name, const json_t *a, const json_t *b)
{
    json_t *o = json_pack("{s:o}", "node", vn_json_text(name)), *x;
    const char *key;
    int changes = 0;
    json_object_foreach((json_t *)a, key, x)
    {
        const json_t *y = json_object_get(b, key);
        int skip = !json_is_number(x) || !json_is_number(y) || json_equal(x, y);
        for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
            skip |= !strcmp(key, left_out[i]);
        if (skip)
            continue;
        const double d = json_number_value(y) - json_number_value(x);
        json_object_set_new(o, key,
                            json_pack("{s:O, s:O, s:o}", "a", x, "b", (json_t *)y, "worse_by",
                                      vn_json_real(rises(key) ? -d : d)));
        changes++;
    }
    if (changes)
        return o;
    json_decref(o);
    return NULL;
}

/* Where results have their rows of nodes. */
static const char *const node_tables[] = { "nodes", "rows", "tensors" };
enum { NODE_TABLES = sizeof node_tables / sizeof *node_tables };

static const json_t *node_rows(const json_t *result)
{
    for (size_t i = 0; i < NODE_TABLES; i++) {
        const json_t *t = json_object_get(result, node_tables[i]);
        if (json_is_string(json_object_get(json_array_get(t, 0), "node")))
            return t;
    }
    return NULL;
}

static json_t *changed_nodes(const json_t *a, const json_t *b)
{
    json_t *list = json_array(), *row, *left = by_name(node_rows(a)), *right = by_name(node_rows(b));
    const char *name;
    json_object_foreach(right, name, row)
    {
        const json_t *before = json_object_get(left, name);
        json_t *change = before ? node_change(name, before, row) : NULL;
        if (change)
            json_array_append_new(list, change);
    }
    json_decref(left);
    json_decref(right);
    return list;
}

static void note_nodes(struct both *w, const json_t *a, const json_t *b)
{
    json_t *left = by_name(node_rows(a)), *right = by_name(node_rows(b));
    note_only(w, 0, "node", left, right);
    note_only(w, 1, "node", right, left);
    json_decref(left);
    json_decref(right);
}

/* ---- the page ---- */

static int largest_first(const void *x, const void *y)
{
    const double a = size_of(*(json_t *const *)x), b = size_of(*(json_t *const *)y);
    return a < b ? 1 : a > b ? -1 : 0;
}

static json_t *sorted(json_t *rows, struct vn_arena *a)
{
    const size_t n = json_array_size(rows);
    json_t **all = NEW_ARRAY(a, json_t *, n), *out = json_array();
    for (size_t i = 0; i < n; i++)
        all[i] = json_array_get(rows, i);
    qsort(all, n, sizeof *all, largest_first);
    for (size_t i = 0; i < n; i++)
        json_array_append(out, all[i]);
    json_decref(rows);
    return out;
}

static json_t *config_text(const json_t *page)
{
    return json_object_get(json_object_get(page, "config"), "text");
}

/* Changes of the result but for its rows of nodes, which are a table of their own. */
static json_t *result_of(const json_t *a, const json_t *b, struct vn_arena *arena)
{
    struct both w = { arena, json_array(), { json_array(), json_array() } };
    const json_t *x = json_object_get(a, "result"), *y = json_object_get(b, "result");
    json_t *left = json_copy((json_t *)x), *right = json_copy((json_t *)y);
    json_t *nodes = changed_nodes(x, y);
    note_nodes(&w, x, y);
    json_object_del(left, "products"); /* where files are is no result */
    for (size_t i = 0; i < NODE_TABLES; i++)
        if (json_object_get(x, node_tables[i]) == node_rows(x))
            json_object_del(left, node_tables[i]);
    compare(&w, "", left, right, 0);
    json_decref(left);
    json_decref(right);
    if (config_text(a) && config_text(b) && !json_equal(config_text(a), config_text(b)))
        add_change(&w, "configuration", json_object_get(json_object_get(a, "config"), "file"),
                   json_object_get(json_object_get(b, "config"), "file"));
    return json_pack("{s:O, s:O, s:o, s:o, s:o, s:o}", "run_a", json_object_get(a, "line"), "run_b",
                     json_object_get(b, "line"), "changed", sorted(w.changed, arena), "nodes", nodes,
                     "only_in_a", w.only[0], "only_in_b", w.only[1]);
}

json_t *vn_html_two_runs(const json_t *a, const json_t *b, struct vn_arena *arena)
{
    json_t *page = json_copy((json_t *)b), *files = json_array();
    json_array_extend(files, json_object_get(a, "files"));
    json_array_extend(files, json_object_get(b, "files"));
    json_object_set_new(page, "files", files);
    json_object_set_new(page, "samples", json_array()); /* their images are elsewhere */
    json_object_set_new(page, "result", result_of(a, b, arena));
    json_object_set_new(page, "passed", json_null());
    json_object_set_new(page, "command", json_string("report"));
    return page;
}

void vn_print_two_runs(FILE *f, const json_t *result)
{
    static const char *const titles[] = { "Changed", "A", "B", "Worse by" };
    struct table *t = vn_table_new(4, titles);
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(result, "changed"), i, row)
    {
        const char *cells[4];
        char *text[4];
        for (int k = 0; k < 4; k++) {
            static const char *const keys[] = { "key", "a", "b", "worse_by" };
            const json_t *x = json_object_get(row, keys[k]);
            text[k] = x ? json_dumps(x, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6)) : NULL;
            cells[k] = json_is_string(x) ? json_string_value(x) : text[k];
        }
        vn_table_row(t, cells);
        for (int k = 0; k < 4; k++)
            free(text[k]);
    }
    vn_table_print(t, f);
    vn_table_free(&t);
    fprintf(f, "%zu values and %zu nodes differ\n", json_array_size(json_object_get(result, "changed")),
            json_array_size(json_object_get(result, "nodes")));
}
