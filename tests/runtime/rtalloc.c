/* rtalloc - how often the runtime allocates once a program is loaded.
 *
 *     rtalloc PROGRAM.bin THREADS
 *
 * Linked with --wrap for each function that allocates. Prints calls while loading, and while running 3 times
 * with profiling, states and watching. */
#include <stdio.h>
#include <stdlib.h>

#include <vernier/runtime.h>

static int calls;

#define WRAP(name, parameters, arguments) \
    void *__real_##name parameters; \
    void *__wrap_##name parameters \
    { \
        __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED); \
        return __real_##name arguments; \
    }
WRAP(malloc, (size_t n), (n))
WRAP(calloc, (size_t n, size_t size), (n, size))
WRAP(realloc, (void *p, size_t n), (p, n))
WRAP(aligned_alloc, (size_t align, size_t n), (align, n))

static void seen(void *user, const struct vn_view *v) { *(int *)user += v->data != NULL; }

int main(int argc, char **argv)
{
    int n_in, n_out, views = 0;
    struct vn_err e = { 0 };
    struct vn_model *m;
    struct vn_options o;
    void *buffer[32];
    vn_options_default(&o);
    o.threads = atoi(argv[argc - 1]);
    if (vn_model_open(&m, argv[1], &o, &e) < 0) {
        fprintf(stderr, "%s\n", e.msg);
        return 1;
    }
    const int loading = calls;
    const struct vn_io *in = vn_model_inputs(m, &n_in), *out = vn_model_outputs(m, &n_out);
    for (int i = 0; i < n_in + n_out; i++)
        buffer[i] = calloc(1, i < n_in ? in[i].bytes : out[i - n_in].bytes);
    void *state = malloc(vn_model_state_bytes(m));
    const int before = calls;
    for (int round = 0; round < 3; round++) {
        const struct vn_watch watch = { .after = seen, .user = &views };
        vn_model_profile(m, round == 1);
        vn_model_watch(m, round == 2 ? &watch : NULL);
        if (vn_model_run(m, (const void *const *)buffer, buffer + n_in, &e) < 0) {
            fprintf(stderr, "%s\n", e.msg);
            return 1;
        }
        vn_model_state_save(m, state);
    }
    printf("loading %d running %d views %d\n", loading, calls - before, views);
    vn_model_close(&m);
    return 0;
}
