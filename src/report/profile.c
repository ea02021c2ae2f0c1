/* Where the time of a program goes: times of its instructions and nodes. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "report/report.h"

#define FIRST 1000 /* runs whose times give the median */

/* ---- one thing ---- */

static void end_run(struct vn_clocked *c)
{
    const double ns = c->current;
    c->min = c->runs && c->min < ns ? c->min : ns;
    c->max = c->max > ns ? c->max : ns;
    c->sum += ns;
    if (c->first && c->runs < FIRST)
        c->first[c->runs] = (float)ns;
    c->runs++;
    c->current = 0;
}

static int ascending(const void *x, const void *y)
{
    const float a = *(const float *)x, b = *(const float *)y;
    return a < b ? -1 : a > b;
}

double vn_clocked_median(const struct vn_clocked *c)
{
    return c->runs ? (double)c->first[(c->runs < FIRST ? c->runs : FIRST) / 2] : 0;
}

static void sort_first(struct vn_clocked *c)
{
    qsort(c->first, (size_t)(c->runs < FIRST ? c->runs : FIRST), sizeof *c->first, ascending);
}

double vn_profile_speed(const struct vn_profile_row *r)
{
    const double ns = vn_clocked_median(&r->time);
    return ns > 0 ? r->macs / ns : 0;
}

double vn_profile_reached(const struct vn_profile_row *r)
{
    return r->peak > 0 ? vn_profile_speed(r) / r->peak : 0;
}

/* ---- all of a program ---- */

static enum vn_dtype type_of(const struct vn_model *m, const struct vn_instruction *s)
{
    struct vn_view v = { .dtype = VN_F32 };
    vn_model_tensor(m, s->n_in ? s->in[0] : s->out, &v);
    return v.dtype;
}

static struct vn_profile_row *row_of(struct vn_profile *p, const char *node)
{
    for (int i = 0; i < p->n_nodes; i++)
        if (!strcmp(p->nodes[i].node, node))
            return &p->nodes[i];
    struct vn_profile_row *r = &p->nodes[p->n_nodes++];
    r->node = node;
    return r;
}

static void enter(struct vn_profile *p, const struct vn_model *m, int i, struct vn_arena *a)
{
    struct vn_instruction s;
    vn_model_instruction(m, i, &s);
    const enum vn_dtype t = type_of(m, &s);
    const double peak = p->peak[t == VN_F32 ? 2 : t == VN_I16 ? 1 : 0];
    struct vn_profile_row *node = row_of(p, s.node);
    p->node_of[i] = (int)(node - p->nodes);
    p->unit_of[i] = t == VN_I8 || t == VN_I16 ? VN_UNIT_INTEGER : VN_UNIT_FLOAT;
    p->instructions[i] = (struct vn_profile_row){
        .opcode = s.opcode, .node = s.node, .macs = (double)s.macs, .peak = s.macs ? peak : 0
    };
    p->instructions[i].time.first = NEW_ARRAY(a, float, FIRST);
    node->macs += (double)s.macs;
    node->peak = s.macs ? peak : node->peak;
}

void vn_profile_open(struct vn_profile *p, const struct vn_model *m, const double peak[3], struct vn_arena *a)
{
    const int n = vn_model_instructions(m);
    *p = (struct vn_profile){ .n_instructions = n,
                              .instructions = NEW_ARRAY(a, struct vn_profile_row, n),
                              .nodes = NEW_ARRAY(a, struct vn_profile_row, n),
                              .node_of = NEW_ARRAY(a, int, n),
                              .unit_of = NEW_ARRAY(a, int, n) };
    memcpy(p->peak, peak, sizeof p->peak);
    for (int i = 0; i < n; i++)
        enter(p, m, i, a);
    for (int i = 0; i < p->n_nodes; i++)
        p->nodes[i].time.first = NEW_ARRAY(a, float, FIRST);
}

void vn_profile_add(struct vn_profile *p, const struct vn_model *m)
{
    for (int i = 0; i < p->n_instructions; i++) {
        struct vn_instruction s;
        vn_model_instruction(m, i, &s);
        const double ns = (double)s.nanoseconds;
        p->instructions[i].time.current = ns;
        end_run(&p->instructions[i].time);
        p->nodes[p->node_of[i]].time.current += ns;
        p->unit[p->unit_of[i]].current += ns;
    }
    for (int i = 0; i < p->n_nodes; i++)
        end_run(&p->nodes[i].time);
    for (int i = 0; i < VN_UNITS; i++)
        end_run(&p->unit[i]);
}

static int longest_first(const void *x, const void *y)
{
    const struct vn_profile_row *a = x, *b = y;
    return a->time.sum < b->time.sum ? 1 : a->time.sum > b->time.sum ? -1 : 0;
}

void vn_profile_close(struct vn_profile *p)
{
    for (int i = 0; i < p->n_instructions; i++) {
        struct vn_profile_row *r = &p->instructions[i], *node = &p->nodes[p->node_of[i]];
        sort_first(&r->time);
        if (!node->opcode || r->time.sum > node->longest) {
            node->opcode = r->opcode;
            node->longest = r->time.sum;
        }
    }
    for (int i = 0; i < p->n_nodes; i++)
        sort_first(&p->nodes[i].time);
    qsort(p->nodes, (size_t)p->n_nodes, sizeof *p->nodes, longest_first);
}

/* ---- what is shown ---- */

static double total(const struct vn_profile_row *rows, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += rows[i].time.sum;
    return sum > 0 ? sum : 1;
}

void vn_print_profile(FILE *f, const char *title, const struct vn_profile_row *rows, int n)
{
    static const char *const titles[] = { "Instruction", "Node",  "Median us", "Min us",
                                          "Max us",      "Share", "GMAC/s",    "Of peak" };
    const double sum = total(rows, n);
    struct table *t = vn_table_new(8, titles);
    for (int i = 0; i < n; i++) {
        const struct vn_clocked *c = &rows[i].time;
        char text[6][32] = { "", "", "", "", "-", "-" };
        snprintf(text[0], sizeof *text, "%.1f", vn_clocked_median(c) / 1e3);
        snprintf(text[1], sizeof *text, "%.1f", c->min / 1e3);
        snprintf(text[2], sizeof *text, "%.1f", c->max / 1e3);
        snprintf(text[3], sizeof *text, "%.1f %%", 100 * c->sum / sum);
        if (rows[i].macs > 0)
            snprintf(text[4], sizeof *text, "%.1f", vn_profile_speed(&rows[i]));
        if (rows[i].peak > 0)
            snprintf(text[5], sizeof *text, "%.0f %%", 100 * vn_profile_reached(&rows[i]));
        vn_table_row(t, (const char *const[]){ rows[i].opcode, rows[i].node, text[0], text[1], text[2],
                                               text[3], text[4], text[5] });
    }
    fprintf(f, "\n%s\n", title);
    vn_table_print(t, f);
    vn_table_free(&t);
}

json_t *vn_json_profile(const struct vn_profile_row *rows, int n)
{
    const double sum = total(rows, n);
    json_t *list = json_array();
    for (int i = 0; i < n; i++) {
        const struct vn_profile_row *r = &rows[i];
        const struct vn_clocked *c = &r->time;
        json_t *o = json_pack("{s:s, s:s, s:f, s:f, s:f, s:f, s:f}", "node", r->node, "instruction",
                              r->opcode, "mean_ms", c->sum / (c->runs ? c->runs : 1) / 1e6, "median_ms",
                              vn_clocked_median(c) / 1e6, "min_ms", c->min / 1e6, "max_ms", c->max / 1e6,
                              "share", c->sum / sum);
        if (r->macs > 0)
            json_object_update_new(
                o, json_pack("{s:I, s:f}", "macs", (json_int_t)r->macs, "gmac_per_s", vn_profile_speed(r)));
        if (r->peak > 0)
            json_object_set_new(o, "of_peak", json_real(vn_profile_reached(r)));
        json_array_append_new(list, o);
    }
    return list;
}
