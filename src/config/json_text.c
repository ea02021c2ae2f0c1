/* JSON, by Jansson. */
#include "config/json_text.h"

#include <stdlib.h>

#include "base/file.h"

#define MAX_BYTES ((size_t)1 << 30)

/* Jansson takes a failed allocation within a string for wrong JSON: whether one failed must be known. */
static _Thread_local int no_memory;

static void *noting_malloc(size_t n)
{
    void *p = malloc(n);
    no_memory |= !p;
    return p;
}

static void release(void *p) { json_decref(p); }

int vn_json_parse(json_t **out, struct vn_arena *a, const char *text, size_t bytes, const char *where,
                  struct vn_err *e)
{
    json_error_t at = { .line = 0 };
    json_set_alloc_funcs(noting_malloc, free);
    no_memory = 0;
    *out = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &at);
    if (!*out && no_memory)
        return vn_fail(e, VN_E_NOMEM, "%s: out of memory", where);
    if (!*out)
        return vn_fail(e, VN_E_INPUT, "%s:%d:%d: not JSON: %s", where, at.line, at.column, at.text);
    vn_arena_defer(a, release, *out);
    return VN_OK;
}

int vn_json_read(json_t **out, struct vn_arena *a, const char *path, struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    struct vn_arena *file = vn_arena_new();
    int status = vn_file_map(file, path, &data, &bytes, e);
    if (status == VN_OK && bytes > MAX_BYTES)
        status =
            vn_fail(e, VN_E_INPUT, "%s: %zu bytes of JSON, expected at most %zu", path, bytes, MAX_BYTES);
    if (status == VN_OK)
        status = vn_json_parse(out, a, (const char *)data, bytes, path, e);
    vn_arena_free(&file);
    return status;
}
