/* image/: the rules of the picture pipeline. With arguments it is the tool that test_image.py compares with
 * Pillow:
 *
 *     test_image OUT.raw PICTURE [STEPS]     decode, run the steps, write H x W x 3 bytes; print "W H", then
 *                                            where they come from: six numbers, and the size of the picture
 * as shown */
#include "base/file.h"
#include "image/image.h"
#include "kernels/image/image_kernels.h"
#include "unit.h"

static int tool(int argc, char **argv)
{
    struct vn_arena *a = vn_arena_new();
    struct vn_err e = { 0 };
    struct vn_frame out;
    struct vn_pipeline *p;
    int r = vn_pipeline_parse(&p, a, argc > 3 ? argv[3] : "", &e);
    if (r == VN_OK)
        r = vn_pipeline_pixels(&out, a, p, argv[2], &e);
    if (r == VN_OK)
        r = vn_file_write(argv[1], out.p.data, vn_picture_values(&out.p), &e);
    const struct vn_origin *o = &out.from;
    if (r == VN_OK)
        printf("%d %d\n%.17g %.17g %.17g %.17g %.17g %.17g %d %d\n", out.p.w, out.p.h, o->m[0], o->m[1],
               o->m[2], o->m[3], o->m[4], o->m[5], o->w, o->h);
    else
        fprintf(stderr, "%s\n", e.msg);
    vn_arena_free(&a);
    return r == VN_OK ? 0 : 3;
}

static struct vn_picture picture(struct vn_arena *a, int w, int h, int flat)
{
    struct vn_picture p = { .w = w, .h = h, .c = 3, .data = vn_arena_alloc(a, (size_t)w * h * 3) };
    for (int i = 0; i < w * h * 3; i++)
        p.data[i] = flat >= 0 ? (uint8_t)flat : (uint8_t)unit_random();
    return p;
}

static struct vn_picture run(struct vn_arena *a, const char *steps, const struct vn_picture *in)
{
    struct vn_err e;
    struct vn_pipeline *p;
    struct vn_picture out;
    OK(vn_pipeline_parse(&p, a, steps, &e));
    OK(vn_pipeline_run(&out, a, p, in, &e));
    return out;
}

static void sizes_follow_torchvision(void **state)
{
    (void)state;
    struct vn_arena *a = vn_arena_new();
    for (int round = 0; round < 300; round++) {
        const int w = unit_pick(1, 90), h = unit_pick(1, 90), s = unit_pick(1, 64);
        const struct vn_picture in = picture(a, w, h, -1),
                                out = run(a, vn_arena_fmt(a, "short_side %d", s), &in);
        const int want_w = w <= h ? s : (int)((double)s * w / h),
                  want_h = w <= h ? (int)((double)s * h / w) : s;
        assert_true(out.w == want_w && out.h == want_h);
        const int c = unit_pick(1, w < h ? w : h);
        const struct vn_picture crop = run(a, vn_arena_fmt(a, "center_crop %d", c), &in);
        const int x = (int)nearbyint((w - c) / 2.0), y = (int)nearbyint((h - c) / 2.0);
        assert_true(crop.w == c && crop.h == c);
        for (int i = 0; i < c; i++)
            assert_memory_equal(crop.data + (size_t)i * c * 3, in.data + ((size_t)(y + i) * w + x) * 3,
                                (size_t)c * 3);
    }
    vn_arena_free(&a);
}

static void resize_keeps_flat_pictures_and_equal_sizes(void **state)
{
    (void)state;
    struct vn_arena *a = vn_arena_new();
    for (int level = 0; level < 256; level += 15) {
        const struct vn_picture in = picture(a, unit_pick(1, 50), unit_pick(1, 50), level);
        const struct vn_picture out =
            run(a, vn_arena_fmt(a, "resize %d %d", unit_pick(1, 80), unit_pick(1, 80)), &in);
        for (int i = 0; i < out.w * out.h * 3; i++)
            assert_int_equal(out.data[i], level);
    }
    const struct vn_picture in = picture(a, 17, 9, -1), out = run(a, "resize 17 9", &in);
    assert_memory_equal(in.data, out.data, 17 * 9 * 3);
    vn_arena_free(&a);
}

static void wrong_steps_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "rotate 90",    "resize 0 4",     "resize 4 5 6",  "short_side",
                                       "short_side x", "center_crop -1", "resize 99999 1" };
    struct vn_arena *a = vn_arena_new();
    struct vn_err e;
    struct vn_pipeline *p;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_true(vn_pipeline_parse(&p, a, bad[i], &e) < 0);
    const struct vn_picture in = picture(a, 10, 10, 0);
    struct vn_picture out;
    OK(vn_pipeline_parse(&p, a, "center_crop 11", &e));
    assert_true(vn_pipeline_run(&out, a, p, &in, &e) < 0);
    vn_arena_free(&a);
}

/* To video-range or full-range YUV and back by the preprocess node's formula: within the rounding of 8 bits.
 */
static void colours_come_back(void **state)
{
    (void)state;
    for (int round = 0; round < 5000; round++) {
        const int video = round % 2;
        const struct vn_pixel_format f = {
            .train = VN_IN_RGB, .rt = VN_IN_YUV444, .video_range = video, .w = 1, .h = 1
        };
        uint8_t rgb[3], yuv[3];
        for (int c = 0; c < 3; c++)
            rgb[c] = (uint8_t)unit_random();
        vn_pixels_runtime(yuv, rgb, &f);
        const double y = video ? 255.0 / 219 * (yuv[0] - 16) : yuv[0], u = yuv[1] - 128, v = yuv[2] - 128;
        const double back[3] = { y + (video ? 1.596 : 1.402) * v,
                                 y - (video ? 0.392 * u + 0.813 * v : 0.344136 * u + 0.714136 * v),
                                 y + (video ? 2.017 : 1.772) * u };
        for (int c = 0; c < 3; c++)
            assert_true(fabs(back[c] - rgb[c]) <= 2.0);
    }
}

/* The mask chooses the inner loops; every choice gives the same bytes. */
static void cpu_mask_changes_no_byte(void **state)
{
    (void)state;
    struct vn_arena *a = vn_arena_new();
    const struct vn_picture in = picture(a, 91, 77, -1);
    assert_int_equal(vn_image_kernels_for(0)->cpu, 0);
    assert_int_equal(vn_image_kernels_for(VN_CPU_NEON)->cpu, 0);
    vn_image_cpu(0);
    assert_ptr_equal(vn_image_kernels_chosen(), vn_image_kernels_for(0));
    const struct vn_picture plain = run(a, "resize 40 33; short_side 50", &in);
    vn_image_cpu(~0u);
    assert_ptr_equal(vn_image_kernels_chosen(), vn_image_kernels_for(vn_cpu_detect()));
    const struct vn_picture fast = run(a, "resize 40 33; short_side 50", &in);
    assert_memory_equal(plain.data, fast.data, vn_picture_values(&plain));
    vn_arena_free(&a);
}

int main(int argc, char **argv)
{
    if (argc > 2)
        return tool(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_follow_torchvision),
        cmocka_unit_test(resize_keeps_flat_pictures_and_equal_sizes),
        cmocka_unit_test(wrong_steps_are_refused),
        cmocka_unit_test(colours_come_back),
        cmocka_unit_test(cpu_mask_changes_no_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
