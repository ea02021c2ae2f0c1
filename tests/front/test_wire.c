/* The protobuf wire format: edges of the reader, and that the writer gives what the reader takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "front/wire.h"

struct leaf {
    int64_t x;
    const char *name;
};
struct root {
    int64_t i;
    struct wire_optional o;
    float f;
    const char *s;
    struct wire_bytes b;
    struct leaf *one;
    struct wire_list ints, floats, doubles, strings, blobs, many, float_runs, double_runs;
    int64_t count;
};

static const struct wire_field leaf_fields[] = { { 1, WIRE_INT, offsetof(struct leaf, x), NULL },
                                                 { 2, WIRE_STRING, offsetof(struct leaf, name), NULL },
                                                 { 0 } };
static const struct wire_message leaf = { "Leaf", sizeof(struct leaf), leaf_fields };
static const struct wire_field root_fields[] = {
    { 1, WIRE_INT, offsetof(struct root, i), NULL },
    { 2, WIRE_OPTIONAL, offsetof(struct root, o), NULL },
    { 3, WIRE_FLOAT, offsetof(struct root, f), NULL },
    { 4, WIRE_STRING, offsetof(struct root, s), NULL },
    { 5, WIRE_BYTES, offsetof(struct root, b), NULL },
    { 6, WIRE_MESSAGE, offsetof(struct root, one), &leaf },
    { 7, WIRE_INTS, offsetof(struct root, ints), NULL },
    { 8, WIRE_FLOATS, offsetof(struct root, floats), NULL },
    { 9, WIRE_DOUBLES, offsetof(struct root, doubles), NULL },
    { 10, WIRE_STRINGS, offsetof(struct root, strings), NULL },
    { 11, WIRE_BLOBS, offsetof(struct root, blobs), NULL },
    { 12, WIRE_MESSAGES, offsetof(struct root, many), &leaf },
    { 13, WIRE_COUNT, offsetof(struct root, count), NULL },
    { 14, WIRE_FLOAT_RUNS, offsetof(struct root, float_runs), NULL },
    { 15, WIRE_DOUBLE_RUNS, offsetof(struct root, double_runs), NULL },
    { 0 },
};
static const struct wire_message root = { "Root", sizeof(struct root), root_fields, "a test file" };

/* A message that contains itself: only the depth limit stops it. */
struct nest {
    struct nest *inner;
};
static const struct wire_message nest;
static const struct wire_field nest_fields[] = { { 1, WIRE_MESSAGE, offsetof(struct nest, inner), &nest },
                                                 { 0 } };
static const struct wire_message nest = { "Nest", sizeof(struct nest), nest_fields };

static struct vn_arena *arena;
static struct vn_err err;

static int setup(void **state)
{
    (void)state;
    arena = vn_arena_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    vn_arena_free(&arena);
    return 0;
}

#define READ(out, ...) \
    (memset(out, 0, sizeof *(out)), \
     vn_wire_read( \
         out, &root, arena, \
         (struct wire_bytes){ (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }) }, \
         "t", &err))

static void test_numbers(void **state)
{
    (void)state;
    struct root r;
    assert_int_equal(READ(&r, 0x08, 0x96, 0x01, 0x10, 0x00), VN_OK);
    assert_int_equal(r.i, 150);
    assert_int_equal(r.o.present, 1);
    assert_int_equal(READ(&r, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01), VN_OK);
    assert_int_equal(r.i, -1);
    assert_int_equal(READ(&r, 0x08, 0x81, 0x00), VN_OK); /* longer than needed, still right */
    assert_int_equal(r.i, 1);
    assert_int_equal(READ(&r, 0x1d, 0x00, 0x00, 0x80, 0x3f, 0x08, 0x01, 0x08, 0x02), VN_OK);
    assert_true(r.f == 1.0f);
    assert_int_equal(r.i, 2); /* the last one counts */
}

static void test_lists(void **state)
{
    (void)state;
    struct root r;
    assert_int_equal(READ(&r, 0x38, 0x05, 0x3a, 0x03, 0x06, 0x80, 0x01, 0x38, 0x07),
                     VN_OK); /* alone, packed, alone */
    assert_int_equal(r.ints.n, 4);
    assert_int_equal(((int64_t *)r.ints.v)[2], 128);
    assert_int_equal(
        READ(&r, 0x42, 0x08, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40, 0x45, 0, 0, 0x40, 0x40, 0x42, 0x00), VN_OK);
    assert_int_equal(r.floats.n, 3);
    assert_true(((float *)r.floats.v)[2] == 3.0f);
    assert_int_equal(READ(&r, 0x52, 0x00, 0x52, 0x01, 'a', 0x62, 0x02, 0x08, 0x07, 0x62, 0x00, 0x68, 0x01,
                          0x6a, 0x01, 0xff),
                     VN_OK);
    assert_string_equal(((const char **)r.strings.v)[1], "a");
    assert_int_equal(((struct leaf *)r.many.v)[0].x, 7);
    assert_int_equal(r.many.n, 2);
    assert_int_equal(r.count, 2);
}

/* Packed numbers stay in the image; single ones are runs of one. */
static void test_runs(void **state)
{
    (void)state;
    struct root r;
    const uint8_t image[] = { 0x72, 0x08, 1, 2, 3, 4, 5, 6, 7, 8, 0x75, 9, 9, 9, 9, 0x7a, 0x00 };
    memset(&r, 0, sizeof r);
    assert_int_equal(vn_wire_read(&r, &root, arena, (struct wire_bytes){ image, sizeof image }, "t", &err),
                     VN_OK);
    const struct wire_bytes *runs = r.float_runs.v;
    assert_int_equal(r.float_runs.n, 2);
    assert_true(runs[0].p == image + 2 && runs[0].n == 8 && runs[1].p == image + 11 && runs[1].n == 4);
    assert_int_equal(r.double_runs.n, 1);
    assert_int_equal(READ(&r, 0x72, 0x03, 0, 0, 0), VN_E_INPUT);
    assert_non_null(
        strstr(err.msg, "t: not a test file, or damaged: packed values do not match their length"));
    assert_int_equal(READ(&r, 0x7d, 0, 0, 0, 0), VN_E_INPUT); /* a float where a double stands */
}

static void test_merge_and_skip(void **state)
{
    (void)state;
    struct root r;
    assert_int_equal(READ(&r, 0x32, 0x02, 0x08, 0x01, 0x32, 0x03, 0x12, 0x01, 'n'), VN_OK);
    assert_int_equal(r.one->x, 1);
    assert_string_equal(r.one->name, "n");
    assert_int_equal(READ(&r, 0xf8, 0x06, 0x01, 0xfd, 0x06, 1, 2, 3, 4, 0xf9, 0x06, 1, 2, 3, 4, 5, 6, 7, 8,
                          0xfa, 0x06, 0x01, 9, 0x08, 3),
                     VN_OK);
    assert_int_equal(r.i, 3);
    assert_int_equal(vn_wire_read(&r, &root, arena, (struct wire_bytes){ NULL, 0 }, "t", &err), VN_OK);
}

static void test_damage(void **state)
{
    (void)state;
    struct root r;
    assert_int_equal(READ(&r, 0x08), VN_E_INPUT); /* no number */
    assert_int_equal(READ(&r, 0x08, 0x80), VN_E_INPUT); /* number does not end */
    assert_int_equal(READ(&r, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02),
                     VN_E_INPUT); /* 65 bits */
    assert_int_equal(READ(&r, 0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00),
                     VN_E_INPUT);
    assert_int_equal(READ(&r, 0x00, 0x00), VN_E_INPUT); /* field 0 */
    assert_int_equal(READ(&r, 0x80, 0x80, 0x80, 0x80, 0x10, 0x00),
                     VN_E_INPUT); /* field number over 29 bits */
    assert_int_equal(READ(&r, 0x0b), VN_E_INPUT); /* group */
    assert_int_equal(READ(&r, 0xfb, 0x06), VN_E_INPUT); /* unknown group */
    assert_int_equal(READ(&r, 0x0e), VN_E_INPUT); /* wire type 6 */
    assert_int_equal(READ(&r, 0x0d, 0, 0, 0, 0), VN_E_INPUT); /* wrong type for the field */
    assert_int_equal(READ(&r, 0x22, 0x05, 'a'), VN_E_INPUT); /* string too long */
    assert_int_equal(READ(&r, 0x22, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01), VN_E_INPUT);
    assert_int_equal(READ(&r, 0x22, 0x02, 'a', 0x00), VN_E_INPUT); /* zero byte in a string */
    assert_int_equal(READ(&r, 0x1d, 0, 0, 0), VN_E_INPUT); /* 3 of 4 bytes */
    assert_int_equal(READ(&r, 0x42, 0x03, 0, 0, 0), VN_E_INPUT); /* packed floats, 3 bytes */
    assert_int_equal(READ(&r, 0x3a, 0x01, 0x80), VN_E_INPUT); /* packed number does not end */
    assert_int_equal(READ(&r, 0x32, 0x01, 0x08, 0x01), VN_E_INPUT); /* number reaches over its message */
    assert_non_null(strstr(err.msg, "Leaf"));
}

/* A message within a message, `levels` times. */
static int read_nested(int levels)
{
    uint8_t image[1024];
    struct nest n = { 0 };
    size_t at = sizeof image;
    for (int i = 0; i < levels; i++) {
        const size_t len = sizeof image - at;
        at -= len < 128 ? 2 : 3;
        image[at] = 0x0a;
        image[at + 1] = (uint8_t)(len < 128 ? len : (len & 127) | 128);
        if (len >= 128)
            image[at + 2] = (uint8_t)(len >> 7);
    }
    return vn_wire_read(&n, &nest, arena, (struct wire_bytes){ image + at, sizeof image - at }, "t", &err);
}

static void test_depth(void **state)
{
    (void)state;
    assert_int_equal(read_nested(WIRE_MAX_DEPTH - 1), VN_OK);
    assert_int_equal(read_nested(WIRE_MAX_DEPTH), VN_E_INPUT);
    assert_non_null(strstr(err.msg, "nested too deep"));
}

static struct wire_bytes written(const struct root *in)
{
    const struct wire_image pieces = vn_wire_write(in, &root, arena);
    return vn_wire_join(&pieces, arena);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct leaf leaves[3] = { { -5, "a" }, { 0, NULL }, { INT64_MIN, "" } };
    int64_t ints[] = { 0, -1, INT64_MAX };
    float floats[] = { -0.0f, 1.5f };
    double doubles[] = { 1e300 };
    const char *strings[] = { "", "long enough" };
    uint8_t big[10000] = { 1, 2, 3 };
    struct wire_bytes blobs[] = { { big, 0 }, { big, sizeof big } };
    const struct root in = { .i = INT64_MIN,
                             .o = { 0, 1 },
                             .f = -0.0f,
                             .s = "",
                             .b = { big, sizeof big },
                             .one = leaves,
                             .ints = { ints, 3, 3 },
                             .floats = { floats, 2, 2 },
                             .doubles = { doubles, 1, 1 },
                             .strings = { strings, 2, 2 },
                             .blobs = { blobs, 2, 2 },
                             .many = { leaves, 3, 3 } };
    const struct wire_image pieces = vn_wire_write(&in, &root, arena);
    int borrowed = 0;
    for (int i = 0; i < pieces.n; i++)
        borrowed += pieces.pieces[i].p == big;
    assert_int_equal(borrowed, 2); /* long bytes are not copied */
    const struct wire_bytes image = vn_wire_join(&pieces, arena);
    struct root out = { 0 };
    assert_int_equal(vn_wire_read(&out, &root, arena, image, "t", &err), VN_OK);
    assert_true(out.i == INT64_MIN && out.o.present && out.f == 0 && !*out.s && out.b.n == sizeof big);
    assert_true(out.b.p >= image.p && out.b.p < image.p + image.n); /* not copied */
    assert_true(((int64_t *)out.ints.v)[1] == -1 && ((double *)out.doubles.v)[0] == 1e300 &&
                out.floats.n == 2);
    assert_true(out.many.n == 3 && ((struct leaf *)out.many.v)[2].x == INT64_MIN &&
                !((struct leaf *)out.many.v)[1].name);
    const struct wire_bytes again = written(&out);
    assert_int_equal(again.n, image.n);
    assert_memory_equal(again.p, image.p, image.n);
}

/* Every truncation of a good message is an error or a shorter message, never a crash. */
static void test_truncation(void **state)
{
    (void)state;
    int64_t ints[] = { 300, -1 };
    struct leaf l = { 7, "name" };
    const struct root in = {
        .i = 5, .f = 2, .s = "text", .one = &l, .ints = { ints, 2, 2 }, .many = { &l, 1, 1 }
    };
    const struct wire_bytes image = written(&in);
    for (size_t n = 0; n < image.n; n++) {
        struct root out = { 0 };
        uint8_t *copy = vn_arena_copy(arena, image.p, n);
        const int status = vn_wire_read(&out, &root, arena, (struct wire_bytes){ copy, n }, "t", &err);
        assert_true(status == VN_OK || status == VN_E_INPUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_merge_and_skip), cmocka_unit_test(test_damage),
        cmocka_unit_test(test_depth),          cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_truncation),     cmocka_unit_test(test_runs),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
