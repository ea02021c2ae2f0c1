/* rtparts FILE.bin [THREADS] - run a program on made-up input whole, watched, and cut at every
 * instruction; exit status 0: always the same bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "made_up.h"
#include "parts.h"

int main(int argc, char **argv)
{
    struct vn_err e;
    struct vn_options o;
    struct parts p = { 0 };
    vn_options_default(&o);
    if (argc > 2)
        o.threads = atoi(argv[2]);
    if (argc < 2 || vn_model_open(&p.m, argv[1], &o, &e) < 0) {
        fprintf(stderr, "rtparts: %s\n", argc < 2 ? "expected a .bin" : e.msg);
        return 3;
    }
    int n_in, n_out;
    const struct vn_io *in = vn_model_inputs(p.m, &n_in), *out = vn_model_outputs(p.m, &n_out);
    void *x[16] = { 0 }, *want[16] = { 0 }, *got[16] = { 0 };
    if (n_in > 16 || n_out > 16)
        return 2;
    for (int i = 0; i < n_in; i++)
        x[i] = made_up(&in[i]);
    for (int i = 0; i < n_out; i++) {
        want[i] = malloc(out[i].bytes);
        got[i] = malloc(out[i].bytes);
    }
    p.in = (const void *const *)x;
    p.want = want;
    p.got = got;
    const int status = parts_check(&p);
    printf("%s\n", status < 0 ? p.why : "same");
    for (int i = 0; i < 16; i++) {
        free(x[i]);
        free(want[i]);
        free(got[i]);
    }
    vn_model_close(&p.m);
    return status < 0;
}
