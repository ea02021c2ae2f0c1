/* Times of runs and of their instructions. */
#include <stdlib.h>

#include "report/report.h"

static int ascending(const void *x, const void *y)
{
    const uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
    return a < b ? -1 : a > b;
}

void vn_times_sort(uint64_t *ns, int n) { qsort(ns, (size_t)n, sizeof *ns, ascending); }

double vn_times_ms(const uint64_t *ns, int n, int percent)
{
    const int64_t i = (int64_t)n * percent / 100;
    return (double)ns[i < n ? i : n - 1] / 1e6;
}

void vn_profile_add(struct vn_profile_row *rows, const struct vn_model *m)
{
    struct vn_instruction s;
    for (int i = 0; vn_model_instruction(m, i, &s) == VN_OK; i++)
        rows[i] = (struct vn_profile_row){ s.opcode, s.node, rows[i].ns + (double)s.nanoseconds };
}

void vn_print_profile(FILE *f, const struct vn_profile_row *rows, int n)
{
    static const char *const titles[] = { "Instruction", "Node", "Microseconds", "Share" };
    double sum = 0;
    struct table *t = vn_table_new(4, titles);
    for (int i = 0; i < n; i++)
        sum += rows[i].ns;
    for (int i = 0; i < n; i++) {
        char us[32], share[32];
        snprintf(us, sizeof us, "%.1f", rows[i].ns / 1000);
        snprintf(share, sizeof share, "%.1f %%", sum > 0 ? 100 * rows[i].ns / sum : 0);
        vn_table_row(t, (const char *const[]){ rows[i].opcode, rows[i].node, us, share });
    }
    vn_table_print(t, f);
    vn_table_free(&t);
}

json_t *vn_json_profile(const struct vn_profile_row *rows, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:f}", "node", rows[i].node, "instruction",
                                              rows[i].opcode, "ms", rows[i].ns / 1e6));
    return list;
}
