/* Packs: several programs in one file. */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "runtime/model.h"

int rt_is_pack(const void *image, size_t bytes)
{
    return bytes >= sizeof(struct bin_pack) && !memcmp(image, BIN_PACK_MAGIC, sizeof BIN_PACK_MAGIC - 1);
}

static const struct bin_packed *entries(const void *image)
{
    return (const struct bin_packed *)((const char *)image + sizeof(struct bin_pack));
}

static int check_entry(const struct bin_packed *p, size_t bytes, struct vn_err *e)
{
    if (!p->name[0] || p->name[sizeof p->name - 1])
        return vn_fail(e, VN_E_INPUT, "damaged pack: the name of a model is empty or has no end");
    if (!bin_is_pack_name(p->name))
        return vn_fail(e, VN_E_INPUT, "damaged pack: the name of a model is not that of a file");
    if (p->offset % BIN_ALIGN || p->offset > bytes || p->bytes > bytes - p->offset)
        return vn_fail(e, VN_E_INPUT, "damaged pack: model '%.60s' is outside the file", p->name);
    return VN_OK;
}

/* The number of models, or an error. */
static int check_pack(const void *image, size_t bytes, struct vn_err *e)
{
    struct bin_pack h;
    if ((uintptr_t)image % 8)
        return vn_fail(e, VN_E_USAGE, "the address of a pack must be a multiple of 8");
    memcpy(&h, image, sizeof h);
    if (h.version != BIN_PACK_VERSION)
        return vn_fail(e, VN_E_UNSUPPORTED, "pack of format version %u, expected %d", h.version,
                       BIN_PACK_VERSION);
    const size_t table = sizeof h + (size_t)h.models * sizeof(struct bin_packed);
    if (!h.models || h.models > BIN_PACK_MOST || h.file_bytes != bytes || table > bytes)
        return vn_fail(e, VN_E_INPUT, "damaged pack: %u models in %zu bytes, expected 1 to %d in %llu",
                       h.models, bytes, BIN_PACK_MOST, (unsigned long long)h.file_bytes);
    if (vn_hash(image, table, offsetof(struct bin_pack, checksum)) != h.checksum)
        return vn_fail(e, VN_E_INPUT, "damaged pack: the checksum does not match its table");
    for (uint32_t i = 0; i < h.models; i++)
        TRY(check_entry(&entries(image)[i], bytes, e));
    return (int)h.models;
}

/* "a, b, c" as far as there is room. */
static void list_names(char *text, size_t room, const void *image, int n)
{
    size_t at = 0;
    text[0] = 0;
    for (int i = 0; i < n && at + 80 < room; i++)
        at += (size_t)snprintf(text + at, room - at, "%s%.60s", i ? ", " : "", entries(image)[i].name);
}

int rt_pack_find(const void **image, size_t *bytes, const char *name, struct vn_err *e)
{
    char names[600];
    const int n = check_pack(*image, *bytes, e);
    TRY(n);
    for (int i = 0; i < n; i++) {
        const struct bin_packed *p = &entries(*image)[i];
        if (name ? strcmp(p->name, name) != 0 : n > 1)
            continue;
        *image = (const char *)*image + p->offset;
        *bytes = (size_t)p->bytes;
        return VN_OK;
    }
    list_names(names, sizeof names, *image, n);
    return name ? vn_fail(e, VN_E_USAGE, "the pack has no model '%.60s'; it has %s", name, names)
                : vn_fail(e, VN_E_USAGE, "a pack of %d models: name one of %s (--model-name)", n, names);
}

int vn_model_pack_names(const char **names, int most, const void *image, size_t bytes)
{
    struct vn_err e;
    const int n = rt_is_pack(image, bytes) ? check_pack(image, bytes, &e) : 0;
    for (int i = 0; i < n && i < most; i++)
        names[i] = entries(image)[i].name;
    return n;
}
