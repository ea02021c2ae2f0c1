/* rtbench - hold programs in memory and time runs on request, so that another program can interleave them
 * with its own.
 *
 *     rtbench MODEL.bin|MODEL.onnx ...
 *
 * Reads lines "I N" and answers each with N times in nanoseconds: one run of model I without timing it, then
 * N timed ones. One thread, random input, outputs written. Says "ready" when all models are loaded. Ends with
 * its input. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <vernier/session.h>

static int load(struct vn_session **s, const char *path, struct vn_err *e)
{
    const int status = vn_session_open(s, path, NULL, e);
    return status < 0 ? status : vn_session_feed_random(*s, 1, e);
}

static long long run_once(struct vn_session *s, struct vn_err *e)
{
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    if (vn_session_run(s, e) < 0)
        return -1;
    clock_gettime(CLOCK_MONOTONIC, &to);
    return (to.tv_sec - from.tv_sec) * 1000000000ll + to.tv_nsec - from.tv_nsec;
}

static int serve(struct vn_session **m, int models, struct vn_err *e)
{
    int which, times;
    puts("ready");
    fflush(stdout);
    while (scanf("%d %d", &which, &times) == 2) {
        if (which < 0 || which >= models)
            return VN_E_USAGE;
        for (int k = 0; k <= times; k++) {
            const long long ns = run_once(m[which], e);
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
    struct vn_session **m = calloc((size_t)argc, sizeof *m);
    int status = m ? VN_OK : VN_E_NOMEM;
    for (int i = 1; i < argc && status == VN_OK; i++)
        status = load(&m[i - 1], argv[i], &e);
    if (status == VN_OK)
        status = serve(m, argc - 1, &e);
    if (status < 0)
        fprintf(stderr, "rtbench: %s\n", *e.msg ? e.msg : "there is no model of that number");
    for (int i = 0; m && i < argc; i++)
        vn_session_close(&m[i]);
    free(m);
    return status < 0;
}
