/* hb_perf BIN: a page with the speed of a program, as measured on this machine. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/escape.h"
#include "base/file.h"
#include "cli/compat/compat.h"

#define RUNS 31

static const struct option_def options[] = {
    { "--model-name", 'm', "NAME", 0, 0, "only this model of a pack" },
    { "--packed", 'p', NULL, 0, 0, "the file must be a pack (packs are recognized without it)" },
    { 0 },
};

struct figures {
    const char *name;
    double ms; /* median */
    int layers; /* the key `debug`: figures of each */
    size_t constants, working;
    struct vn_profile profile;
};

/* Programs of other origin have no such key. */
static int has_layers(const struct vn_session *s)
{
    const char *debug = vn_session_meta(s, "compiler_parameters.debug");
    return !debug || strcasecmp(debug, "false") != 0;
}

static int measure(struct figures *f, struct vn_session *s, struct vn_arena *a, struct vn_err *e)
{
    uint64_t ns[RUNS];
    const struct vn_model *m = vn_session_model(s);
    f->layers = has_layers(s);
    vn_model_bytes(m, &f->constants, &f->working);
    TRY(vn_session_feed_random(s, 1, e));
    TRY(vn_session_time(s, RUNS, ns, e));
    vn_times_sort(ns, RUNS);
    f->ms = vn_times_ms(ns, RUNS, 50);
    vn_session_profile(s, 1);
    vn_profile_open(&f->profile, m, (const double[3]){ 0 }, a);
    for (int i = 0; i < RUNS; i++) {
        TRY(vn_session_time(s, 1, ns, e));
        vn_profile_add(&f->profile, m);
    }
    vn_profile_close(&f->profile);
    return VN_OK;
}

static json_t *json(const struct figures *f)
{
    return json_pack("{s:s, s:f, s:f, s:I, s:I, s:o}", "model", f->name, "latency_ms", f->ms, "fps",
                     1000 / f->ms, "loaded_bytes", (json_int_t)f->constants, "working_bytes",
                     (json_int_t)f->working, "layers",
                     vn_json_profile(f->profile.instructions, f->layers ? f->profile.n_instructions : 0));
}

static void html_text(FILE *f, const char *s)
{
    for (; *s; s++)
        switch (*s) {
        case '<': fputs("&lt;", f); break;
        case '&': fputs("&amp;", f); break;
        default: fputc((unsigned char)*s < ' ' ? '?' : *s, f);
        }
}

static void html_row(FILE *f, const char *key, const char *text)
{
    fprintf(f, "<tr><th scope=\"row\">%s</th><td>", key);
    html_text(f, text);
    fprintf(f, "</td></tr>\n");
}

static void html_layers(FILE *f, const struct figures *x)
{
    fprintf(f, "<h2>Layer Details</h2>\n<table>\n<tr><th>layer</th><th>instruction</th><th>time "
               "(us)</th></tr>\n");
    for (int i = 0; i < x->profile.n_instructions; i++) {
        const struct vn_profile_row *r = &x->profile.instructions[i];
        fprintf(f, "<tr><td>");
        html_text(f, r->node);
        fprintf(f, "</td><td>%s</td><td>%.1f</td></tr>\n", r->opcode, vn_clocked_median(&r->time) / 1e3);
    }
    fprintf(f, "</table>\n");
}

static void html(FILE *f, const struct figures *x)
{
    char text[64];
    fprintf(f, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
    html_text(f, x->name);
    fprintf(f, "</title></head><body>\n<h1>Model Performance Summary</h1>\n<p>Measured on this CPU, one "
               "thread.</p>\n"
               "<table>\n");
    html_row(f, "Model Name", x->name);
    snprintf(text, sizeof text, "%.3f", x->ms);
    html_row(f, "Model Latency(ms)", text);
    snprintf(text, sizeof text, "%.2f", 1000 / x->ms);
    html_row(f, "Frames per second", text);
    snprintf(text, sizeof text, "%zu", x->constants);
    html_row(f, "Bytes of constants", text);
    snprintf(text, sizeof text, "%zu", x->working);
    html_row(f, "Bytes of working memory", text);
    fprintf(f, "</table>\n");
    if (x->layers)
        html_layers(f, x);
    fprintf(f, "</body></html>\n");
}

static int write_page(const struct figures *x, const char *folder, struct vn_arena *a, struct vn_err *e)
{
    const char *page = vn_arena_fmt(a, "%s/%s.html", folder, x->name),
               *numbers = vn_arena_fmt(a, "%s/%s.json", folder, x->name);
    TRY(vn_dir_make(folder, e));
    FILE *f = fopen(page, "w"), *j = fopen(numbers, "w");
    if (f)
        html(f, x);
    if (j)
        vn_json_print(j, json(x));
    const int bad = !f || !j || ferror(f) || ferror(j);
    if ((f && fclose(f)) | (j && fclose(j)) | bad)
        return vn_fail(e, VN_E_IO, "%s: cannot write", folder);
    printf("%s and %s written\n", page, numbers);
    return VN_OK;
}

static int show(const struct figures *x, struct vn_arena *a, struct vn_err *e)
{
    TRY(write_page(x, vn_arena_fmt(a, "hb_perf_result/%s", x->name), a, e));
    if (!x->layers)
        printf("bpu model don't have per-layer perf info.\nif you need per-layer perf info please enable"
               "[compiler_parameters.debug:True] when use makertbin.\n");
    printf("FPS=%.2f, latency = %.1f us (measured on this CPU, one thread)\n", 1000 / x->ms, x->ms * 1e3);
    return VN_OK;
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    const char **file;
    struct compat_models m = { 0 };
    vn_words(&file);
    TRY(vn_compat_models(&m, a, 1, file, vn_opt("--model-name"), e));
    if (vn_opt("--packed") && !m.v[0].pick)
        return vn_fail(e, VN_E_INPUT, "%s: expected a pack", file[0]);
    for (int i = 0; i < m.n; i++) {
        struct vn_session *s;
        struct figures x = { .name = m.v[i].name };
        TRY(vn_compat_open(&s, &m.v[i], e));
        int status = measure(&x, s, a, e);
        if (status == VN_OK)
            status = show(&x, a, e);
        vn_session_close(&s); /* names of nodes are the session's */
        TRY(status);
    }
    return EXIT_DONE;
}

static const struct command perf = {
    "", "FILE.bin", "write a page with the speed of a .bin to hb_perf_result/MODEL", options, 1, 1, run
};
static const struct command *const commands[] = { &perf };
const struct tool vn_tool_hb_perf = { "hb_perf", "", commands, 1, 0, NULL };
