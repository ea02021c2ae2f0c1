/* The log of a command: standard error, a file, the problems of a job. */
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include <vernier/reason.h>

#include "cli/cli.h"

static void write_line(FILE *f, const char *origin, const char *text)
{
    struct timeval now;
    struct tm t;
    char stamp[32];
    gettimeofday(&now, NULL);
    localtime_r(&now.tv_sec, &t);
    strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", &t);
    fprintf(f, "%s,%03d %s %s\n", stamp, (int)(now.tv_usec / 1000), origin, text);
    fflush(f);
}

void vn_log_line(struct logger *l, enum vn_log_level level, const char *text)
{
    static const char *const names[] = { "INFO", "INFO", "WARNING", "ERROR" };
    if (level == VN_LOG_DEBUG && !l->details)
        return;
    if (!l->quiet || level >= VN_LOG_WARNING)
        write_line(l->terminal ? l->terminal : stderr, names[level], text);
    if (l->file)
        write_line(l->file, l->origin ? l->origin : names[level], text);
}

static int begins(const char *text, const char *with) { return !strncmp(text, with, strlen(with)); }

void vn_log_release(struct logger *l, const char *last)
{
    int i = 0;
    for (int found = 0; i < l->kept.n && !found; i++) {
        vn_log_line(l, VN_LOG_INFO, l->kept.v[i]);
        found = last && begins(l->kept.v[i], last);
    }
    if (i)
        memmove(l->kept.v, l->kept.v + i, (size_t)(l->kept.n - i) * sizeof *l->kept.v);
    l->kept.n -= i;
    if (!last)
        l->keep_from = NULL;
}

static void log_line(void *user, enum vn_log_level level, const char *text)
{
    struct logger *l = user;
    const int kept = l->keep_from && level < VN_LOG_WARNING && (l->kept.n || begins(text, l->keep_from));
    if (!kept)
        vn_log_line(l, level, text);
    else if (level == VN_LOG_INFO)
        VEC_PUSH(l->arena, &l->kept, vn_arena_str(l->arena, text));
}

static void show_progress(void *user, const char *what, int done, int all)
{
    struct logger *l = user;
    l->progress.f = stderr;
    vn_progress_show(&l->progress, what, done, all);
}

static void keep_problem(void *user, const struct vn_err *problem)
{
    struct logger *l = user;
    if (!l->arena)
        return;
    VEC_PUSH(l->arena, &l->problems, *problem);
}

struct vn_listener vn_logger_listener(struct logger *l)
{
    return (struct vn_listener){ log_line, show_progress, keep_problem, l };
}

static void write_problem(FILE *f, const char *command, const struct vn_err *problem)
{
    const char *remedy = vn_problem_remedy(problem);
    fprintf(f, "vernier %s: %s\n", command, problem->msg);
    if (remedy)
        fprintf(f, "  try: %s\n", remedy);
}

int vn_logger_problems(const struct logger *l, const char *command, const char *file, int status,
                       struct vn_err *e)
{
    if (status >= 0 || l->problems.n < 2)
        return status;
    for (int i = 0; i < l->problems.n; i++) {
        write_problem(stderr, command, &l->problems.v[i]);
        if (l->file)
            write_problem(l->file, command, &l->problems.v[i]);
    }
    return vn_fail(e, status, "%s: %d problems", file, l->problems.n);
}

int vn_print_json(json_t *j)
{
    vn_json_print(stdout, j);
    return EXIT_DONE;
}
