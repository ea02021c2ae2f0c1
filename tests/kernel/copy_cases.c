/* tests/kernel/copy_cases.c - rows, transposed blocks and resized rows, element by element. */
#include "harness.h"

#include <string.h>

static char *bytes_in(struct test *t, size_t n)
{
    int8_t *const x = new_input(t, n);
    fill_s8(t, x, n);
    return (char *)x;
}

static const char *describe(size_t rows, size_t cols, ptrdiff_t xs, ptrdiff_t ys, int size)
{
    static char text[96];
    snprintf(text, sizeof text, "%zu x %zu of %d bytes, pitch %td and %td", rows, cols, size, xs, ys);
    return text;
}

static void test_rows(struct test *t)
{
    const int most = one_in(t, 5) ? 600 : 70;
    const size_t rows = (size_t)pick(t, 0, 12), bytes = (size_t)pick(t, 1, most);
    const ptrdiff_t xs = (ptrdiff_t)bytes + pick(t, 0, 40), ys = (ptrdiff_t)bytes + pick(t, 0, 40);
    const size_t outs = rows * (size_t)ys;
    char *const x = bytes_in(t, rows * (size_t)xs), *const want = new_output(outs),
                *const got = new_output(outs);
    for (size_t i = 0; i < rows * bytes; i++)
        want[i / bytes * (size_t)ys + i % bytes] = x[i / bytes * (size_t)xs + i % bytes];
    for (int i = 0; i < t->levels; i++) {
        reset_output(got, outs);
        t->level[i].k.copy_rows(got, x, rows, bytes, xs, ys);
        check(t, t->level[i].name, got, want, outs, 0, describe(rows, bytes, xs, ys, 1));
    }
}

static void test_transpose(struct test *t)
{
    const int size = 1 << pick(t, 0, 3), few = pick(t, 0, 3);
    const size_t rows = (size_t)pick(t, 1,
                                     few == 1   ? 5
                                     : few == 2 ? 90
                                                : 40),
                 cols = (size_t)pick(t, 1, few == 2 ? 5 : 40);
    const ptrdiff_t xs = ((ptrdiff_t)cols + (one_in(t, 2) ? pick(t, 0, 9) : 0)) * size;
    const ptrdiff_t ys = ((ptrdiff_t)rows + (one_in(t, 2) ? pick(t, 0, 9) : 0)) * size;
    const size_t outs = cols * (size_t)ys;
    char *const x = bytes_in(t, rows * (size_t)xs), *const want = new_output(outs),
                *const got = new_output(outs);
    for (size_t i = 0; i < rows * cols; i++)
        memcpy(want + i % cols * (size_t)ys + i / cols * (size_t)size,
               x + i / cols * (size_t)xs + i % cols * (size_t)size, (size_t)size);
    for (int i = 0; i < t->levels; i++) {
        reset_output(got, outs);
        t->level[i].k.transpose(got, x, rows, cols, xs, ys, size);
        check(t, t->level[i].name, got, want, outs, 0, describe(rows, cols, xs, ys, size));
    }
}

static void test_region(struct test *t)
{
    const int n = pick(t, 1, 40), size = pick(t, 1, 3), from = pick(t, 1, 60), weight = pick(t, 0, 2047);
    struct vn_tap tap[40];
    for (int i = 0; i < n; i++)
        tap[i] = vn_region_tap(i, from, n);
    const size_t outs = (size_t)n * (size_t)size;
    const uint8_t *const above = (uint8_t *)bytes_in(t, (size_t)from * (size_t)size),
                         *const below = (uint8_t *)bytes_in(t, (size_t)from * (size_t)size);
    uint8_t *const want = new_output(outs), *const got = new_output(outs);
    for (size_t i = 0; i < outs; i++) {
        const struct vn_tap x = tap[i / (size_t)size];
        const int c = (int)(i % (size_t)size), a = x.at * size + c, b = (x.at + (x.weight > 0)) * size + c;
        want[i] = vn_region_pixel(above[a], above[b], below[a], below[b], x.weight, weight);
    }
    for (int i = 0; i < t->levels; i++) {
        reset_output(got, outs);
        t->level[i].k.region_u8(got, above, below, tap, n, size, weight);
        check(t, t->level[i].name, got, want, outs, 0, describe(1, (size_t)n, from, weight, size));
    }
}

static void test_strided(struct test *t)
{
    const int size = 1 << pick(t, 0, 3), back = one_in(t, 8);
    const size_t n = (size_t)pick(t, 1, one_in(t, 4) ? 300 : 40);
    const ptrdiff_t step = pick(t, 1, 5) * size, ys = (one_in(t, 3) ? pick(t, 1, 4) : 1) * size;
    const size_t ins = (n - 1) * (size_t)step + (size_t)size, outs = n * (size_t)ys;
    char *const x = bytes_in(t, ins), *const want = new_output(outs), *const got = new_output(outs);
    const char *const from = back ? x + (n - 1) * (size_t)step : x;
    const ptrdiff_t xs = back ? -step : step;
    for (size_t i = 0; i < n; i++)
        memcpy(want + (ptrdiff_t)i * ys, from + (ptrdiff_t)i * xs, (size_t)size);
    for (int i = 0; i < t->levels; i++) {
        reset_output(got, outs);
        t->level[i].k.copy_strided(got, from, n, xs, ys, size);
        check(t, t->level[i].name, got, want, outs, 0, describe(n, 1, xs, ys, size));
    }
}

const struct family copy_families[] = {
    { "copy_rows", test_rows, 600 },
    { "transpose", test_transpose, 1500 },
    { "region_u8", test_region, 600 },
    { "copy_strided", test_strided, 1500 },
    { 0 },
};
