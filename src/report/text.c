#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "graph/reason.h"
#include "report/report.h"

#define NAME_WIDTH 60

static const char *number(char *buf, const char *format, double x, int known)
{
    if (!known)
        return "--";
    sprintf(buf, format, x);
    return buf;
}

void vn_print_nodes(FILE *f, const struct vn_node_row *rows, int n, int compared)
{
    static const char *const titles[] = {
        "Node",       "ON",          "Subgraph",  "Type",    "Cosine Similarity",
        "Min Cosine", "Mean Cosine", "Threshold", "DataType"
    };
    static const char *const short_titles[] = { "Node", "ON", "Subgraph", "Type", "DataType" };
    struct table *t = compared ? vn_table_new(9, titles) : vn_table_new(5, short_titles);
    for (int i = 0; i < n; i++) {
        const struct vn_node_row *r = &rows[i];
        char name[NAME_WIDTH + 1], c[4][32];
        const char *cut = vn_cut_left(r->node, NAME_WIDTH, name);
        if (compared)
            vn_table_row(t, (const char *const[]){ cut, r->on, r->subgraph, r->type,
                                                   number(c[0], "%.6f", r->cosine, r->compared),
                                                   number(c[1], "%.6f", r->cosine_min, r->compared),
                                                   number(c[2], "%.6f", r->cosine_mean, r->compared),
                                                   number(c[3], "%.6g", r->threshold, r->threshold > 0),
                                                   r->dtype });
        else
            vn_table_row(t, (const char *const[]){ cut, r->on, r->subgraph, r->type, r->dtype });
    }
    vn_table_print(t, f);
    vn_table_free(&t);
}

static void print_columns(FILE *f, const struct vn_output_row *rows, int n, int exact,
                          const char *const titles[7])
{
    struct table *t = vn_table_new(7, titles);
    for (int i = 0; i < n; i++) {
        const struct vn_output_row *r = &rows[i];
        const double real[6] = { r->cosine, r->l1, r->l2, r->chebyshev, r->cosine_min, r->cosine_mean };
        const double equal[5] = { r->equal, r->equal_min, r->equal_mean, r->cosine_min, r->cosine_mean };
        char name[NAME_WIDTH + 1], c[6][32];
        const char *by = r->judged_by ? vn_cut_left(r->judged_by, NAME_WIDTH, name) : "--", *cell[6];
        for (int k = 0; k < (exact ? 5 : 6); k++)
            cell[k] = number(c[k], "%.6f", exact ? equal[k] : real[k], !isnan(exact ? equal[k] : real[k]));
        if (r->exact == exact && exact)
            vn_table_row(t,
                         (const char *const[]){ r->output, cell[0], cell[1], cell[2], by, cell[3], cell[4] });
        else if (r->exact == exact)
            vn_table_row(
                t, (const char *const[]){ r->output, cell[0], cell[1], cell[2], cell[3], cell[4], cell[5] });
    }
    vn_table_print(t, f);
    vn_table_free(&t);
}

void vn_print_outputs(FILE *f, const struct vn_output_row *rows, int n)
{
    static const char *const titles[][7] = {
        { "Output", "Cosine Similarity", "L1 Distance", "L2 Distance", "Chebyshev Distance", "Min Cosine",
          "Mean Cosine" },
        { "Output", "Equal Elements", "Min Equal", "Mean Equal", "Judged By", "Min Cosine", "Mean Cosine" },
    };
    int exact = 0;
    for (int i = 0; i < n; i++)
        exact += rows[i].exact;
    if (exact < n || !n)
        print_columns(f, rows, n, 0, titles[0]);
    if (exact)
        print_columns(f, rows, n, 1, titles[1]);
}

/* The first row with the reason of row i. */
static int first_with(const struct vn_node_row *rows, int i)
{
    int k = 0;
    while (!rows[k].why_float || !vn_reason_equal(rows[k].why_float, rows[i].why_float))
        k++;
    return k;
}

void vn_print_fallbacks(FILE *f, const struct vn_node_row *rows, int n, int remedies)
{
    char text[1024];
    for (int i = 0; i < n; i++) {
        const struct vn_reason *why = rows[i].why_float;
        if (!why || first_with(rows, i) < i)
            continue;
        vn_reason_text(text, sizeof text, why);
        fprintf(f, "CPU (float32): %s\n", vn_shown(text, (char[VN_SHOWN]){ 0 }));
        if (remedies && vn_reason_remedy(why))
            fprintf(f, "  try: %s\n", vn_reason_remedy(why));
        for (int k = i; k < n; k++)
            if (rows[k].why_float && vn_reason_equal(rows[k].why_float, why))
                fprintf(f, "    %s (%s)\n", vn_shown(rows[k].node, (char[VN_SHOWN]){ 0 }), rows[k].type);
    }
}

#define BAR 30

void vn_progress_show(struct progress *p, const char *what, int done, int all)
{
    if (!isatty(fileno(p->f)) || all <= 0)
        return;
    const int filled = (int)((int64_t)done * BAR / all);
    if (done < all && filled == p->last && done > 1)
        return;
    p->last = filled;
    fprintf(p->f, "\r%-28.28s [", what);
    for (int i = 0; i < BAR; i++)
        fputc(i < filled ? '#' : '.', p->f);
    fprintf(p->f, "] %d/%d", done, all);
    if (done >= all)
        fprintf(p->f, "\r\033[K");
    fflush(p->f);
}
