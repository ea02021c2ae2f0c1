/* rtbench - hold programs in memory and time them on request, so that another program can interleave them
 * with its own.
 *
 *     rtbench MODEL.bin|MODEL.onnx ... [-- FILE ...]
 *
 * FILEs are the inputs, in their order, of every model; without any, inputs are random. Says "ready" when all
 * models are loaded, and answers each line with times in nanoseconds:
 *
 *     run I N    one run of model I without timing it, then N timed ones
 *     load I N   the runtime loads model I, a .bin, once without timing it, then N times
 *
 * One thread, outputs written. Ends with its input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <vernier/session.h>

struct bench {
    char **paths;
    int models;
    struct vn_session **sessions;
};

static int open_model(struct vn_session **s, const char *path, char **files, int n, struct vn_err *e)
{
    const int status = vn_session_open(s, path, NULL, e);
    if (status < 0)
        return status;
    return n ? vn_session_feed_files(*s, (const char *const *)files, n, e) : vn_session_feed_random(*s, 1, e);
}

static int run(const struct bench *b, int i, struct vn_err *e) { return vn_session_run(b->sessions[i], e); }

static int load(const struct bench *b, int i, struct vn_err *e)
{
    struct vn_model *m;
    const int status = vn_model_open(&m, b->paths[i], NULL, e);
    if (status == VN_OK)
        vn_model_close(&m);
    return status;
}

static const struct action {
    const char *word;
    int (*once)(const struct bench *b, int i, struct vn_err *e);
} actions[] = { { "run", run }, { "load", load } };

static const struct action *find_action(const char *word)
{
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (!strcmp(actions[i].word, word))
            return &actions[i];
    return NULL;
}

static long long time_once(const struct action *a, const struct bench *b, int i, struct vn_err *e)
{
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    if (a->once(b, i, e) < 0)
        return -1;
    clock_gettime(CLOCK_MONOTONIC, &to);
    return (to.tv_sec - from.tv_sec) * 1000000000ll + to.tv_nsec - from.tv_nsec;
}

static int serve(const struct bench *b, struct vn_err *e)
{
    char word[8];
    int which, times;
    puts("ready");
    fflush(stdout);
    while (scanf("%7s %d %d", word, &which, &times) == 3) {
        const struct action *a = find_action(word);
        if (!a || which < 0 || which >= b->models)
            return VN_E_USAGE;
        for (int k = 0; k <= times; k++) {
            const long long ns = time_once(a, b, which, e);
            if (ns < 0)
                return e->code;
            if (k)
                printf("%lld ", ns);
        }
        putchar('\n');
        fflush(stdout);
    }
    return VN_OK;
}

int main(int argc, char **argv)
{
    struct vn_err e = { 0 };
    struct bench b = { .paths = argv + 1, .sessions = calloc((size_t)argc, sizeof *b.sessions) };
    while (b.models < argc - 1 && strcmp(b.paths[b.models], "--"))
        b.models++;
    char **files = b.paths + b.models + 1;
    const int n = argc - 2 - b.models;
    int status = b.sessions ? VN_OK : VN_E_NOMEM;
    for (int i = 0; i < b.models && status == VN_OK; i++)
        status = open_model(&b.sessions[i], b.paths[i], files, n > 0 ? n : 0, &e);
    if (status == VN_OK)
        status = serve(&b, &e);
    if (status < 0)
        fprintf(stderr, "rtbench: %s\n",
                *e.msg ? e.msg : "expected lines 'run MODEL TIMES' or 'load MODEL TIMES'");
    for (int i = 0; b.sessions && i < b.models; i++)
        vn_session_close(&b.sessions[i]);
    free(b.sessions);
    return status < 0;
}
