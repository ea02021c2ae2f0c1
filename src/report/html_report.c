/* One HTML file: the page with its style and program, and the data as JSON within. */
#include <stdlib.h>
#include <time.h>

#include "base/escape.h"
#include "base/file.h"
#include "base/hash.h"
#include "report/html_report.h"
#include "report/report.h"

#define MOST_CONFIG (256 << 10) /* bytes of a configuration that is shown */

/* ---- what it holds ---- */

/* Milliseconds of nodes, where the result has them. */
static json_t *times_of(const json_t *result)
{
    json_t *ms = json_object(), *row;
    size_t i;
    json_array_foreach(json_object_get(result, "nodes"), i, row)
    {
        const char *name = json_string_value(json_object_get(row, "node"));
        json_t *time = json_object_get(row, "median_ms");
        if (name && json_is_number(time))
            json_object_set(ms, name, time);
    }
    return ms;
}

static json_t *meta_json(const struct vn_session *s)
{
    const char *key, *text;
    json_t *o = json_object();
    for (int i = 0; vn_session_meta_at(s, i, &key, &text) == VN_OK; i++)
        json_object_set_new(o, key, vn_json_text(text));
    return o;
}

static json_t *file_json(const char *path, struct vn_arena *a)
{
    const uint8_t *data;
    size_t bytes;
    struct vn_err e;
    json_t *o = json_pack("{s:o}", "file", vn_json_text(path));
    if (vn_file_map(a, path, &data, &bytes, &e) == VN_OK) {
        char hash[24];
        snprintf(hash, sizeof hash, "%016llx", (unsigned long long)vn_hash(data, bytes, SIZE_MAX));
        json_object_update_new(o, json_pack("{s:I, s:s}", "bytes", (json_int_t)bytes, "hash", hash));
    }
    return o;
}

/* A network that is only looked at. */
static int open_file(struct vn_session **s, const struct vn_html_report *r, const char *path)
{
    struct vn_session_options o;
    struct vn_err e;
    vn_session_options_default(&o);
    if (r->open)
        o = *r->open;
    o.inspect = 1;
    o.pipeline = NULL;
    o.prototxt = vn_path_has_suffix(path, ".caffemodel") ? o.prototxt : NULL;
    o.marks = calloc(1, (size_t)(o.inputs.n_shapes + o.inputs.n_values + 1));
    const int status = vn_session_open(s, path, &o, &e);
    free(o.marks);
    return status;
}

/* Files and the network of the last one that has a graph; of a program where none has. */
static void add_files(json_t *page, const struct vn_html_report *r, const json_t *ms, struct vn_arena *a)
{
    json_t *files = json_array(), *network = NULL;
    int graph = 0;
    for (int i = 0; i < r->n_files; i++) {
        json_t *file = file_json(r->files[i], a);
        struct vn_session *s;
        json_array_append_new(files, file);
        if (open_file(&s, r, r->files[i]) < 0)
            continue;
        const int better = vn_session_kind(s) != VN_ARTEFACT_BIN;
        json_object_set_new(file, "meta", meta_json(s));
        if (better >= graph) {
            json_t *drawn = vn_json_network(s, ms, a);
            if (drawn)
                json_decref(network);
            network = drawn ? drawn : network;
            graph = better;
        }
        vn_session_close(&s);
    }
    json_object_set_new(page, "files", files);
    json_object_set_new(page, "network", network ? network : json_null());
}

static json_t *config_json(const char *path, struct vn_arena *a)
{
    const uint8_t *data;
    size_t bytes;
    struct vn_err e;
    if (!path || vn_file_map(a, path, &data, &bytes, &e) < 0)
        return json_null();
    const char *text = vn_arena_strn(a, (const char *)data, bytes < MOST_CONFIG ? bytes : MOST_CONFIG);
    return json_pack("{s:o, s:o}", "file", vn_json_text(path), "text", vn_json_text(text));
}

/* SOURCE_DATE_EPOCH, where the same input shall give the same bytes. */
static const char *made(char text[32])
{
    const char *fixed = getenv("SOURCE_DATE_EPOCH");
    const time_t now = fixed ? (time_t)strtoll(fixed, NULL, 10) : time(NULL);
    struct tm t;
    gmtime_r(&now, &t);
    strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &t);
    return text;
}

json_t *vn_html_json(const struct vn_html_report *r, struct vn_arena *a)
{
    char date[32];
    json_t *ms = times_of(r->result);
    json_t *page = json_pack("{s:i, s:s, s:s, s:o, s:s, s:o}", "report", 1, "vernier", VN_VERSION, "command",
                             r->command, "line", vn_json_text(r->line), "made", made(date), "passed",
                             r->passed < 0 ? json_null() : json_boolean(r->passed));
    json_object_set_new(page, "config", config_json(r->config, a));
    add_files(page, r, ms, a);
    json_object_set_new(page, "samples", r->samples ? json_incref(r->samples) : json_array());
    json_object_set(page, "result", r->result);
    json_decref(ms);
    return page;
}

/* ---- files ---- */

int vn_html_is_name(const char *path) { return vn_path_has_suffix(path, ".html"); }

/* JSON within a page: no '<' is left that could end its element. */
static int put_data(struct vn_file_out *f, const char *text, struct vn_err *e)
{
    for (const char *at; (at = strchr(text, '<')); text = at + 1) {
        TRY(vn_file_put(f, text, (size_t)(at - text), e));
        TRY(vn_file_put(f, "\\u003c", 6, e));
    }
    return vn_file_put(f, text, strlen(text), e);
}

static int put(struct vn_file_out *f, const char *text, struct vn_err *e)
{
    return vn_file_put(f, text, strlen(text), e);
}

static int write_html(const char *path, const char *data, const char *images, struct vn_arena *a,
                      struct vn_err *e)
{
    struct vn_file_out *f;
    TRY(vn_file_create(&f, a, path, e));
    TRY(put(f, vn_report_head, e));
    TRY(put(f, "<script type=\"application/json\" id=\"data\">", e));
    TRY(put_data(f, data, e));
    TRY(put(f, "</script>\n<script type=\"application/json\" id=\"images\">", e));
    TRY(put_data(f, images, e));
    TRY(put(f, "</script>\n", e));
    TRY(put(f, vn_report_tail, e));
    return vn_file_commit(f, e);
}

static const char *dump(const json_t *j, size_t flags, struct vn_arena *a)
{
    char *text = json_dumps(j, flags | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9));
    const char *copy = vn_arena_fmt(a, "%s\n", text ? text : "{}");
    free(text);
    return copy;
}

static int write_both(const char *path, const json_t *page, const json_t *images, struct vn_arena *a,
                      struct vn_err *e)
{
    const char *beside = vn_arena_fmt(a, "%.*s.json", (int)(strlen(path) - strlen(".html")), path);
    const char *pretty = dump(page, JSON_INDENT(1), a);
    TRY(vn_file_write(beside, pretty, strlen(pretty), e));
    return write_html(path, dump(page, JSON_COMPACT, a), images ? dump(images, JSON_COMPACT, a) : "{}", a, e);
}

int vn_html_write_page(const char *path, const json_t *page, const json_t *images, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    const int status = write_both(path, page, images, a, e);
    vn_arena_free(&a);
    return status;
}

static int write_overlay(const char *path, const json_t *page, struct vn_arena *a, struct vn_err *e)
{
    json_t *j = vn_json_overlay(page);
    const char *text = dump(j, JSON_INDENT(1), a);
    json_decref(j);
    return vn_file_write(path, text, strlen(text), e);
}

int vn_html_write(const char *path, const struct vn_html_report *r, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    json_t *page = vn_html_json(r, a);
    int status = path ? vn_html_write_page(path, page, r->images, e) : VN_OK;
    if (status == VN_OK && r->overlay)
        status = write_overlay(r->overlay, page, a, e);
    json_decref(page);
    vn_arena_free(&a);
    return status;
}
