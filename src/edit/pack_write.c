/* Several programs in one file. */
#include <string.h>

#include <vernier/edit.h>
#include <vernier/session.h>

#include "base/file.h"
#include "base/guard.h"
#include "base/hash.h"
#include "format/bin.h"

struct packing {
    int n;
    struct bin_packed *entries;
    const uint8_t **data;
    size_t at; /* end of what was placed */
    struct vn_map *taken; /* names */
};

static size_t aligned(size_t n) { return (n + BIN_ALIGN - 1) / BIN_ALIGN * BIN_ALIGN; }

static int set_name(struct packing *p, struct vn_arena *a, int i, const char *path, struct vn_err *e)
{
    const char *name = vn_path_stem(a, path);
    const size_t n = strlen(name);
    struct bin_packed *x = &p->entries[i];
    if (!n || n >= sizeof x->name)
        return vn_fail(e, VN_E_USAGE, "%s: expected a name of 1 to %zu bytes, got %zu", path,
                       sizeof x->name - 1, n);
    memcpy(x->name, name, n);
    if (!bin_is_pack_name(x->name))
        return vn_fail(e, VN_E_USAGE, "%s: invalid name for a model of a pack: '%s'", path, x->name);
    if (vn_map_get(p->taken, name))
        return vn_fail(e, VN_E_USAGE, "%s: duplicate model name '%s'", path, x->name);
    vn_map_set(p->taken, name, x);
    return VN_OK;
}

/* A whole program, at the next place. */
static int add(struct packing *p, struct vn_arena *a, int i, const char *path, struct vn_err *e)
{
    struct vn_session *s;
    size_t bytes;
    TRY(vn_file_map(a, path, &p->data[i], &bytes, e));
    if (vn_model_pack_names(NULL, 0, p->data[i], bytes) > 0)
        return vn_fail(e, VN_E_INPUT, "%s: is a packed model, it can not be packed again", path);
    if (vn_session_open_memory(&s, p->data[i], bytes, NULL, e) < 0)
        return vn_fail_at(e, "%s", path);
    const int program = vn_session_kind(s) == VN_ARTEFACT_BIN;
    vn_session_close(&s);
    if (!program)
        return vn_fail(e, VN_E_INPUT, "%s: expected a .bin", path);
    TRY(set_name(p, a, i, path, e));
    p->entries[i].offset = p->at;
    p->entries[i].bytes = bytes;
    p->at = aligned(p->at + bytes);
    return VN_OK;
}

static int write(const struct packing *p, struct vn_arena *a, const char *output, struct vn_err *e)
{
    static const char zeros[BIN_ALIGN];
    const size_t table = sizeof(struct bin_pack) + (size_t)p->n * sizeof *p->entries;
    struct bin_pack *h = memset(NEW_ARRAY(a, char, table), 0, table);
    struct vn_file_out *f;
    size_t at = table;
    *h = (struct bin_pack){ BIN_PACK_MAGIC, BIN_PACK_VERSION, (uint32_t)p->n, p->at, 0 };
    memcpy(h + 1, p->entries, table - sizeof *h);
    h->checksum = vn_hash(h, table, offsetof(struct bin_pack, checksum));
    TRY(vn_file_create(&f, a, output, e));
    TRY(vn_file_put(f, h, table, e));
    for (int i = 0; i < p->n; i++) {
        TRY(vn_file_put(f, zeros, (size_t)p->entries[i].offset - at, e));
        TRY(vn_file_put(f, p->data[i], (size_t)p->entries[i].bytes, e));
        at = (size_t)(p->entries[i].offset + p->entries[i].bytes);
    }
    TRY(vn_file_put(f, zeros, p->at - at, e));
    return vn_file_commit(f, e);
}

static int pack(struct vn_arena *a, const char *output, int n, const char *const *files, struct vn_err *e)
{
    struct packing p = { .n = n, .at = aligned(sizeof(struct bin_pack) + (size_t)n * sizeof *p.entries) };
    p.entries = memset(NEW_ARRAY(a, struct bin_packed, n), 0, (size_t)n * sizeof *p.entries);
    p.data = NEW_ARRAY(a, const uint8_t *, n);
    p.taken = vn_map_new(a);
    for (int i = 0; i < n; i++)
        TRY(add(&p, a, i, files[i], e));
    return write(&p, a, output, e);
}

static int pack_all(const char *output, int n, const char *const *files, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    const int status = pack(a, output, n, files, e);
    vn_arena_free(&a);
    return status;
}

int vn_pack(const char *output, int n, const char *const *files, struct vn_err *e)
{
    int status;
    if (n < 1 || n > BIN_PACK_MOST)
        return vn_fail(e, VN_E_USAGE, "%s: expected 1 to %d models, got %d", output, BIN_PACK_MOST, n);
    VN_GUARDED(status, e, pack_all(output, n, files, e));
    return status;
}
