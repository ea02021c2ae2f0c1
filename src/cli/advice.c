/* The key `advice`: instructions of a program that take longer than their arithmetic and their data need. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <vernier/session.h>

#include "cli/cli.h"

#define RUNS 21
#define COPIED (1 << 20)
#define COPIES 20

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

/* Bytes per nanosecond, read and written, of the fastest of a few copies; 0: not known. */
static double copy_speed(void)
{
    double best = 0;
    char *from = calloc(1, COPIED), *to = calloc(1, COPIED);
    for (int i = 0; from && to && i < COPIES; i++) {
        from[i] = (char)i;
        const double start = now();
        memcpy(to, from, COPIED);
        const double speed = 2.0 * COPIED / (now() - start + (to[i] != (char)i));
        best = speed > best ? speed : best;
    }
    free(from);
    free(to);
    return best;
}

static double bytes_of(const struct vn_model *m, int instruction)
{
    struct vn_instruction x;
    struct vn_view v;
    double bytes = 0;
    vn_model_instruction(m, instruction, &x);
    for (int k = 0; k <= x.n_in; k++)
        if (vn_model_tensor(m, k < x.n_in ? x.in[k] : x.out, &v) == VN_OK)
            bytes += (double)v.bytes;
    return bytes;
}

static void add_row(struct table *t, const struct vn_profile_row *r, double ns, double least)
{
    char texts[3][32];
    const double us[3] = { ns / 1e3, least / 1e3, (ns - least) / 1e3 };
    for (int i = 0; i < 3; i++)
        snprintf(texts[i], sizeof texts[i], "%.1f", us[i]);
    vn_table_row(t, (const char *const[]){ r->node, r->opcode, texts[0], texts[1], texts[2] });
}

static void print_advice(FILE *f, const struct vn_profile *p, const struct vn_model *m, double most)
{
    static const char *const titles[] = { "Node", "Instruction", "us", "Roofline us", "Above us" };
    const double speed = copy_speed();
    struct table *t = vn_table_new(5, titles);
    int n = 0;
    for (int i = 0; i < p->n_instructions; i++) {
        const struct vn_profile_row *r = &p->instructions[i];
        const double ns = vn_clocked_median(&r->time), move = speed > 0 ? bytes_of(m, i) / speed : 0;
        const double multiply = r->peak > 0 ? r->macs / r->peak : 0,
                     least = move > multiply ? move : multiply;
        if (ns - least <= most)
            continue;
        add_row(t, r, ns, least);
        n++;
    }
    fprintf(f, "Advice: %d of %d instructions take over %g us more than the roofline of this CPU allows:\n",
            n, p->n_instructions, most / 1e3);
    if (n)
        vn_table_print(t, f);
    vn_table_free(&t);
}

static int measure(FILE *f, struct vn_session *s, double most, struct vn_arena *a, struct vn_err *e)
{
    const struct vn_model *m = vn_session_model(s);
    const double peak[3] = { vn_peak_speed(VN_I8, ~0u), vn_peak_speed(VN_I16, ~0u),
                             vn_peak_speed(VN_F32, ~0u) };
    struct vn_profile p;
    uint64_t ns;
    TRY(vn_session_feed_random(s, 1, e));
    vn_profile_open(&p, m, peak, a);
    vn_session_profile(s, 1);
    for (int i = 0; i < RUNS; i++) {
        TRY(vn_session_time(s, 1, &ns, e));
        vn_profile_add(&p, m);
    }
    vn_profile_close(&p);
    print_advice(f, &p, m, most);
    return VN_OK;
}

int vn_print_advice(FILE *f, const char *bin, struct vn_arena *a, struct vn_err *e)
{
    struct vn_session *s;
    TRY(vn_session_open(&s, bin, NULL, e));
    const char *text = vn_session_meta(s, "compiler_parameters.advice");
    const double us = text ? atof(text) : 0;
    const int status = us > 0 ? measure(f, s, us * 1e3, a, e) : VN_OK;
    vn_session_close(&s);
    return status;
}
