/* How fast a program is on this machine: measured, and as a page and a JSON file. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "cli/compat/compat.h"

#define RUNS 31

/* Programs of other origin have no such key. */
static int has_layers(const struct vn_session *s)
{
    const char *debug = vn_session_meta(s, "compiler_parameters.debug");
    return !debug || strcasecmp(debug, "false") != 0;
}

int vn_compat_measure(struct speed *f, struct vn_session *s, struct vn_arena *a, struct vn_err *e)
{
    uint64_t ns[RUNS];
    struct vn_profile p;
    const struct vn_model *m = vn_session_model(s);
    vn_model_bytes(m, &f->constants, &f->working);
    TRY(vn_session_feed_random(s, 1, e));
    TRY(vn_session_time(s, RUNS, ns, e));
    vn_times_sort(ns, RUNS);
    f->ms = vn_times_ms(ns, RUNS, 50);
    vn_session_profile(s, 1);
    vn_profile_open(&p, m, (const double[3]){ 0 }, a);
    for (int i = 0; i < RUNS; i++) {
        TRY(vn_session_time(s, 1, ns, e));
        vn_profile_add(&p, m);
    }
    vn_profile_close(&p);
    f->layer = p.instructions;
    f->layers = p.n_instructions;
    f->detailed = has_layers(s);
    return VN_OK;
}

static json_t *json(const struct speed *f)
{
    json_t *o = json_pack("{s:s, s:f, s:f, s:o}", "model", f->name, "latency_ms", f->ms, "fps", 1000 / f->ms,
                          "layers", vn_json_profile(f->layer, f->detailed ? f->layers : 0));
    if (f->constants)
        json_object_update_new(o, json_pack("{s:I, s:I}", "loaded_bytes", (json_int_t)f->constants,
                                            "working_bytes", (json_int_t)f->working));
    return o;
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

static void html_layers(FILE *f, const struct speed *x)
{
    fprintf(f, "<h2>Layer Details</h2>\n<table>\n<tr><th>layer</th><th>instruction</th><th>time "
               "(us)</th></tr>\n");
    for (int i = 0; i < x->layers; i++) {
        const struct vn_profile_row *r = &x->layer[i];
        fprintf(f, "<tr><td>");
        html_text(f, r->node);
        fprintf(f, "</td><td>%s</td><td>%.1f</td></tr>\n", r->opcode, vn_clocked_median(&r->time) / 1e3);
    }
    fprintf(f, "</table>\n");
}

static void html(FILE *f, const struct speed *x)
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
    if (x->constants) {
        snprintf(text, sizeof text, "%zu", x->constants);
        html_row(f, "Bytes of constants", text);
        snprintf(text, sizeof text, "%zu", x->working);
        html_row(f, "Bytes of working memory", text);
    }
    fprintf(f, "</table>\n");
    if (x->detailed)
        html_layers(f, x);
    fprintf(f, "</body></html>\n");
}

int vn_compat_write_speed(const struct speed *x, const char *folder, struct vn_arena *a, struct vn_err *e)
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
    return (f && fclose(f)) | (j && fclose(j)) | bad ? vn_fail(e, VN_E_IO, "%s: cannot write", folder)
                                                     : VN_OK;
}
