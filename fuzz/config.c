/* Fuzz the configuration: any text gives a checked configuration or an error. */
#include "config/config.h"
#include "guarded.h"

static void one(struct vn_arena *a, const uint8_t *data, size_t size)
{
    struct config *c;
    struct vn_err e;
    static const char *const names[] = { "image", "other" };
    if (vn_config_read_memory(&c, a, (const char *)data, size, "fuzz.yaml", &e) == VN_OK)
        vn_config_match_inputs(c, a, 1 + (int)(size & 1), names, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return guarded(one, data, size); }

#include "main.h"
