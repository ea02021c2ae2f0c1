/* tests/runtime/made_up.h - an input for any program. */
#ifndef VN_RUNTIME_MADE_UP_H
#define VN_RUNTIME_MADE_UP_H

#include <stdlib.h>
#include <string.h>

#include <vernier/runtime.h>

/* Bytes for image inputs, multiples of 2^-7 in [-1, 1) for floats. The caller frees it. */
static inline void *made_up(const struct vn_io *io)
{
    uint32_t s = 1;
    unsigned char *x = malloc(io->bytes);
    for (size_t i = 0; x && i < (io->dtype == VN_F32 ? io->bytes / 4 : io->bytes); i++) {
        s = s * 1664525u + 1013904223u;
        const float f = (float)(int)(s >> 24) / 128 - 1;
        if (io->dtype == VN_F32)
            memcpy(x + 4 * i, &f, 4);
        else
            x[i] = (unsigned char)(s >> 24);
    }
    return x;
}

#endif
