/* Fuzz packs: any bytes give the names of models and an image within the pack, or an error. Length and
 * checksum of the table are put right first. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "guarded.h"
#include "runtime/model.h"

#define MOST 64 /* names that are looked for */

static void repair(uint8_t *image, size_t size)
{
    struct bin_pack h;
    if (size < sizeof h)
        return;
    memcpy(&h, image, sizeof h);
    const size_t table = sizeof h + (size_t)h.models * sizeof(struct bin_packed);
    h.file_bytes = size;
    memcpy(image, &h, sizeof h);
    if (table > size)
        return;
    h.checksum = vn_hash(image, table, offsetof(struct bin_pack, checksum));
    memcpy(image, &h, sizeof h);
}

static void find(const uint8_t *image, size_t size, const char *name)
{
    struct vn_err e;
    const void *model = image;
    size_t bytes = size;
    if (rt_pack_find(&model, &bytes, name, &e) < 0)
        return;
    const size_t at = (size_t)((const uint8_t *)model - image);
    if (at > size || bytes > size - at)
        abort();
    volatile uint64_t sum = vn_hash(model, bytes, SIZE_MAX);
    (void)sum;
}

static void one(struct vn_arena *a, const uint8_t *data, size_t size)
{
    uint8_t *image = vn_arena_copy(a, data, size);
    const char *name[MOST];
    repair(image, size);
    find(image, size, NULL);
    find(image, size, "no such model");
    const int n = vn_model_pack_names(name, MOST, image, size);
    for (int i = 0; i < n && i < MOST; i++)
        find(image, size, name[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return guarded(one, data, size); }

#include "main.h"
