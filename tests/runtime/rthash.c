/* rthash FILE.bin [CPUMASK] [THREADS] - run a program on made-up input and print one hash for each tensor
 * that it computes. Uses the runtime's public header alone, so that it can be built for any CPU and the lines
 * compared. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "made_up.h"

static uint64_t hash(const void *data, size_t n)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ ((const unsigned char *)data)[i]) * 1099511628211u;
    return h;
}

static void show(void *user, const struct vn_view *t)
{
    (void)user;
    printf("%016" PRIx64 " %s %s\n", hash(t->data, t->bytes), vn_role_word(t->role), t->name);
}

int main(int argc, char **argv)
{
    struct vn_err e;
    struct vn_options o;
    struct vn_model *m;
    vn_options_default(&o);
    if (argc > 2)
        o.cpumask = (uint32_t)strtoul(argv[2], NULL, 0);
    if (argc > 3)
        o.threads = atoi(argv[3]);
    if (argc < 2 || vn_model_open(&m, argv[1], &o, &e) < 0) {
        fprintf(stderr, "rthash: %s\n", argc < 2 ? "want a .bin" : e.msg);
        return 3;
    }
    int n_in, n_out;
    const struct vn_io *in = vn_model_inputs(m, &n_in), *out = vn_model_outputs(m, &n_out);
    void *x[16] = { 0 }, *y[16] = { 0 };
    if (n_in > 16 || n_out > 16)
        return 2;
    for (int i = 0; i < n_in; i++)
        x[i] = made_up(&in[i]);
    for (int i = 0; i < n_out; i++)
        y[i] = malloc(out[i].bytes);
    vn_model_watch(m, &(struct vn_watch){ .after = show });
    if (vn_model_run(m, (const void *const *)x, y, &e) < 0) {
        fprintf(stderr, "rthash: %s\n", e.msg);
        return 4;
    }
    for (int i = 0; i < n_out; i++)
        printf("%016" PRIx64 " output %s\n", hash(y[i], out[i].bytes), out[i].name);
    for (int i = 0; i < 16; i++) {
        free(x[i]);
        free(y[i]);
    }
    vn_model_close(&m);
    return 0;
}
