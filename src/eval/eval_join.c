/* Files of results by sample, each of a part, as one. A sample's line is its record: index, then numbers. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "eval/eval_run.h"

#define HEAD_BYTES (strlen(EVAL_STATE) + 17) /* sixteen digits, and the line's end */

struct line {
    struct sample_record record;
    int number;
};

static int read_numbers(struct line *l, struct vn_arena *a, const char *text)
{
    char *end;
    VEC(double) v = { 0 };
    l->record.sample = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || (*end && *end != ' '))
        return 0;
    while (*end) {
        const char *from = end;
        const double x = strtod(from, &end);
        if (end == from || (*end && *end != ' '))
            return 0;
        VEC_PUSH(a, &v, x);
    }
    l->record.n = v.n;
    l->record.v = v.v;
    return 1;
}

static int by_sample(const void *x, const void *y)
{
    const struct line *a = x, *b = y;
    return a->record.sample != b->record.sample ? (a->record.sample < b->record.sample ? -1 : 1)
                                                : a->number - b->number;
}

/* The last line of a sample counts: one before it is of a file that has changed since. */
static void add_records(struct vn_result *r, struct vn_arena *a, struct line *v, int n)
{
    struct sample_records *to = vn_result_entry(r, RESULT_records, "samples");
    if (n)
        qsort(v, (size_t)n, sizeof *v, by_sample);
    for (int i = 0; i < n; i++)
        if (i + 1 == n || v[i + 1].record.sample != v[i].record.sample)
            vn_sample_records_add(to, a, v[i].record.sample, v[i].record.n, v[i].record.v);
}

/* A last line that was not written to its end is dropped. */
static int read_lines(struct vn_result *r, struct vn_arena *a, const char *path, const char *text,
                      struct vn_err *e)
{
    struct line l = { .number = 2 };
    VEC(struct line) all = { 0 };
    for (const char *end; (end = strchr(text, '\n')); text = end + 1, l.number++) {
        if (!read_numbers(&l, a, vn_arena_strn(a, text, (size_t)(end - text))))
            return vn_fail(e, VN_E_INPUT, "%s:%d: damaged: expected the result of a sample", path, l.number);
        VEC_PUSH(a, &all, l);
    }
    add_records(r, a, all.v, all.n);
    return VN_OK;
}

static int read_part(struct vn_result **out, struct vn_arena *a, const char *path, struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    char *end;
    TRY(vn_file_map(a, path, &data, &bytes, e));
    const char *text = vn_arena_strn(a, (const char *)data, bytes);
    if (strlen(text) != bytes || strncmp(text, EVAL_STATE, strlen(EVAL_STATE)) || bytes < HEAD_BYTES)
        return vn_fail(e, VN_E_INPUT, "%s: not a file of an evaluation's results", path);
    const uint64_t hash = strtoull(text + strlen(EVAL_STATE), &end, 16);
    if (end != text + HEAD_BYTES - 1 || *end != '\n')
        return vn_fail(e, VN_E_INPUT, "%s:1: damaged: expected 16 digits", path);
    *out = vn_result_new(a, "evaluation");
    vn_result_set_name(*out, path);
    vn_result_belongs(*out, "set of models, samples, labels and settings", hash);
    return read_lines(*out, a, path, end + 1, e);
}

static int put_numbers(struct vn_file_out *f, struct vn_arena *a, const struct sample_record *x,
                       struct vn_err *e)
{
    const char *text = vn_arena_fmt(a, "%llu", (unsigned long long)x->sample);
    TRY(vn_file_put(f, text, strlen(text), e));
    for (int i = 0; i < x->n; i++) {
        char number[40];
        const int n = snprintf(number, sizeof number, " %.17g", x->v[i]);
        TRY(vn_file_put(f, number, (size_t)n, e));
    }
    return vn_file_put(f, "\n", 1, e);
}

static int write_joined(const char *path, struct vn_arena *a, const char *head, const struct vn_result *r,
                        struct vn_err *e)
{
    struct vn_file_out *f;
    const struct sample_records *s = vn_result_find(r, RESULT_records, "samples");
    TRY(vn_file_create(&f, a, path, e));
    TRY(vn_file_put(f, head, HEAD_BYTES, e));
    for (int i = 0; i < s->all.n; i++)
        TRY(put_numbers(f, a, &s->all.v[i], e));
    return vn_file_commit(f, e);
}

static int join(const char *path, struct vn_arena *a, int n, const char *const *parts, struct vn_err *e)
{
    const uint8_t *head;
    size_t bytes;
    struct vn_result *all, *part;
    if (n < 1)
        return vn_fail(e, VN_E_USAGE, "%s: expected files of parts to join, got none", path);
    TRY(read_part(&all, a, parts[0], e));
    TRY(vn_file_map(a, parts[0], &head, &bytes, e));
    for (int i = 1; i < n; i++) {
        TRY(read_part(&part, a, parts[i], e));
        TRY(vn_result_merge(all, part, e));
    }
    return write_joined(path, a, (const char *)head, all, e);
}

/* not used in src: vn_evaluate_join: a job is divided by who uses the library, and by tests */
int vn_evaluate_join(const char *path, int n, const char *const *parts, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    const int status = join(path, a, n, parts, e);
    vn_arena_free(&a);
    return status;
}
