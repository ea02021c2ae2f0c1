/* The file of a result: written in one form only, and read with nothing taken for granted. */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/hash.h"
#include "result/result_set.h"

#define VERSION 1
#define HEADER 24 /* bytes: magic, version, checksum */
static const char magic[] = "vnresult"; /* without its 0 */

/* ---- writing ---- */

void vn_result_put_bytes(struct result_writer *w, const void *data, size_t bytes)
{
    if (w->cap - w->n < bytes) {
        w->cap = 2 * (w->n + bytes);
        uint8_t *grown = vn_arena_alloc(w->arena, w->cap);
        if (w->n)
            memcpy(grown, w->data, w->n);
        w->data = grown;
    }
    if (bytes)
        memcpy(w->data + w->n, data, bytes);
    w->n += bytes;
}

void vn_result_put(struct result_writer *w, uint64_t x)
{
    uint8_t b[10];
    size_t n = 0;
    for (; x > 127; x >>= 7)
        b[n++] = (uint8_t)(x | 128);
    b[n++] = (uint8_t)x;
    vn_result_put_bytes(w, b, n);
}

void vn_result_put_double(struct result_writer *w, double x) { vn_result_put_bytes(w, &x, sizeof x); }

static void put_text(struct result_writer *w, const char *s)
{
    vn_result_put(w, strlen(s));
    vn_result_put_bytes(w, s, strlen(s));
}

static int by_name(const void *x, const void *y)
{
    const struct result_entry *a = x, *b = y;
    const int order = strcmp(a->name, b->name);
    return order ? order : (int)a->kind - (int)b->kind;
}

static void put_entries(struct result_writer *w, const struct vn_result *r)
{
    const int n = r->entries.n;
    struct result_entry *sorted = NEW_ARRAY(w->arena, struct result_entry, n);
    for (int i = 0; i < n; i++)
        sorted[i] = r->entries.v[i];
    qsort(sorted, (size_t)n, sizeof *sorted, by_name);
    vn_result_put(w, (uint64_t)n);
    struct result_writer body = { .arena = w->arena };
    for (int i = 0; i < n; i++) {
        body.n = 0;
        vn_result_kinds[sorted[i].kind]->write(&body, sorted[i].data);
        put_text(w, sorted[i].name);
        vn_result_put(w, sorted[i].kind);
        vn_result_put(w, body.n);
        vn_result_put_bytes(w, body.data, body.n);
    }
}

int vn_result_bytes(const uint8_t **data, size_t *bytes, struct vn_arena *a, const struct vn_result *r,
                    struct vn_err *e)
{
    struct result_writer w = { .arena = a };
    const uint64_t head[2] = { VERSION, 0 };
    vn_result_put_bytes(&w, magic, sizeof magic - 1);
    vn_result_put_bytes(&w, head, sizeof head);
    put_text(&w, r->job);
    vn_result_put(&w, (uint64_t)r->keys.n);
    for (int i = 0; i < r->keys.n; i++) {
        put_text(&w, r->keys.v[i].to);
        vn_result_put_bytes(&w, &r->keys.v[i].hash, sizeof r->keys.v[i].hash);
    }
    put_entries(&w, r);
    if (w.n > INT_MAX)
        return vn_fail(e, VN_E_UNSUPPORTED, "%s: %zu bytes, expected at most %d", r->name, w.n, INT_MAX);
    const uint64_t h = vn_hash(w.data, w.n, RESULT_CHECKSUM);
    memcpy(w.data + RESULT_CHECKSUM, &h, sizeof h);
    *data = w.data;
    *bytes = w.n;
    return VN_OK;
}

/* not used in src: vn_result_write: a job is divided by who uses the library, and by tests */
int vn_result_write(const struct vn_result *r, const char *path, struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    struct vn_arena *a = vn_arena_new();
    int status = vn_result_bytes(&data, &bytes, a, r, e);
    if (status == VN_OK)
        status = vn_file_write(path, data, bytes, e);
    vn_arena_free(&a);
    return status;
}

/* ---- reading ---- */

int vn_result_bad(const struct result_reader *r, const char *what, ...)
{
    char text[200];
    va_list ap;
    va_start(ap, what);
    vsnprintf(text, sizeof text, what, ap);
    va_end(ap);
    const long at = (long)(r->at - r->start);
    return r->entry
               ? vn_fail(r->e, VN_E_INPUT, "%s: byte %ld: %s %s: %s", r->name, at, r->kind, r->entry, text)
               : vn_fail(r->e, VN_E_INPUT, "%s: byte %ld: %s", r->name, at, text);
}

static size_t left(const struct result_reader *r) { return (size_t)(r->end - r->at); }

int vn_result_get_bytes(struct result_reader *r, const void **data, size_t bytes, const char *what)
{
    if (left(r) < bytes)
        return vn_result_bad(r, "%s: expected %zu bytes, got %zu: truncated", what, bytes, left(r));
    *data = r->at;
    r->at += bytes;
    return VN_OK;
}

int vn_result_get(struct result_reader *r, uint64_t *x, uint64_t most, const char *what)
{
    const uint8_t *p = r->at;
    *x = 0;
    for (int shift = 0;; shift += 7, p++) {
        if (p == r->end)
            return vn_result_bad(r, "%s: truncated", what);
        if (shift == 63 && *p > 1)
            return vn_result_bad(r, "%s: integer of more than 64 bits", what);
        *x |= (uint64_t)(*p & 127) << shift;
        if (*p < 128)
            break;
    }
    if (!*p && p > r->at)
        return vn_result_bad(r, "%s: integer longer than necessary", what);
    if (*x > most)
        return vn_result_bad(r, "%s: expected at most %llu, got %llu", what, (unsigned long long)most,
                             (unsigned long long)*x);
    r->at = p + 1;
    return VN_OK;
}

int vn_result_get_double(struct result_reader *r, double *x, const char *what)
{
    const void *p;
    TRY(vn_result_get_bytes(r, &p, sizeof *x, what));
    memcpy(x, p, sizeof *x);
    return VN_OK;
}

int vn_result_get_count(struct result_reader *r, int *n, size_t least, const char *what)
{
    uint64_t u;
    const uint8_t *from = r->at;
    TRY(vn_result_get(r, &u, UINT64_MAX, what));
    if (u > left(r) / least || u > INT_MAX) {
        const size_t rest = left(r);
        r->at = from;
        return vn_result_bad(r, "%s: %llu, but %zu bytes follow", what, (unsigned long long)u, rest);
    }
    *n = (int)u;
    return VN_OK;
}

static int get_text(struct result_reader *r, const char **s, const char *what)
{
    int n;
    const void *p;
    TRY(vn_result_get_count(r, &n, 1, what));
    if (memchr(r->at, 0, (size_t)n))
        return vn_result_bad(r, "%s: byte 0 in a string", what);
    TRY(vn_result_get_bytes(r, &p, (size_t)n, what));
    *s = vn_arena_strn(r->arena, p, (size_t)n);
    return VN_OK;
}

static int get_keys(struct result_reader *r, struct vn_result *to)
{
    int n;
    TRY(vn_result_get_count(r, &n, 9, "number of hashes"));
    for (int i = 0; i < n; i++) {
        const char *name;
        const void *p;
        uint64_t hash;
        TRY(get_text(r, &name, "name of a hash"));
        TRY(vn_result_get_bytes(r, &p, sizeof hash, "hash"));
        memcpy(&hash, p, sizeof hash);
        vn_result_belongs(to, name, hash);
    }
    return VN_OK;
}

/* An entry's own bytes, all of them and no others. */
static int get_body(struct result_reader *r, struct vn_result *to, const struct result_entry *x, int bytes)
{
    const struct result_kind *kind = vn_result_kinds[x->kind];
    struct result_reader body = *r;
    body.end = r->at + bytes;
    body.entry = x->name;
    body.kind = kind->name;
    TRY(kind->read(&body, vn_result_entry(to, x->kind, x->name)));
    if (body.at != body.end)
        return vn_result_bad(&body, "%zu bytes left over", left(&body));
    r->at = body.end;
    return VN_OK;
}

static int get_entries(struct result_reader *r, struct vn_result *to)
{
    int n, bytes;
    struct result_entry before = { 0 };
    TRY(vn_result_get_count(r, &n, 3, "number of entries"));
    for (int i = 0; i < n; i++) {
        struct result_entry x;
        uint64_t kind;
        TRY(get_text(r, &x.name, "name of an entry"));
        TRY(vn_result_get(r, &kind, RESULT_KINDS - 1, "kind of an entry"));
        x.kind = (enum result_id)kind;
        if (i && by_name(&before, &x) >= 0)
            return vn_result_bad(r, "%s %s: duplicate, or out of order", vn_result_kinds[x.kind]->name,
                                 x.name);
        TRY(vn_result_get_count(r, &bytes, 1, "length of an entry"));
        TRY(get_body(r, to, &x, bytes));
        before = x;
    }
    return left(r) ? vn_result_bad(r, "%zu bytes after the last entry", left(r)) : VN_OK;
}

static int check_header(const struct result_reader *r, size_t bytes)
{
    uint64_t head[2];
    if (bytes < HEADER || memcmp(r->start, magic, sizeof magic - 1))
        return vn_fail(r->e, VN_E_INPUT, "%s: not the result of a part of a job", r->name);
    memcpy(head, r->start + sizeof magic - 1, sizeof head);
    if (head[0] != VERSION)
        return vn_fail(r->e, VN_E_INPUT, "%s: expected a result of version %d, got %llu", r->name, VERSION,
                       (unsigned long long)head[0]);
    if (head[1] != vn_hash(r->start, bytes, RESULT_CHECKSUM))
        return vn_fail(r->e, VN_E_INPUT, "%s: damaged: the checksum does not match", r->name);
    return VN_OK;
}

int vn_result_parse(struct vn_result **out, struct vn_arena *a, const uint8_t *data, size_t bytes,
                    const char *name, struct vn_err *e)
{
    struct result_reader r = {
        .arena = a, .start = data, .at = data, .end = data + bytes, .name = name, .e = e
    };
    const char *job;
    TRY(check_header(&r, bytes));
    r.at += HEADER;
    TRY(get_text(&r, &job, "job"));
    struct vn_result *to = vn_result_new(a, job);
    vn_result_set_name(to, name);
    TRY(get_keys(&r, to));
    TRY(get_entries(&r, to));
    *out = to;
    return VN_OK;
}

int vn_result_read(struct vn_result **out, struct vn_arena *a, const char *path, struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    struct vn_arena *work = vn_arena_new();
    int status = vn_file_map(work, path, &data, &bytes, e);
    if (status == VN_OK)
        status = vn_result_parse(out, a, data, bytes, path, e);
    vn_arena_free(&work);
    return status;
}
