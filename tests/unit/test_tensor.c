/* tensor/: half-precision numbers bit by bit, .npy, shapes. */
#include "base/file.h"
#include "tensor/npy.h"
#include "unit.h"

/* ---- float16 and bfloat16: a formula for every pattern, and rounding by searching the neighbours ---- */

static double f16_value(uint16_t h)
{
    const int sign = h >> 15, exponent = h >> 10 & 31, fraction = h & 1023;
    const double x = exponent == 31 ? (fraction ? NAN : INFINITY)
                     : exponent     ? ldexp(1024 + fraction, exponent - 25)
                                    : ldexp(fraction, -24);
    return sign ? -x : x;
}

static void f16_every_pattern(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        const double want = f16_value((uint16_t)h);
        const float got = vn_f16_to_f32((uint16_t)h);
        if (isnan(want)) {
            assert_true(isnan(got) && isnan(f16_value(vn_f32_to_f16(got))));
            continue;
        }
        assert_true((double)got == want && !signbit(got) == !signbit(want));
        assert_int_equal(vn_f32_to_f16(got), h);
    }
}

/* Nearest of all finite patterns of one sign; ties to the even pattern; 65520 and beyond overflow. */
static uint16_t f16_nearest(float f)
{
    const double x = fabs((double)f);
    uint16_t lo = 0, hi = 0x7c00;
    const uint16_t sign = signbit(f) ? 0x8000 : 0;
    while (hi - lo > 1) {
        const uint16_t mid = (uint16_t)((lo + hi) / 2);
        *(f16_value(mid) <= x ? &lo : &hi) = mid;
    }
    const double below = f16_value(lo), above = hi == 0x7c00 ? 65536 : f16_value(hi);
    const int up = x - below > above - x || (x - below == above - x && lo % 2);
    return sign | (up ? hi : lo);
}

static void f16_rounds_half_to_even(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x7c00; h++) /* every pattern, every midpoint, and the floats around them */
        for (int k = 0; k < 2; k++) {
            const double next = h == 0x7bff ? 65536 : f16_value((uint16_t)(h + 1));
            const float at = (float)(k ? (f16_value((uint16_t)h) + next) / 2 : f16_value((uint16_t)h));
            const float near[] = { at, nextafterf(at, INFINITY), nextafterf(at, -INFINITY) };
            for (int i = 0; i < 3; i++) {
                assert_int_equal(vn_f32_to_f16(near[i]), f16_nearest(near[i]));
                assert_int_equal(vn_f32_to_f16(-near[i]), f16_nearest(-near[i]));
            }
        }
    assert_int_equal(vn_f32_to_f16(1e30f), 0x7c00);
    assert_int_equal(vn_f32_to_f16(-INFINITY), 0xfc00);
    assert_int_equal(vn_f32_to_f16(1e-30f), 0);
}

static float float_of(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static void bf16_every_pattern(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        const float want = float_of(h << 16), got = vn_bf16_to_f32((uint16_t)h);
        if (isnan(want)) {
            assert_true(isnan(got) && isnan(vn_bf16_to_f32(vn_f32_to_bf16(got))));
            continue;
        }
        assert_memory_equal(&want, &got, 4);
        assert_int_equal(vn_f32_to_bf16(got), h);
        if ((h & 0x7f80) == 0x7f80)
            continue;
        for (uint32_t low = 0x7ffe; low <= 0x8002; low++) { /* around the midpoint */
            const uint32_t up = low > 0x8000 || (low == 0x8000 && h % 2);
            assert_int_equal(vn_f32_to_bf16(float_of(h << 16 | low)), h + up);
        }
    }
}

/* ---- elements ---- */

static void floats_are_those_of_each_element(void **state)
{
    (void)state;
    static const enum vn_dtype of[] = { VN_F32, VN_U8, VN_I8, VN_I16, VN_I64, VN_F16, VN_F64, VN_BOOL };
    struct vn_arena *a = vn_arena_new();
    const int64_t n = 37;
    const struct vn_shape s = vn_shape_of(1, &n);
    for (size_t k = 0; k < sizeof of / sizeof *of; k++) {
        struct vn_tensor *t = vn_tensor_new(a, of[k], &s);
        float x[37];
        for (int i = 0; i < 37; i++)
            vn_tensor_set_f64(t, i, 3.7 * i - 40);
        vn_tensor_to_f32(x, t);
        for (int i = 0; i < 37; i++)
            assert_true(x[i] == (float)vn_tensor_f64(t, i));
        assert_memory_equal(vn_tensor_cast(a, t, VN_F32)->data, x, sizeof x);
        assert_memory_equal(vn_tensor_cast(a, t, of[k])->data, t->data, vn_tensor_bytes(t));
    }
    vn_arena_free(&a);
}

static void elements_convert_as_numpy_does(void **state)
{
    (void)state;
    struct vn_arena *a = vn_arena_new();
    const int64_t n = 6;
    const struct vn_shape s = vn_shape_of(1, &n);
    struct vn_tensor *f = vn_tensor_new(a, VN_F64, &s);
    const double x[] = { -1.7, 2.5, 300, -300, NAN, 1e30 };
    memcpy(f->data, x, sizeof x);
    const struct vn_tensor *i8 = vn_tensor_cast(a, f, VN_I8);
    const int8_t want[] = { -1, 2, 127, -128, 0, 127 };
    assert_memory_equal(i8->data, want, sizeof want);
    struct vn_tensor *set = vn_tensor_new(a, VN_I8, &s);
    for (int i = 0; i < 4; i++)
        vn_tensor_set_f64(set, i, x[i]);
    const int8_t rounded[] = { -2, 2, 127, -128 };
    assert_memory_equal(set->data, rounded, sizeof rounded);
    struct vn_tensor *big = vn_tensor_new(a, VN_I64, &s);
    ((int64_t *)big->data)[0] = INT64_C(9007199254740993); /* 2^53 + 1: no double */
    assert_true(vn_tensor_i64(vn_tensor_cast(a, big, VN_I64), 0) == INT64_C(9007199254740993));
    vn_arena_free(&a);
}

static const enum vn_dtype types[] = { VN_F32, VN_U8,   VN_I8,  VN_U16, VN_I16, VN_I32,
                                       VN_I64, VN_BOOL, VN_F16, VN_F64, VN_U32, VN_U64 };
#define N_TYPES (sizeof types / sizeof *types)

static void dtype_names_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_TYPES; i++) {
        assert_int_equal(vn_dtype_from_name(vn_dtype_name(types[i])), types[i]);
        assert_true(vn_dtype_size(types[i]) > 0);
    }
    assert_int_equal(vn_dtype_from_name("float33"), VN_NONE);
    assert_int_equal(vn_dtype_size(VN_NONE), 0);
}

static void npy_round_trips(void **state)
{
    (void)state;
    struct vn_arena *a = vn_arena_new();
    struct vn_err e;
    const char *dir = unit_folder(a), *path = vn_path_join(a, dir, "x.npy");
    for (int round = 0; round < 100; round++) {
        struct vn_shape s = { .rank = unit_pick(0, 5) };
        for (int d = 0; d < s.rank; d++)
            s.d[d] = unit_pick(round % 10 ? 1 : 0, 5);
        struct vn_tensor *t = vn_tensor_new(a, types[round % (int)N_TYPES], &s), *back;
        for (size_t i = 0; i < vn_tensor_bytes(t); i++)
            ((uint8_t *)t->data)[i] = t->dtype == VN_BOOL ? (uint8_t)unit_pick(0, 1) : (uint8_t)unit_random();
        OK(vn_npy_write(path, t, &e));
        OK(vn_npy_read(&back, a, path, &e));
        assert_int_equal(back->dtype, t->dtype);
        assert_true(vn_shape_equal(&back->shape, &t->shape));
        assert_memory_equal(back->data, t->data, vn_tensor_bytes(t));
        const uint8_t *data;
        size_t bytes;
        OK(vn_file_map(a, path, &data, &bytes, &e));
        assert_int_equal((bytes - vn_tensor_bytes(t)) % 64, 0); /* the header fills whole lines of 64 */
        for (size_t cut = 0; cut < bytes; cut += 1 + bytes / 40)
            assert_true(vn_npy_parse(&back, a, data, cut, "cut.npy", &e) < 0);
    }
    unlink(path);
    rmdir(dir);
    vn_arena_free(&a);
}

/* ---- shapes ---- */

static struct vn_shape shape(const char *text)
{
    struct vn_shape s = { 0 };
    struct vn_err e;
    if (*text)
        OK(vn_shape_parse(&s, text, &e));
    return s;
}

static void shapes_broadcast(void **state)
{
    (void)state;
    static const char *const table[][3] = {
        { "2x3", "2x3", "2x3" },
        { "2x3", "3", "2x3" },
        { "2x1", "1x3", "2x3" },
        { "", "4x5", "4x5" },
        { "8x1x6x1", "7x1x5", "8x7x6x5" },
        { "2x3", "2", NULL },
        { "4", "5", NULL },
        { "0x3", "1x3", "0x3" },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        for (int swap = 0; swap < 2; swap++) {
            const struct vn_shape x = shape(table[i][swap]), y = shape(table[i][!swap]);
            struct vn_shape out;
            struct vn_err e;
            const int status = vn_shape_broadcast(&out, &x, &y, &e);
            assert_int_equal(status < 0, table[i][2] == NULL);
            if (status == VN_OK) {
                const struct vn_shape want = shape(table[i][2]);
                assert_true(vn_shape_equal(&out, &want));
            }
        }
}

static void shape_text_and_parse(void **state)
{
    (void)state;
    static const char *const bad[] = { "",     "x", "1x",  "1xx2",        "-1",
                                       "1x2x", "a", "1 2", "99999999999", "1x1x1x1x1x1x1x1x1" };
    char text[VN_SHAPE_TEXT];
    struct vn_shape s = shape("1x3x224x224");
    struct vn_err e;
    assert_string_equal(vn_shape_text(&s, text), "1x3x224x224");
    assert_true(vn_shape_count(&s) == 150528);
    int64_t stride[VN_MAX_RANK];
    vn_shape_strides(&s, stride);
    assert_true(stride[0] == 150528 && stride[1] == 50176 && stride[2] == 224 && stride[3] == 1);
    assert_int_equal(vn_shape_axis(&s, -1), 3);
    assert_int_equal(vn_shape_axis(&s, 4), -1);
    assert_int_equal(vn_shape_axis(&s, -5), -1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_true(vn_shape_parse(&s, bad[i], &e) < 0);
    s = vn_shape_unknown();
    assert_string_equal(vn_shape_text(&s, text), "?");
    assert_true(vn_shape_count(&s) == -1);
    s = shape("2147483647x2147483647x4");
    assert_true(vn_shape_count(&s) == -1); /* over 2^62 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f16_every_pattern),
        cmocka_unit_test(f16_rounds_half_to_even),
        cmocka_unit_test(bf16_every_pattern),
        cmocka_unit_test(elements_convert_as_numpy_does),
        cmocka_unit_test(dtype_names_round_trip),
        cmocka_unit_test(npy_round_trips),
        cmocka_unit_test(floats_are_those_of_each_element),
        cmocka_unit_test(shapes_broadcast),
        cmocka_unit_test(shape_text_and_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
