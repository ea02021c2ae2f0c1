#include "tune/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

struct vn_journal {
    struct vn_arena *arena;
    const char *path;
    int fd;
    json_t *records; /* kind -> key -> record */
    pthread_mutex_t lock;
};

static void close_journal(void *p)
{
    struct vn_journal *j = p;
    if (j->fd >= 0)
        close(j->fd);
    json_decref(j->records);
    pthread_mutex_destroy(&j->lock);
}

static int io_failed(const struct vn_journal *j, struct vn_err *e)
{
    return vn_fail(e, VN_E_IO, "%s: cannot write the journal: %s", j->path, strerror(errno));
}

/* ---- reading ---- */

static void keep(struct vn_journal *j, const char *kind, const char *key, json_t *record)
{
    json_t *of = json_object_get(j->records, kind);
    if (!of) {
        of = json_object();
        json_object_set_new(j->records, kind, of);
    }
    json_object_set_new(of, key, record);
}

static int read_line(struct vn_journal *j, const char *line, size_t n, int number, struct vn_err *e)
{
    json_t *o = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
    const char *kind = json_string_value(json_object_get(o, "kind")),
               *key = json_string_value(json_object_get(o, "key"));
    json_t *record = json_object_get(o, "record");
    if (kind && key && json_is_object(record))
        keep(j, kind, key, json_incref(record));
    else
        vn_fail(e, VN_E_INPUT, "%s:%d: damaged record: expected kind, key and record", j->path, number);
    const int good = kind && key && json_is_object(record);
    json_decref(o);
    return good ? VN_OK : VN_E_INPUT;
}

static char *job_line(struct vn_journal *j, const char *job)
{
    json_t *o = json_pack("{s:s}", "job", job);
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    char *line = vn_arena_fmt(j->arena, "%s\n", text ? text : "");
    free(text);
    return line;
}

/* Every whole line; *whole: where the last one ends. 0: nothing was written before the crash. */
static int read_records(struct vn_journal *j, const char *first, size_t *whole, struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    int number = 1;
    *whole = 0;
    TRY(vn_file_map(j->arena, j->path, &data, &bytes, e));
    for (const char *line = (const char *)data, *end; *whole < bytes; line = end + 1, number++) {
        const size_t left = bytes - *whole;
        end = memchr(line, '\n', left);
        if (!end)
            break;
        const size_t n = (size_t)(end - line) + 1;
        if (number == 1 && (n != strlen(first) || memcmp(line, first, n) != 0))
            return vn_fail(e, VN_E_INPUT,
                           "%s: journal of another job: its configuration, model, samples or options differ; "
                           "without --resume it is replaced",
                           j->path);
        if (number > 1)
            TRY(read_line(j, line, n - 1, number, e));
        *whole += n;
    }
    return VN_OK;
}

/* ---- writing ---- */

static int append(struct vn_journal *j, const char *text, size_t n, struct vn_err *e)
{
    while (n) {
        const ssize_t k = write(j->fd, text, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return io_failed(j, e);
        text += k;
        n -= (size_t)k;
    }
    return fsync(j->fd) < 0 ? io_failed(j, e) : VN_OK;
}

static int begin(struct vn_journal *j, const char *first, size_t whole, struct vn_err *e)
{
    j->fd = open(j->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (j->fd < 0 || ftruncate(j->fd, (off_t)whole) < 0)
        return io_failed(j, e);
    return whole ? VN_OK : append(j, first, strlen(first), e);
}

int vn_journal_open(struct vn_journal **out, struct vn_arena *a, const char *path, const char *job,
                    int resume, struct vn_err *e)
{
    struct vn_journal *j = *out = NEW(a, struct vn_journal);
    size_t whole = 0;
    *j = (struct vn_journal){ .arena = a, .path = path, .fd = -1, .records = json_object() };
    pthread_mutex_init(&j->lock, NULL);
    vn_arena_defer(a, close_journal, j);
    const char *first = job_line(j, job);
    if (resume && vn_file_exists(path))
        TRY(read_records(j, first, &whole, e));
    return begin(j, first, whole, e);
}

const json_t *vn_journal_find(const struct vn_journal *j, const char *kind, const char *key)
{
    return json_object_get(json_object_get(j->records, kind), key);
}

/* 17 digits: what is read again is the same number. */
static int write_record(struct vn_journal *j, const char *kind, const char *key, json_t *record,
                        struct vn_err *e)
{
    json_t *o = json_pack("{s:s, s:s, s:O}", "kind", kind, "key", key, "record", record);
    char *text = o ? json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(o);
    if (!text)
        return vn_fail(e, VN_E_NOMEM, "out of memory");
    const size_t n = strlen(text);
    text[n] = '\n'; /* in place of the end: append takes a length */
    const int status = append(j, text, n + 1, e);
    free(text);
    return status;
}

int vn_journal_add(struct vn_journal *j, const char *kind, const char *key, json_t *record, struct vn_err *e)
{
    pthread_mutex_lock(&j->lock);
    const int status = write_record(j, kind, key, record, e);
    keep(j, kind, key, record);
    pthread_mutex_unlock(&j->lock);
    return status;
}
