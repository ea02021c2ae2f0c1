/* rtbench - hold programs in memory and time runs on request, so that another program can interleave them with its own.
 *
 *     rtbench MODEL.bin|MODEL.onnx ...
 *
 * Reads lines "I N" and answers each with N times in nanoseconds: one run of model I without timing it, then N timed ones. One
 * thread, random input, outputs written. Says "ready" when all models are loaded. Ends with its input. */
#include <stdio.h>
#include <time.h>

#include "inspect/inspect.h"

struct loaded {
    struct vn_model *model;
    const void **in;
    void **out;
};

static int load(struct loaded *m, struct vn_arena *a, const char *path, struct vn_err *e)
{
    struct runner_options o = { .level = 3 };
    struct runner *r;
    vn_options_default(&o.run);
    TRY(vn_runner_open(&r, a, path, &o, e));
    struct feed f = vn_feed_new(r, a);
    vn_feed_random(&f, r, 1);
    *m = (struct loaded){ r->program.model, NEW_ARRAY(a, const void *, r->n_in), r->program.result };
    for (int i = 0; i < r->n_in; i++) {
        const struct vn_io *io = &r->program.in[i];
        if (io->type == VN_IN_FEATUREMAP && io->dtype != VN_F32)
            return vn_fail(e, VN_E_UNSUPPORTED, "%s: input %s wants %d-type integers", path, io->name, io->dtype);
        m->in[i] = io->type == VN_IN_FEATUREMAP ? (const void *)f.tensor[i] : f.bytes[i];
    }
    return VN_OK;
}

static long long run_once(struct loaded *m, struct vn_err *e)
{
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    if (vn_model_run(m->model, m->in, m->out, e) < 0)
        return -1;
    clock_gettime(CLOCK_MONOTONIC, &to);
    return (to.tv_sec - from.tv_sec) * 1000000000ll + to.tv_nsec - from.tv_nsec;
}

static int serve(struct loaded *m, int models, struct vn_err *e)
{
    int which, times;
    puts("ready");
    fflush(stdout);
    while (scanf("%d %d", &which, &times) == 2) {
        if (which < 0 || which >= models)
            return vn_fail(e, VN_E_USAGE, "no model %d", which);
        for (int k = 0; k <= times; k++) {
            const long long ns = run_once(&m[which], e);
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
    struct vn_arena *a = vn_arena_new();
    struct loaded *m = NEW_ARRAY(a, struct loaded, argc);
    int status = VN_OK;
    for (int i = 1; i < argc && status == VN_OK; i++)
        status = load(&m[i - 1], a, argv[i], &e);
    if (status == VN_OK)
        status = serve(m, argc - 1, &e);
    if (status < 0)
        fprintf(stderr, "rtbench: %s\n", e.msg);
    vn_arena_free(&a);
    return status < 0;
}
