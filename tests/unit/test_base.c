/* base/: memory, maps, files, thread pool. */
#include <pthread.h>
#include <sys/stat.h>

#include "base/escape.h"
#include "base/file.h"
#include "base/listen.h"
#include "base/pool.h"
#include "base/random.h"
#include "base/share.h"
#include "unit.h"

/* ---- text that may be printed ---- */

static void text_of_files_is_escaped(void **state)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        { "conv_1", "conv_1" },
        { "a\tb\nc", "a\\x09b\\x0ac" },
        { "\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07" },
        { "\x7f", "\\x7f" },
        { "\xc2\x9b"
          "31m",
          "\\xc2\\x9b31m" }, /* CSI as one character */
        { "\x9b"
          "31m",
          "\\x9b31m" }, /* and as one byte */
        { "gr\xc3\xbc\xc3\x9f \xe5\xb1\xa4 \xf0\x9f\x98\x80",
          "gr\xc3\xbc\xc3\x9f \xe5\xb1\xa4 \xf0\x9f\x98\x80" },
        { "\xc0\xaf \xed\xa0\x80 \xc3",
          "\\xc0\\xaf \\xed\\xa0\\x80 \\xc3" }, /* too long, a surrogate, cut off */
    };
    char out[128];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(vn_escape(out, sizeof out, cases[i].text), cases[i].shown);
    assert_string_equal(vn_escape(out, 8,
                                  "abc\x1b"
                                  "def"),
                        "abc\\x1b"); /* no part of what does not fit */
    assert_string_equal(vn_escape(out, 7,
                                  "abc\x1b"
                                  "def"),
                        "abc");
    struct vn_err e;
    vn_fail(&e, VN_E_INPUT, "node %s", "\x1b[31m");
    assert_string_equal(e.msg, "node \\x1b[31m");
}

/* ---- arena ---- */

static void arena_gives_zeroed_aligned_memory(void **state)
{
    (void)state;
    struct vn_arena *a = vn_arena_new();
    unsigned char *last = NULL;
    for (int i = 0; i < 2000; i++) {
        const size_t n = (size_t)unit_pick(0, i % 50 ? 500 : 300000);
        unsigned char *p = vn_arena_alloc(a, n);
        assert_int_equal((uintptr_t)p % 64, 0);
        for (size_t k = 0; k < n; k++)
            assert_int_equal(p[k], 0);
        memset(p, 0xa5, n);
        assert_true(!last || last[0] == 0xa5); /* the former block is untouched */
        last = n ? p : NULL;
    }
    vn_arena_free(&a);
    assert_null(a);
    vn_arena_free(&a); /* NULL is fine */
}

static int order[3], orders;
static void note(void *p) { order[orders++] = *(int *)p; }

static void arena_runs_deferred_last_first(void **state)
{
    (void)state;
    static int one = 1, two = 2, three = 3;
    struct vn_arena *a = vn_arena_new();
    orders = 0;
    vn_arena_defer(a, note, &one);
    vn_arena_defer(a, note, &two);
    vn_arena_defer(a, note, &three);
    vn_arena_free(&a);
    assert_int_equal(orders, 3);
    assert_true(order[0] == 3 && order[1] == 2 && order[2] == 1);
}

static void arena_text(void **state)
{
    (void)state;
    struct vn_arena *a = vn_arena_new();
    assert_string_equal(vn_arena_str(a, "abc"), "abc");
    assert_string_equal(vn_arena_strn(a, "abcdef", 2), "ab");
    assert_string_equal(vn_arena_fmt(a, "%s-%d", "x", 42), "x-42");
    char *big = vn_arena_alloc(a, 100001);
    memset(big, 'y', 100000);
    assert_int_equal(strlen(vn_arena_fmt(a, "%s!", big)), 100001);
    assert_memory_equal(vn_arena_copy(a, "1234", 5), "1234", 5);
    vn_arena_free(&a);
}

static int freed;
static void count_freed(void *p)
{
    (void)p;
    freed++;
}

static void *free_elsewhere(void *p)
{
    struct vn_arena *a = p, *own = vn_arena_new();
    vn_arena_free(&a);
    vn_arena_free(&own);
    return NULL;
}

/* No guard frees a detached arena, and any thread may. */
static void a_detached_arena_is_its_owner_s(void **state)
{
    (void)state;
    struct vn_oom guard;
    struct vn_arena *volatile kept = NULL;
    freed = 0;
    if (VN_OOM_GUARD(&guard)) {
        vn_oom_leave(&guard);
        assert_int_equal(freed, 1);
        assert_memory_equal(vn_arena_str(kept, "still here"), "still here", 11);
        pthread_t id;
        assert_int_equal(pthread_create(&id, NULL, free_elsewhere, kept), 0);
        pthread_join(id, NULL);
        assert_int_equal(freed, 2);
        return;
    }
    struct vn_arena *a = vn_arena_new(), *b = vn_arena_new();
    vn_arena_defer(a, count_freed, NULL);
    vn_arena_defer(b, count_freed, NULL);
    vn_arena_detach(a);
    vn_arena_detach(a);
    kept = a;
    vn_arena_array(b, SIZE_MAX / 8, 16); /* overflows */
    fail();
}

static void arena_out_of_memory_jumps_to_the_guard(void **state)
{
    (void)state;
    struct vn_oom g;
    volatile int caught = 0;
    if (VN_OOM_GUARD(&g))
        caught = 1;
    else {
        struct vn_arena *a = vn_arena_new();
        vn_arena_array(a, SIZE_MAX / 8, 16); /* overflows */
        fail();
    }
    vn_oom_leave(&g);
    assert_int_equal(caught, 1);
}

static int allocate_for_ever(void *ctx, int worker, int part, struct vn_err *e)
{
    (void)worker, (void)e;
    for (struct vn_arena *a = vn_arena_new();;) {
        vn_arena_alloc(a, 1);
        if (part == 1)
            __atomic_store_n((volatile int *)ctx, 1, __ATOMIC_RELAXED);
    }
    return VN_OK;
}

static void a_cancelled_thread_leaves_its_work(void **state)
{
    (void)state;
    volatile int stop = 0;
    struct vn_err e;
    vn_cancel_on(&stop);
    assert_int_equal(vn_share(4, 2, allocate_for_ever, (void *)(uintptr_t)&stop, &e), VN_E_CANCELLED);
    assert_string_equal(e.msg, "cancelled");
    vn_cancel_on(NULL);
}

/* ---- vector, map ---- */

static void vec_grows(void **state)
{
    (void)state;
    struct vn_arena *a = vn_arena_new();
    VEC(int) v = { 0 };
    for (int i = 0; i < 10000; i++)
        VEC_PUSH(a, &v, i * 3);
    assert_int_equal(v.n, 10000);
    for (int i = 0; i < v.n; i++)
        assert_int_equal(v.v[i], i * 3);
    vn_arena_free(&a);
}

static void map_finds_what_was_set(void **state)
{
    (void)state;
    struct vn_arena *a = vn_arena_new();
    struct vn_map *m = vn_map_new(a);
    assert_null(vn_map_get(m, "nothing"));
    static int values[5000];
    for (int i = 0; i < 5000; i++)
        vn_map_set(m, vn_arena_fmt(a, "key/%d", i), &values[i]);
    for (int i = 0; i < 5000; i++)
        assert_ptr_equal(vn_map_get(m, vn_arena_fmt(a, "key/%d", i)), &values[i]);
    assert_null(vn_map_get(m, "key/5000"));
    assert_null(vn_map_get(m, ""));
    vn_map_set(m, "key/7", &values[8]); /* replaces */
    assert_ptr_equal(vn_map_get(m, "key/7"), &values[8]);
    vn_arena_free(&a);
}

/* ---- files ---- */

static int entries(struct vn_arena *a, const char *dir)
{
    const char **names;
    int n;
    struct vn_err e;
    OK(vn_dir_list(a, dir, &names, &n, &e));
    return n;
}

static void write_is_whole_or_nothing(void **state)
{
    (void)state;
    struct vn_arena *a = vn_arena_new();
    struct vn_err e;
    const char *dir = unit_folder(a), *path = vn_path_join(a, dir, "f");
    const uint8_t *data;
    size_t bytes;
    OK(vn_file_write(path, "old", 3, &e));

    struct vn_arena *b = vn_arena_new(); /* abandoned: the old file stays, nothing is left behind */
    struct vn_file_out *out;
    OK(vn_file_create(&out, b, path, &e));
    OK(vn_file_put(out, "newer", 5, &e));
    OK(vn_file_map(a, path, &data, &bytes, &e));
    assert_int_equal(bytes, 3);
    assert_memory_equal(data, "old", 3);
    vn_arena_free(&b);
    assert_int_equal(entries(a, dir), 1);

    b = vn_arena_new(); /* committed */
    OK(vn_file_create(&out, b, path, &e));
    OK(vn_file_put(out, "ne", 2, &e));
    OK(vn_file_put(out, "wer", 3, &e));
    OK(vn_file_commit(out, &e));
    vn_arena_free(&b);
    OK(vn_file_map(a, path, &data, &bytes, &e));
    assert_int_equal(bytes, 5);
    assert_memory_equal(data, "newer", 5);
    assert_int_equal(entries(a, dir), 1);

    assert_true(vn_file_write(vn_path_join(a, dir, "no/such/folder"), "x", 1, &e) < 0);
    assert_non_null(strstr(e.msg, "no/such/folder"));
    unlink(path);
    rmdir(dir);
    vn_arena_free(&a);
}

static void map_of_odd_files(void **state)
{
    (void)state;
    struct vn_arena *a = vn_arena_new();
    struct vn_err e;
    const uint8_t *data;
    size_t bytes = 1;
    const char *dir = unit_folder(a), *path = vn_path_join(a, dir, "empty");
    OK(vn_file_write(path, "", 0, &e));
    OK(vn_file_map(a, path, &data, &bytes, &e));
    assert_int_equal(bytes, 0);
    assert_non_null(data);
    assert_true(vn_file_map(a, dir, &data, &bytes, &e) < 0); /* a folder */
    assert_true(vn_file_map(a, vn_path_join(a, dir, "absent"), &data, &bytes, &e) < 0);
    assert_non_null(strstr(e.msg, "absent"));
    unlink(path);
    rmdir(dir);
    vn_arena_free(&a);
}

static void lines_of_a_text_file(void **state)
{
    (void)state;
    struct vn_arena *a = vn_arena_new();
    struct vn_err e;
    const char *dir = unit_folder(a), *path = vn_path_join(a, dir, "lines");
    static const char *const texts[] = { "", "\n", "a b\r\n\r\nc", "a\nb\n" };
    static const char *const want[][4] = { { 0 }, { "" }, { "a b", "", "c" }, { "a", "b" } };
    char **lines;
    int n;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        OK(vn_file_write(path, texts[i], strlen(texts[i]), &e));
        OK(vn_file_lines(a, path, &lines, &n, &e));
        for (int k = 0; k < n; k++)
            assert_string_equal(lines[k], want[i][k]);
        assert_null(want[i][n]);
        assert_null(lines[n]);
    }
    OK(vn_file_write(path, "a\0b", 3, &e));
    assert_int_equal(vn_file_lines(a, path, &lines, &n, &e), VN_E_INPUT);
    assert_non_null(strstr(e.msg, "not a text file"));
    unlink(path);
    rmdir(dir);
    vn_arena_free(&a);
}

static void list_is_sorted(void **state)
{
    (void)state;
    static const char *const made[] = { "b.txt", "a10", "a2", "B", ".hidden" }, *const want[] = { "B", "a10",
                                                                                                  "a2",
                                                                                                  "b.txt" };
    struct vn_arena *a = vn_arena_new();
    struct vn_err e;
    const char *dir = unit_folder(a), **names;
    int n;
    for (int i = 0; i < 5; i++)
        OK(vn_file_write(vn_path_join(a, dir, made[i]), "", 0, &e));
    OK(vn_dir_make(vn_path_join(a, dir, "deep/er"), &e));
    OK(vn_dir_make(vn_path_join(a, dir, "deep/er"), &e)); /* again */
    OK(vn_dir_list(a, dir, &names, &n, &e));
    assert_int_equal(n, 4);
    for (int i = 0; i < 4; i++)
        assert_string_equal(names[i], want[i]);
    OK(vn_dir_folders(a, dir, &names, &n, &e));
    assert_int_equal(n, 1);
    assert_string_equal(names[0], "deep");
    for (int i = 0; i < 5; i++)
        unlink(vn_path_join(a, dir, made[i]));
    rmdir(vn_path_join(a, dir, "deep/er"));
    rmdir(vn_path_join(a, dir, "deep"));
    rmdir(dir);
    vn_arena_free(&a);
}

static void paths(void **state)
{
    (void)state;
    struct vn_arena *a = vn_arena_new();
    assert_string_equal(vn_path_join(a, "x", "y"), "x/y");
    assert_string_equal(vn_path_join(a, "x", "/y"), "/y");
    assert_string_equal(vn_path_join(a, ".", "./y"), "./y");
    assert_string_equal(vn_path_folder(a, "x/y/z.txt"), "x/y");
    assert_string_equal(vn_path_folder(a, "z.txt"), ".");
    assert_string_equal(vn_path_base("x/y/z.txt"), "z.txt");
    assert_string_equal(vn_path_stem(a, "x.d/z.tar.gz"), "z.tar");
    assert_true(vn_path_has_suffix("a/B.PNG", ".png"));
    assert_false(vn_path_has_suffix("png", ".png"));
    vn_arena_free(&a);
}

/* ---- pool ---- */

struct counts {
    int done[4000];
};
static void count_part(void *ctx, int i)
{
    __atomic_fetch_add(&((struct counts *)ctx)->done[i], 1, __ATOMIC_RELAXED);
}

static void pool_runs_every_part_once(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 8; threads++) {
        void *mem = aligned_alloc(64, (vn_pool_bytes(threads) + 63) / 64 * 64);
        struct vn_pool_threads *p = vn_pool_start(mem, threads);
        assert_int_equal(vn_pool_size(p), threads);
        for (int round = 0; round < 50; round++) {
            struct counts c = { 0 };
            const int parts = unit_pick(0, 4000);
            vn_pool_run(p, parts, count_part, &c);
            for (int i = 0; i < 4000; i++)
                assert_int_equal(c.done[i], i < parts);
        }
        vn_pool_stop(p);
        free(mem);
    }
}

/* ---- share ---- */

struct shared {
    int fails_at[2]; /* parts that fail */
    int runs_out; /* a part for which memory runs out */
    struct vn_arena *arena[4]; /* of each worker */
    char busy[4];
    int *ran;
};

static int share_part(void *ctx, int worker, int part, struct vn_err *e)
{
    struct shared *s = ctx;
    struct vn_arena *a = vn_arena_new();
    s->ran[part] -= s->busy[worker]++; /* a clash shows as another number than 1 */
    for (int i = 0; i < 50; i++)
        memset(vn_arena_alloc(i % 2 ? a : s->arena[worker], 5000), part, 5000);
    s->ran[part]++;
    s->busy[worker]--;
    if (part == s->runs_out)
        vn_arena_alloc(a, SIZE_MAX);
    vn_arena_free(&a);
    return part == s->fails_at[0] || part == s->fails_at[1] ? vn_fail(e, VN_E_INPUT, "part %d", part) : VN_OK;
}

static int share(struct shared *s, int threads, int *ran, struct vn_err *e)
{
    for (int i = 0; i < 4; i++)
        s->arena[i] = vn_arena_new();
    memset(ran, 0, 200 * sizeof *ran);
    s->ran = ran;
    const int status = vn_share(200, threads, share_part, s, e);
    for (int i = 0; i < 4; i++)
        vn_arena_free(&s->arena[i]);
    return status;
}

static void share_gives_the_first_error(void **state)
{
    (void)state;
    int ran[200];
    struct vn_err e = { 0 };
    for (int threads = 1; threads <= 4; threads++) {
        struct shared s = { .fails_at = { -1, -1 }, .runs_out = -1 };
        assert_int_equal(share(&s, threads, ran, &e), VN_OK);
        for (int i = 0; i < 200; i++)
            assert_int_equal(ran[i], 1);
        s.fails_at[0] = 121;
        s.fails_at[1] = 120;
        assert_int_equal(share(&s, threads, ran, &e), VN_E_INPUT);
        assert_string_equal(e.msg, "part 120");
        for (int i = 0; i <= 120; i++)
            assert_int_equal(ran[i], 1);
        assert_true(threads > 1 || !ran[121]); /* others may have gone on while this part ran */
    }
}

static void share_takes_want_of_memory_for_an_error(void **state)
{
    (void)state;
    int ran[200];
    struct vn_err e = { 0 };
    for (int threads = 1; threads <= 4; threads += 3) {
        struct shared s = { .fails_at = { 150, -1 }, .runs_out = 70 };
        assert_int_equal(share(&s, threads, ran, &e), VN_E_NOMEM);
        assert_string_equal(e.msg, "out of memory");
    }
}

static void random_numbers_can_be_skipped(void **state)
{
    (void)state;
    uint64_t walked = 42, left = vn_random_after(42, 1000);
    for (int i = 0; i < 1000; i++)
        vn_random(&walked);
    assert_true(vn_random(&walked) == vn_random(&left));
}

/* ---- listener ---- */

static void hear_log(void *user, enum vn_log_level level, const char *line)
{
    snprintf(user, 64, "%d %s", level, line);
}

static void hear_progress(void *user, const char *what, int done, int all)
{
    snprintf(user, 64, "%s %d/%d", what, done, all);
}

static void hear_problem(void *user, const struct vn_err *problem)
{
    snprintf(user, 64, "%d: %.50s", problem->code, problem->msg);
}

static void a_listener_hears_what_it_has_functions_for(void **state)
{
    (void)state;
    char heard[64] = "";
    const struct vn_err wrong = { .code = VN_E_INPUT, .msg = "w: wrong" };
    const struct vn_listener all = { hear_log, hear_progress, hear_problem, heard }, deaf = { .user = heard };
    const struct vn_listener *const silent[] = { NULL, &deaf };
    for (int i = 0; i < 2; i++) {
        vn_say(silent[i], VN_LOG_ERROR, "%s", "nothing");
        vn_progress(silent[i], "nothing", 1, 2);
        vn_problem(silent[i], &wrong);
        assert_string_equal(heard, "");
    }
    vn_say(&all, VN_LOG_WARNING, "%d of %s", 3, "them");
    assert_string_equal(heard, "2 3 of them");
    vn_progress(&all, "calibration", 1, 2);
    assert_string_equal(heard, "calibration 1/2");
    vn_problem(&all, &wrong);
    assert_string_equal(heard, "-2: w: wrong");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_of_files_is_escaped),
        cmocka_unit_test(arena_gives_zeroed_aligned_memory),
        cmocka_unit_test(arena_runs_deferred_last_first),
        cmocka_unit_test(arena_text),
        cmocka_unit_test(a_detached_arena_is_its_owner_s),
        cmocka_unit_test(arena_out_of_memory_jumps_to_the_guard),
        cmocka_unit_test(a_cancelled_thread_leaves_its_work),
        cmocka_unit_test(vec_grows),
        cmocka_unit_test(map_finds_what_was_set),
        cmocka_unit_test(write_is_whole_or_nothing),
        cmocka_unit_test(map_of_odd_files),
        cmocka_unit_test(lines_of_a_text_file),
        cmocka_unit_test(list_is_sorted),
        cmocka_unit_test(paths),
        cmocka_unit_test(pool_runs_every_part_once),
        cmocka_unit_test(share_gives_the_first_error),
        cmocka_unit_test(share_takes_want_of_memory_for_an_error),
        cmocka_unit_test(random_numbers_can_be_skipped),
        cmocka_unit_test(a_listener_hears_what_it_has_functions_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
