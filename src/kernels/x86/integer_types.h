/* kernels/x86/integer_types.h - integer_body.h for both widths; the includer defines LEVEL(x), a name with
 * the instruction set. */
#include "kernels/pool_window.h"

#include "kernels/integer_macros.h"

#define ELEM int8_t
#define LEAST INT8_MIN
#define MOST INT8_MAX
#define SQUARES int32_t
#define NAME(x) LEVEL(vn_##x##_s8)
#include "kernels/integer_body.h"

#undef ELEM
#undef LEAST
#undef MOST
#undef SQUARES
#undef NAME

#define ELEM int16_t
#define LEAST INT16_MIN
#define MOST INT16_MAX
#define SQUARES int64_t
#define NAME(x) LEVEL(vn_##x##_s16)
#include "kernels/integer_body.h"
