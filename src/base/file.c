#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The error code for errno. */
static int trouble(void) { return errno == ENOMEM ? VN_E_NOMEM : errno == ENOENT ? VN_E_INPUT : VN_E_IO; }

struct mapping {
    void *p;
    size_t bytes;
};

static void unmap(void *p)
{
    const struct mapping *m = p;
    munmap(m->p, m->bytes);
}

#ifndef MAP_POPULATE
#define MAP_POPULATE 0
#endif
#define TINY_FILE ((size_t)64 << 10) /* read: that costs less than a mapping */
#define SMALL_FILE ((size_t)16 << 20) /* all its pages at once: faults cost more than reading it */

static int read_all(uint8_t *to, size_t bytes, int fd)
{
    while (bytes) {
        const ssize_t n = read(fd, to, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return 0;
        to += n;
        bytes -= (size_t)n;
    }
    return 1;
}

/* *data: of *bytes. */
static int read_fd(struct vn_arena *a, int fd, const char *path, const uint8_t **data, size_t bytes,
                   struct vn_err *e)
{
    uint8_t *to = vn_arena_alloc(a, bytes ? bytes : 1);
    *data = to;
    return read_all(to, bytes, fd) ? VN_OK : vn_fail(e, VN_E_IO, "%s: cannot read it to its end", path);
}

static int map_fd(struct vn_arena *a, int fd, const char *path, const uint8_t **data, size_t *bytes,
                  struct vn_err *e)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return vn_fail(e, VN_E_IO, "%s: cannot read: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return vn_fail(e, VN_E_INPUT, "%s: not a regular file", path);
    *bytes = (size_t)st.st_size;
    if (*bytes <= TINY_FILE)
        return read_fd(a, fd, path, data, *bytes, e);
    struct mapping *m = NEW(a, struct mapping);
    const int now = *bytes <= SMALL_FILE ? MAP_POPULATE : 0;
    void *p = mmap(NULL, *bytes, PROT_READ, MAP_PRIVATE | now, fd, 0);
    if (p == MAP_FAILED)
        return vn_fail(e, VN_E_IO, "%s: cannot map: %s", path, strerror(errno));
    *m = (struct mapping){ p, *bytes };
    vn_arena_defer(a, unmap, m);
    *data = p;
    return VN_OK;
}

void vn_file_forget(const uint8_t *data, size_t bytes)
{
    if (bytes > TINY_FILE)
        madvise((void *)(uintptr_t)data, bytes, MADV_DONTNEED);
}

int vn_file_map(struct vn_arena *a, const char *path, const uint8_t **data, size_t *bytes, struct vn_err *e)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return vn_fail(e, trouble(), "%s: cannot open: %s", path, strerror(errno));
    const int r = map_fd(a, fd, path, data, bytes, e);
    close(fd);
    return r;
}

int vn_file_lines(struct vn_arena *a, const char *path, char ***lines, int *n, struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    VEC(char *) all = { 0 };
    TRY(vn_file_map(a, path, &data, &bytes, e));
    char *const text = vn_arena_strn(a, (const char *)data, bytes), *const stop = text + strlen(text);
    if (bytes >= INT_MAX || text + bytes != stop)
        return vn_fail(e, VN_E_INPUT, "%s: not a text file", path);
    for (char *line = text; line < stop;) {
        const size_t length = strcspn(line, "\n");
        char *const end = line + length;
        *end = 0;
        if (length && end[-1] == '\r')
            end[-1] = 0;
        VEC_PUSH(a, &all, line);
        line = end + 1;
    }
    *n = all.n;
    VEC_PUSH(a, &all, NULL);
    *lines = all.v;
    return VN_OK;
}

struct vn_file_out {
    FILE *f;
    char *temp;
    const char *path;
};

static void abandon(void *p)
{
    struct vn_file_out *out = p;
    if (!out->f)
        return;
    fclose(out->f);
    unlink(out->temp);
}

int vn_file_create(struct vn_file_out **out, struct vn_arena *a, const char *path, struct vn_err *e)
{
    struct vn_file_out *o = NEW(a, struct vn_file_out);
    o->path = vn_arena_str(a, path);
    o->temp = vn_arena_fmt(a, "%s.XXXXXX", path);
    vn_arena_defer(a, abandon, o);
    const int fd = mkstemp(o->temp);
    if (fd < 0)
        return vn_fail(e, VN_E_IO, "%s: cannot write: %s", path, strerror(errno));
    const mode_t mask = umask(0);
    umask(mask);
    fchmod(fd, 0666 & ~mask);
    o->f = fdopen(fd, "wb");
    if (!o->f) {
        const int why = errno;
        close(fd);
        unlink(o->temp);
        return vn_fail(e, why == ENOMEM ? VN_E_NOMEM : VN_E_IO, "%s: cannot write: %s", path, strerror(why));
    }
    *out = o;
    return VN_OK;
}

static int cannot_write(const struct vn_file_out *o, struct vn_err *e)
{
    return vn_fail(e, trouble(), "%s: cannot write: %s", o->path, strerror(errno));
}

int vn_file_put(struct vn_file_out *o, const void *data, size_t bytes, struct vn_err *e)
{
    return bytes && fwrite(data, 1, bytes, o->f) != bytes ? cannot_write(o, e) : VN_OK;
}

static int commit(struct vn_file_out *o, int to_disk, struct vn_err *e)
{
    if (fflush(o->f) || (to_disk && fsync(fileno(o->f))))
        return cannot_write(o, e);
    FILE *f = o->f;
    o->f = NULL;
    if (fclose(f) || rename(o->temp, o->path)) {
        cannot_write(o, e);
        unlink(o->temp);
        return VN_E_IO;
    }
    return VN_OK;
}

int vn_file_commit(struct vn_file_out *o, struct vn_err *e) { return commit(o, 1, e); }

static int write_whole(const char *path, const void *data, size_t bytes, int to_disk, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    struct vn_file_out *out;
    int r = vn_file_create(&out, a, path, e);
    if (r == VN_OK)
        r = vn_file_put(out, data, bytes, e);
    if (r == VN_OK)
        r = commit(out, to_disk, e);
    vn_arena_free(&a);
    return r;
}

int vn_file_write(const char *path, const void *data, size_t bytes, struct vn_err *e)
{
    return write_whole(path, data, bytes, 1, e);
}
int vn_file_write_soon(const char *path, const void *data, size_t bytes, struct vn_err *e)
{
    return write_whole(path, data, bytes, 0, e);
}

int vn_file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

int vn_dir_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int vn_dir_make(const char *path, struct vn_err *e)
{
    char buf[4096];
    const size_t n = strlen(path);
    if (n >= sizeof buf)
        return vn_fail(e, VN_E_USAGE, "%.64s...: path too long", path);
    memcpy(buf, path, n + 1);
    for (char *p = buf + 1; p <= buf + n; p++) {
        if (*p != '/' && *p != 0)
            continue;
        const char keep = *p;
        *p = 0;
        if (mkdir(buf, 0777) < 0 && errno != EEXIST)
            return vn_fail(e, VN_E_IO, "%s: cannot create folder: %s", buf, strerror(errno));
        *p = keep;
    }
    return vn_dir_exists(path) ? VN_OK : vn_fail(e, VN_E_IO, "%s: is not a folder", path);
}

int vn_dir_may_make(const char *path, struct vn_err *e)
{
    char at[4096];
    struct stat st;
    if (strlen(path) >= sizeof at)
        return vn_fail(e, VN_E_USAGE, "%.64s...: path too long", path);
    strcpy(at, *path ? path : ".");
    while (stat(at, &st) < 0 && errno == ENOENT) { /* up to the first folder that is there */
        char *slash = strrchr(at, '/');
        strcpy(slash && slash > at ? slash : at, slash && slash > at ? "" : slash ? "/" : ".");
    }
    if (stat(at, &st) < 0)
        return vn_fail(e, VN_E_IO, "%s: cannot create folder: %s", path, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return vn_fail(e, VN_E_IO, "%s: is not a folder", at);
    return access(at, W_OK | X_OK) ? vn_fail(e, VN_E_IO, "%s: cannot write: %s", at, strerror(errno)) : VN_OK;
}

static int by_name(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static int list(struct vn_arena *a, const char *path, int folders, const char ***names, int *n,
                struct vn_err *e)
{
    DIR *d = opendir(path);
    if (!d)
        return vn_fail(e, trouble(), "%s: cannot read folder: %s", path, strerror(errno));
    VEC(const char *) v = { 0 };
    for (struct dirent *it; (it = readdir(d));) {
        if (it->d_name[0] == '.')
            continue;
        const char *full = vn_path_join(a, path, it->d_name);
        if (folders ? vn_dir_exists(full) : vn_file_exists(full))
            VEC_PUSH(a, &v, vn_arena_str(a, it->d_name));
    }
    closedir(d);
    if (v.n)
        qsort(v.v, (size_t)v.n, sizeof *v.v, by_name);
    *names = v.v;
    *n = v.n;
    return VN_OK;
}

int vn_dir_list(struct vn_arena *a, const char *path, const char ***names, int *n, struct vn_err *e)
{
    return list(a, path, 0, names, n, e);
}

int vn_dir_folders(struct vn_arena *a, const char *path, const char ***names, int *n, struct vn_err *e)
{
    return list(a, path, 1, names, n, e);
}

/* ---- files that appear together ---- */

struct vn_staging {
    struct vn_arena *arena;
    const char *folder;
    char *path; /* NULL: not there (any more) */
    DIR *dir; /* open from the start: where memory has run out, it is still emptied */
};

typedef int entry_fn(struct vn_staging *s, const char *from, const char *name, struct vn_err *e);

static int for_each_entry(struct vn_staging *s, entry_fn *f, struct vn_err *e)
{
    int status = VN_OK;
    rewinddir(s->dir);
    for (struct dirent *it; status == VN_OK && (it = readdir(s->dir));)
        if (strcmp(it->d_name, ".") != 0 && strcmp(it->d_name, "..") != 0) {
            char from[PATH_MAX];
            snprintf(from, sizeof from, "%s/%s", s->path, it->d_name);
            status = f(s, from, it->d_name, e);
        }
    return status;
}

static int remove_entry(struct vn_staging *s, const char *from, const char *name, struct vn_err *e)
{
    (void)s, (void)name, (void)e;
    unlink(from);
    return VN_OK;
}

static void drop_stage(void *p)
{
    struct vn_staging *s = p;
    if (!s->path)
        return;
    for_each_entry(s, remove_entry, NULL);
    closedir(s->dir);
    rmdir(s->path);
}

int vn_dir_stage(struct vn_staging **out, struct vn_arena *a, const char *folder, struct vn_err *e)
{
    struct vn_staging *s = NEW(a, struct vn_staging);
    char *path = vn_arena_fmt(a, "%s/.vernier.XXXXXX", folder);
    *s = (struct vn_staging){ .arena = a, .folder = vn_arena_str(a, folder) };
    vn_arena_defer(a, drop_stage, s);
    if (strlen(path) + NAME_MAX >= PATH_MAX || !mkdtemp(path))
        return vn_fail(e, VN_E_IO, "%s: cannot write: %s", folder, strerror(errno));
    s->dir = opendir(path);
    if (!s->dir) {
        const int status = vn_fail(e, trouble(), "%s: cannot read folder: %s", path, strerror(errno));
        rmdir(path);
        return status;
    }
    s->path = path;
    *out = s;
    return VN_OK;
}

const char *vn_dir_stage_path(const struct vn_staging *s) { return s->path; }

/* Nothing moves where one of them could not. */
static int check_entry(struct vn_staging *s, const char *from, const char *name, struct vn_err *e)
{
    const char *to = vn_path_join(s->arena, s->folder, name);
    (void)from;
    return vn_dir_exists(to) ? vn_fail(e, VN_E_IO, "%s: cannot write: is a folder", to) : VN_OK;
}

static int move_entry(struct vn_staging *s, const char *from, const char *name, struct vn_err *e)
{
    const char *to = vn_path_join(s->arena, s->folder, name);
    return rename(from, to) ? vn_fail(e, VN_E_IO, "%s: cannot write: %s", to, strerror(errno)) : VN_OK;
}

int vn_dir_stage_commit(struct vn_staging *s, struct vn_err *e)
{
    TRY(for_each_entry(s, check_entry, e));
    TRY(for_each_entry(s, move_entry, e));
    closedir(s->dir);
    rmdir(s->path);
    s->path = NULL;
    return VN_OK;
}

const char *vn_path_join(struct vn_arena *a, const char *folder, const char *name)
{
    if (name[0] == '/' || !folder[0] || !strcmp(folder, "."))
        return vn_arena_str(a, name);
    const char *sep = folder[strlen(folder) - 1] == '/' ? "" : "/";
    return vn_arena_fmt(a, "%s%s%s", folder, sep, name);
}

const char *vn_path_folder(struct vn_arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return ".";
    return slash == path ? "/" : vn_arena_strn(a, path, (size_t)(slash - path));
}

const char *vn_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *vn_path_stem(struct vn_arena *a, const char *path)
{
    const char *base = vn_path_base(path), *dot = strrchr(base, '.');
    return dot && dot != base ? vn_arena_strn(a, base, (size_t)(dot - base)) : vn_arena_str(a, base);
}

#define LONGEST_NAME 200

const char *vn_file_name(struct vn_arena *a, struct vn_map *taken, const char *text)
{
    const size_t n = strlen(text);
    char *base =
        vn_arena_fmt(a, "%s%.*s", *text == '.' ? "_" : "", (int)(n < LONGEST_NAME ? n : LONGEST_NAME), text);
    for (char *p = base; *p; p++)
        if (strchr("/:\\", *p))
            *p = '_';
    const char *name = base;
    for (int i = 2; vn_map_get(taken, name) && strcmp(vn_map_get(taken, name), text) != 0; i++)
        name = vn_arena_fmt(a, "%s-%d", base, i);
    vn_map_set(taken, name, vn_arena_str(a, text));
    return name;
}

int vn_path_has_suffix(const char *path, const char *suffix)
{
    const size_t n = strlen(path), k = strlen(suffix);
    return n >= k && !strcasecmp(path + n - k, suffix);
}
