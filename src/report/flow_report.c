/* The steps of a flow as text and JSON. */
#include "report/report.h"

static const char *const states[] = {
    [VN_FLOW_PASS] = "PASS", [VN_FLOW_FAIL] = "FAIL", [VN_FLOW_SKIPPED] = "SKIPPED"
};

void vn_print_flow(FILE *f, const struct vn_flow_result *r)
{
    const struct vn_flow_verdict *sum = vn_flow_summary(r);
    static const char *const titles[] = { "Step", "", "Result" };
    int n;
    const struct vn_flow_step *s = vn_flow_steps(r, &n);
    struct table *t = vn_table_new(3, titles);
    for (int i = 0; i < n; i++)
        vn_table_row(t, (const char *const[]){ s[i].name, states[s[i].state],
                                               s[i].failure.cause ? s[i].failure.cause : s[i].why });
    vn_table_print(t, f);
    vn_table_free(&t);
    fprintf(f, "%s: %d of %d checked, %s\n", sum->config, sum->checked, sum->steps,
            sum->passed        ? "PASSED"
            : sum->failed >= 0 ? "FAILED"
                               : "NOT PASSED: steps were skipped");
    if (sum->failed < 0)
        return;
    const struct vn_flow_step *bad = &s[sum->failed];
    if (bad->node)
        fprintf(f, "node: %s\n", bad->node);
    fprintf(f, "cause: %s\nevidence: %s\n", bad->failure.cause, bad->failure.evidence);
    fprintf(f, "next: %s\n", bad->failure.next_command);
}

json_t *vn_json_flow(const struct vn_flow_result *r)
{
    const struct vn_flow_verdict *sum = vn_flow_summary(r);
    json_t *list = json_array();
    int n;
    const struct vn_flow_step *s = vn_flow_steps(r, &n);
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s?, s:o}", "step", s[i].name, "what",
                                              s[i].what, "state", states[s[i].state], "why", s[i].why, "node",
                                              s[i].node, "seconds", vn_json_real(s[i].seconds)));
    return json_pack("{s:b, s:s, s:i, s:i, s:o}", "passed", sum->passed, "config", sum->config, "counted",
                     sum->steps, "checked", sum->checked, "steps", list);
}
