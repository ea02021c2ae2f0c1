/* kernels/integer.c - everything in integers but convolutions: the C references for int8 and int16, and what
 * goes between them. */
#include "kernels/pool_window.h"

#include "kernels/integer_macros.h"

#define ELEM int8_t
#define LEAST INT8_MIN
#define MOST INT8_MAX
#define SQUARES int32_t
#define NAME(x) vn_##x##_s8_c
#define RESIZE_BITS VN_RESIZE_BITS
#define RESIZE_SUM(t, wt, b, wb) ((t) * (wt) + (b) * (wb))
#define SOFTMAX_ENTRY(table, d) ((table)[d])
#include "kernels/integer_body.h"
#include "kernels/integer_pools.h"
#include "kernels/integer_sums.h"

#undef ELEM
#undef LEAST
#undef MOST
#undef SQUARES
#undef NAME
#undef RESIZE_BITS
#undef RESIZE_SUM
#undef SOFTMAX_ENTRY

#define ELEM int16_t
#define LEAST INT16_MIN
#define MOST INT16_MAX
#define SQUARES int64_t
#define NAME(x) vn_##x##_s16_c
#define RESIZE_BITS VN_RESIZE16_BITS
#define RESIZE_SUM(t, wt, b, wb) ((int64_t)(t) * (wt) + (int64_t)(b) * (wb))
#define SOFTMAX_ENTRY(table, d) vn_softmax16_entry(table, (uint32_t)(d))
#include "kernels/integer_body.h"
#include "kernels/integer_pools.h"
#include "kernels/integer_sums.h"

#define TABLE(name, to, from, offset) \
    void name(to *out, const from *x, size_t n, const to *table) \
    { \
        for (size_t i = 0; i < n; i++) \
            out[i] = table[x[i] + (offset)]; \
    }
TABLE(vn_table_s8_c, int8_t, int8_t, 128)
TABLE(vn_table_s8_s16_c, int16_t, int8_t, 128)
TABLE(vn_table_s16_s8_c, int8_t, int16_t, 32768)
TABLE(vn_table_s16_c, int16_t, int16_t, 32768)
