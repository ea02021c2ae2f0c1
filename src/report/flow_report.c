/* The steps of a flow as text and JSON. */
#include <math.h>

#include "report/report.h"

static const char *const states[] = {
    [VN_FLOW_PASS] = "PASS", [VN_FLOW_FAIL] = "FAIL", [VN_FLOW_SKIPPED] = "SKIPPED"
};

static void print_also(FILE *f, const struct vn_flow_step *s)
{
    for (int i = 0; i < s->n_also; i++)
        fprintf(f, "also: %s: %s\n", s->also[i].cause, s->also[i].evidence);
}

static void print_advice(FILE *f, const struct vn_flow_step *s)
{
    if (!s->advice.cause)
        return;
    fprintf(f, "%s passes, but: %s\nevidence: %s\n", s->name, s->advice.cause, s->advice.evidence);
    print_also(f, s);
    fprintf(f, "next: %s\n", s->advice.next_command);
}

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
    for (int i = 0; i < n; i++)
        print_advice(f, &s[i]);
    if (sum->failed < 0)
        return;
    const struct vn_flow_step *bad = &s[sum->failed];
    if (bad->node)
        fprintf(f, "node: %s\n", bad->node);
    fprintf(f, "cause: %s\nevidence: %s\n", bad->failure.cause, bad->failure.evidence);
    print_also(f, bad);
    fprintf(f, "next: %s\n", bad->failure.next_command);
}

static json_t *json_also(const struct vn_flow_step *s)
{
    json_t *list = json_array();
    for (int i = 0; i < s->n_also; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:s}", "cause", s->also[i].cause, "evidence", s->also[i].evidence));
    return list;
}

static json_t *json_step(const struct vn_flow_step *s)
{
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s?, s:o, s:o}", "step", s->name, "what", s->what, "state",
                          states[s->state], "why", s->why, "node", s->node, "seconds",
                          vn_json_real(round(s->seconds * 1e3) / 1e3), "also", json_also(s));
    if (s->advice.cause)
        json_object_set_new(o, "advice",
                            json_pack("{s:s, s:s, s:s}", "cause", s->advice.cause, "evidence",
                                      s->advice.evidence, "next_command", s->advice.next_command));
    return o;
}

static json_t *json_nodes(const struct vn_flow_result *r)
{
    int n;
    const struct vn_conversion *c = vn_flow_conversion(r);
    const struct vn_node_row *nodes = c ? vn_conversion_nodes(c, &n) : NULL;
    return nodes ? vn_json_nodes(nodes, n) : json_array();
}

json_t *vn_json_flow(const struct vn_flow_result *r)
{
    const struct vn_flow_verdict *sum = vn_flow_summary(r);
    json_t *list = json_array();
    int n;
    const struct vn_flow_step *s = vn_flow_steps(r, &n);
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_step(&s[i]));
    return json_pack("{s:b, s:s, s:i, s:i, s:o, s:o}", "passed", sum->passed, "config", sum->config,
                     "counted", sum->steps, "checked", sum->checked, "steps", list, "nodes", json_nodes(r));
}
