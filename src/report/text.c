#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
    static const char *const titles[] = { "Node", "ON", "Subgraph", "Type", "Cosine Similarity", "Min Cosine", "Mean Cosine", "Threshold", "DataType" };
    static const char *const short_titles[] = { "Node", "ON", "Subgraph", "Type", "DataType" };
    struct table *t = compared ? vn_table_new(9, titles) : vn_table_new(5, short_titles);
    for (int i = 0; i < n; i++) {
        const struct vn_node_row *r = &rows[i];
        char name[NAME_WIDTH + 1], c[4][32];
        const char *cut = vn_cut_left(r->node, NAME_WIDTH, name);
        if (compared)
            vn_table_row(t, (const char *const[]){ cut, r->on, r->subgraph, r->type, number(c[0], "%.6f", r->cosine, r->compared),
                                                   number(c[1], "%.6f", r->cosine_min, r->compared), number(c[2], "%.6f", r->cosine_mean, r->compared),
                                                   number(c[3], "%.6g", r->threshold, r->threshold > 0), r->dtype });
        else
            vn_table_row(t, (const char *const[]){ cut, r->on, r->subgraph, r->type, r->dtype });
    }
    vn_table_print(t, f);
    vn_table_free(&t);
}

void vn_print_outputs(FILE *f, const struct vn_output_row *rows, int n)
{
    static const char *const titles[] = { "Output", "Cosine Similarity", "L1 Distance", "L2 Distance", "Chebyshev Distance", "Min Cosine", "Mean Cosine" };
    struct table *t = vn_table_new(7, titles);
    for (int i = 0; i < n; i++) {
        const struct vn_output_row *r = &rows[i];
        const double v[6] = { r->cosine, r->l1, r->l2, r->chebyshev, r->cosine_min, r->cosine_mean };
        char c[6][32];
        for (int k = 0; k < 6; k++)
            number(c[k], "%.6f", v[k], 1);
        vn_table_row(t, (const char *const[]){ r->output, c[0], c[1], c[2], c[3], c[4], c[5] });
    }
    vn_table_print(t, f);
    vn_table_free(&t);
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
        fprintf(f, "CPU (float32): %s\n", text);
        if (remedies && vn_reason_remedy(why))
            fprintf(f, "  try: %s\n", vn_reason_remedy(why));
        for (int k = i; k < n; k++)
            if (rows[k].why_float && vn_reason_equal(rows[k].why_float, why))
                fprintf(f, "    %s (%s)\n", rows[k].node, rows[k].type);
    }
}

static const char *verdict(const struct vn_verified *r)
{
    if (r->different)
        return "DIFFERENT";
    return r->mistrusted ? "MISTRUSTED (mostly zeros)" : r->integer ? "equal" : "within tolerance";
}

static void add_verified(struct table *t, const struct vn_verified *r)
{
    char a[NAME_WIDTH + 1], b[NAME_WIDTH + 1], c[3][40], result[80];
    sprintf(c[0], "%lld", (long long)r->compared);
    sprintf(c[1], "%lld", (long long)r->different);
    if (r->integer)
        sprintf(c[2], "%lld", (long long)r->max_step);
    else
        sprintf(c[2], "%.2g relative", r->max_relative);
    snprintf(result, sizeof result, "%s%s", verdict(r), r->fused ? " (fused)" : "");
    vn_table_row(t, (const char *const[]){ vn_cut_left(r->name, NAME_WIDTH, a),
                                           vn_cut_left(r->node, NAME_WIDTH, b), c[0], c[1], c[2], result });
}

static void print_tensors(FILE *f, const struct vn_verified *rows, int n, int all)
{
    static const char *const titles[] = { "Tensor", "Node", "Compared", "Different", "Largest", "Result" };
    struct table *t = vn_table_new(6, titles);
    int shown = 0;
    for (int i = 0; i < n; i++)
        if (all || rows[i].different) {
            add_verified(t, &rows[i]);
            shown++;
        }
    if (shown)
        vn_table_print(t, f);
    vn_table_free(&t);
}

static void print_first_difference(FILE *f, const struct vn_verified *rows, int n)
{
    for (int i = 0; i < n; i++)
        if (rows[i].different) {
            fprintf(f, "first difference: tensor %s of node %s, sample %d, flat index %lld\n", rows[i].name,
                    rows[i].node, rows[i].first_sample, (long long)rows[i].first);
            return;
        }
}

void vn_print_verification(FILE *f, const struct vn_verification *v, int all)
{
    int n;
    const struct vn_verified *rows = vn_verification_tensors(v, &n);
    const struct vn_verify_summary *sum = vn_verification_summary(v);
    print_tensors(f, rows, n, all);
    print_first_difference(f, rows, n);
    fprintf(f, "%d samples, %d integer tensors: %lld integers compared, %lld different\n", sum->samples,
            sum->integer_tensors, (long long)sum->compared, (long long)sum->different);
    fprintf(f, "%d float tensors: largest relative difference %.3g (tolerance %.0e)\n", sum->float_tensors,
            sum->max_relative, VN_VERIFY_TOLERANCE);
    if (!sum->n_missing)
        return;
    fprintf(f, "not shown by the .bin:");
    for (int i = 0; i < sum->n_missing; i++)
        fprintf(f, " %s", sum->missing[i]);
    fputc('\n', f);
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
