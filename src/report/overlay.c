/* Numbers of nodes for Google's Model Explorer: one column, by the names of the tensors that nodes make. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "report/html_report.h"
#include "report/report.h"

/* Columns that say how bad a node is, the one that says most first; low: little is bad. */
static const struct {
    const char *key;
    int low;
} columns[] = {
    { "cosine_mean", 1 }, { "sqnr", 1 }, { "cosine-similarity", 1 }, { "max_bound", 0 }, { "median_ms", 0 },
};
enum { COLUMNS = sizeof columns / sizeof *columns };

#define SUFFIX "_HzCalibration"

static json_t *rows_of(const json_t *result)
{
    static const char *const tables[] = { "rows", "nodes", "tensors" };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        json_t *rows = json_object_get(result, tables[i]);
        if (json_is_string(json_object_get(json_array_get(rows, 0), "node")))
            return rows;
    }
    return NULL;
}

static int column_of(const json_t *rows)
{
    size_t i;
    json_t *row;
    for (int c = 0; c < COLUMNS; c++)
        json_array_foreach(rows, i, row) if (json_is_number(json_object_get(row, columns[c].key))) return c;
    return -1;
}

/* Several rows of one tensor: the worst. */
static void put(json_t *results, const char *name, const json_t *x, int low)
{
    const json_t *old = json_object_get(json_object_get(results, name), "value");
    const double a = json_number_value(old), b = json_number_value(x);
    if (!old || (low ? b < a : b > a))
        json_object_set_new(results, name, json_pack("{s:O}", "value", (json_t *)x));
}

static void put_row(json_t *results, json_t *outputs, const json_t *row, int c)
{
    const char *name = json_string_value(json_object_get(row, "node"));
    const json_t *x = json_object_get(row, columns[c].key);
    const size_t n = name ? strlen(name) : 0, tail = strlen(SUFFIX);
    size_t i;
    json_t *out;
    if (!name || !json_is_number(x))
        return;
    json_array_foreach(json_object_get(outputs, name), i, out)
        put(results, json_string_value(out), x, columns[c].low);
    if (n > tail && !strcmp(name + n - tail, SUFFIX)) {
        char *tensor = strndup(name, n - tail);
        put(results, tensor, x, columns[c].low);
        free(tensor);
    }
}

/* Names of what each node makes. */
static json_t *outputs_of(const json_t *network)
{
    json_t *o = json_object(), *node, *v;
    size_t i, k;
    json_array_foreach(json_object_get(network, "nodes"), i, node)
    {
        json_t *names = json_array();
        json_array_foreach(json_object_get(node, "out"), k, v) json_array_append(
            names,
            json_object_get(json_array_get(json_object_get(network, "values"), (size_t)json_integer_value(v)),
                            "name"));
        json_object_set_new(o, json_string_value(json_object_get(node, "name")), names);
    }
    return o;
}

json_t *vn_json_overlay(const json_t *page)
{
    json_t *rows = rows_of(json_object_get(page, "result")), *results = json_object(), *row;
    json_t *outputs = outputs_of(json_object_get(page, "network"));
    const int c = column_of(rows);
    size_t i;
    json_array_foreach(rows, i, row) if (c >= 0) put_row(results, outputs, row, c);
    json_decref(outputs);
    const int low = c >= 0 && columns[c].low;
    return json_pack("{s:o, s:[{s:i, s:s}, {s:i, s:s}]}", "results", results, "gradient", "stop", 0,
                     "bgColor", low ? "#e2662e" : "#e9f1f8", "stop", 1, "bgColor",
                     low ? "#e9f1f8" : "#e2662e");
}
