/* Fuzz the loader and the runtime: any bytes give a program or an error, and a program that was loaded runs
 * within its memory. The length and the checksum in the header are put right first; otherwise no changed file
 * would pass them. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "guarded.h"
#include "runtime/model.h"

#define MEMORY_LIMIT ((size_t)256 << 20)

static void repair(uint8_t *image, size_t size)
{
    struct bin_header h;
    if (size < sizeof h)
        return;
    memcpy(&h, image, sizeof h);
    h.file_bytes = size;
    memcpy(image, &h, sizeof h);
    h.checksum = vn_hash(image, size, offsetof(struct bin_header, checksum));
    memcpy(image, &h, sizeof h);
}

/* What lies in the model's memory before its tensors and behind them must not change in a run. The model
 * itself holds the observer. */
static uint64_t surroundings(const struct vn_model *m)
{
    const char *from = (const char *)(m + 1), *behind = m->arena + m->header.arena_bytes;
    return vn_hash(from, (size_t)(m->arena - from), SIZE_MAX) ^
           vn_hash(behind, (size_t)(m->scratch - behind), SIZE_MAX) * 3;
}

static void watch(void *user, const struct vn_view *t)
{
    unsigned *sum = user;
    for (size_t i = 0; i < t->bytes; i++)
        *sum += ((const uint8_t *)t->data)[i];
}

static void watch_inputs(void *user, int instruction, const struct vn_view *in, int n)
{
    (void)instruction;
    for (int i = 0; i < n; i++)
        watch(user, &in[i]);
}

static void run(struct vn_model *m, struct vn_arena *a)
{
    int n_in, n_out;
    unsigned sum = 0;
    struct vn_err e;
    const uint64_t before = surroundings(m);
    const struct vn_io *in = vn_model_inputs(m, &n_in), *out = vn_model_outputs(m, &n_out);
    const void **x = NEW_ARRAY(a, const void *, n_in);
    void **y = NEW_ARRAY(a, void *, n_out);
    for (int i = 0; i < n_in; i++)
        x[i] = memset(vn_arena_alloc(a, in[i].bytes), 0x55, in[i].bytes);
    for (int i = 0; i < n_out; i++)
        y[i] = vn_arena_alloc(a, out[i].bytes);
    vn_model_run(m, x, y, &e);
    vn_model_watch(m, &(struct vn_watch){ .before = watch_inputs, .after = watch, .user = &sum });
    vn_model_run(m, x, y, &e);
    if (surroundings(m) != before)
        abort();
}

static void one(struct vn_arena *a, const uint8_t *data, size_t size)
{
    /* exactly `size` bytes from malloc, so that a read behind the end is seen */
    uint8_t *image = malloc(size ? size : 1), *mem = NULL;
    struct vn_model *m;
    struct vn_err e;
    size_t need;
    if (!image)
        return;
    memcpy(image, data, size);
    repair(image, size);
    for (unsigned cpu = 0; cpu < 2; cpu++) {
        const struct vn_options o = { .threads = 1, .cpumask = cpu ? ~0u : 0 };
        if (vn_model_size(&need, image, size, &o, &e) < 0 || need > MEMORY_LIMIT ||
            !(mem = aligned_alloc(64, (need + 63) / 64 * 64)))
            break;
        if (vn_model_load(&m, image, size, mem, need, &o, &e) == VN_OK)
            run(m, a);
        vn_model_unload(&m);
        free(mem);
    }
    free(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return guarded(one, data, size); }

#include "main.h"
