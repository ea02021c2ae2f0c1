/* What a verification found, as text and JSON. */
#include <string.h>

#include "base/escape.h"
#include "report/report.h"

#define NAME_WIDTH 40
#define ROWS_SHOWN 10 /* of tensors that differ */

/* ---- text ---- */

static const char *verdict(const struct vn_verified *r)
{
    if (r->different)
        return "DIFFERENT";
    return r->mistrusted ? "MISTRUSTED (mostly zeros)" : r->integer ? "equal" : "within the bound";
}

static void add_row(struct table *t, const struct vn_verified *r)
{
    char a[NAME_WIDTH + 1], b[NAME_WIDTH + 1], c[4][48], result[80];
    sprintf(c[0], "%d", r->instruction);
    sprintf(c[1], "%lld", (long long)r->compared);
    sprintf(c[2], "%lld", (long long)r->different);
    if (r->integer)
        sprintf(c[3], "%lld", (long long)r->max_step);
    else
        sprintf(c[3], "%.2g (%.2g of the bound)", r->max_difference, r->max_bound);
    snprintf(result, sizeof result, "%s%s", verdict(r), r->fused ? " (fused)" : "");
    vn_table_row(t, (const char *const[]){ c[0], vn_cut_left(r->name, NAME_WIDTH, a), vn_role_word(r->role),
                                           vn_cut_left(r->node, NAME_WIDTH, b), c[1], c[2], c[3], result });
}

/* Unless all are wanted: the first that differ, since one fault changes few tensors. */
static void print_rows(FILE *f, const struct vn_verified *rows, int n, int all)
{
    static const char *const titles[] = { "Instr.",   "Tensor",    "Role",    "Node",
                                          "Compared", "Different", "Largest", "Result" };
    struct table *t = vn_table_new(8, titles);
    int shown = 0, more = 0;
    for (int i = 0; i < n; i++) {
        if (!all && !rows[i].different)
            continue;
        if (all || shown < ROWS_SHOWN)
            add_row(t, &rows[i]);
        *(all || shown < ROWS_SHOWN ? &shown : &more) += 1;
    }
    if (shown)
        vn_table_print(t, f);
    if (more)
        fprintf(f, "... and %d more tensors differ (--all prints them)\n", more);
    vn_table_free(&t);
}

/* Names come from files. */
#define SHOWN(text) vn_shown(text, (char[VN_SHOWN]){ 0 })

static void print_first(FILE *f, const struct vn_verified *r)
{
    fprintf(f,
            "first difference: instruction %d (%s), node %s, tensor %s (%s), sample %d, flat index %lld: got "
            "%.9g, expected %.9g\n",
            r->instruction, r->opcode, SHOWN(r->node), SHOWN(r->name), vn_role_word(r->role), r->first_sample,
            (long long)r->first, r->got, r->expected);
}

static void print_stale(FILE *f, const struct vn_fault *x)
{
    if (x->instruction >= 0 && x->writer == x->instruction) {
        fprintf(f, "stale buffer: instruction %d (node %s) overwrites its input %s (tensor %d), sample %d\n",
                x->instruction, SHOWN(x->node), SHOWN(x->name), x->tensor, x->sample);
        return;
    }
    if (x->instruction >= 0)
        fprintf(f, "stale buffer: instruction %d (node %s) read tensor %s (number %d) after ", x->instruction,
                SHOWN(x->node), SHOWN(x->name), x->tensor);
    else
        fprintf(f, "stale buffer: the caller reads output %s (tensor %d) after ", SHOWN(x->name), x->tensor);
    if (x->writer >= 0)
        fprintf(f, "instruction %d (node %s)", x->writer, SHOWN(x->writer_node));
    else
        fprintf(f, "another instruction");
    fprintf(f, " had overwritten it, sample %d\n", x->sample);
}

static void print_constant(FILE *f, const struct vn_fault *x)
{
    fprintf(f, "wrong constant: tensor %d%s%s, read by instruction %d (node %s): ", x->tensor,
            *x->name ? " of " : "", SHOWN(x->name), x->instruction, SHOWN(x->node));
    if (x->why)
        fprintf(f, "%s\n", SHOWN(x->why));
    else
        fprintf(f, "%lld elements differ; element %lld is %.9g, expected %.9g\n", (long long)x->different,
                (long long)x->first, x->got, x->expected);
}

static void print_fault(FILE *f, const struct vn_fault *x)
{
    static const char *const titles[] = { [VN_FAULT_PARAMETERS] = "wrong parameters",
                                          [VN_FAULT_OUTPUT] = "wrong output",
                                          [VN_FAULT_UNVERIFIED] = "not verified" };
    if (x->kind == VN_FAULT_STALE)
        print_stale(f, x);
    else if (x->kind == VN_FAULT_CONSTANT)
        print_constant(f, x);
    else if (x->tensor < 0)
        fprintf(f, "%s: %s: %s\n", titles[x->kind], SHOWN(x->name), SHOWN(x->why));
    else
        fprintf(f, "%s: tensor %s (number %d, %s) of node %s: %s\n", titles[x->kind], SHOWN(x->name),
                x->tensor, vn_role_word(x->role), *x->node ? SHOWN(x->node) : "(input)", SHOWN(x->why));
}

void vn_print_verification(FILE *f, const struct vn_verification *v, int all)
{
    int n, n_faults, unverified = 0;
    const struct vn_verified *rows = vn_verification_tensors(v, &n);
    const struct vn_verify_summary *sum = vn_verification_summary(v);
    const struct vn_fault *faults = vn_verification_faults(v, &n_faults);
    print_rows(f, rows, n, all);
    if (sum->wrong >= 0)
        print_first(f, &rows[sum->wrong]);
    for (int i = 0; i < n_faults; i++) {
        print_fault(f, &faults[i]);
        unverified += faults[i].kind == VN_FAULT_UNVERIFIED;
    }
    fprintf(f, "%d samples, %d integer tensors: %lld integers compared, %lld different\n", sum->samples,
            sum->integer_tensors, (long long)sum->compared, (long long)sum->different);
    fprintf(f,
            "%d float tensors: %lld numbers compared, %lld beyond their bounds (largest difference: %.2g of "
            "its bound, %.2g relative)\n",
            sum->float_tensors, (long long)sum->floats, (long long)sum->floats_different, sum->max_bound,
            sum->max_relative);
    fprintf(f, "%d tensors and %d constants of the program, %d not verified, %d faults\n", sum->tensors,
            sum->constants, unverified, n_faults - unverified);
    fprintf(f, "drift from a separate run of the reference executor: %lld integers, outputs %.2g relative\n",
            (long long)sum->drifted, sum->drift);
}

/* ---- JSON ---- */

static json_t *row_json(const struct vn_verified *r)
{
    json_t *o = json_pack(
        "{s:s, s:s, s:s, s:s, s:i, s:i, s:b, s:b, s:I, s:I, s:I, s:o, s:o, s:o, s:b, s:I, s:o}", "tensor",
        r->name, "role", vn_role_word(r->role), "node", r->node, "opcode", r->opcode, "number", r->tensor,
        "instruction", r->instruction, "integer", r->integer, "fused", r->fused, "compared",
        (json_int_t)r->compared, "different", (json_int_t)r->different, "max_step", (json_int_t)r->max_step,
        "max_difference", vn_json_real(r->max_difference), "max_relative", vn_json_real(r->max_relative),
        "max_bound", vn_json_real(r->max_bound), "mistrusted", r->mistrusted, "drifted",
        (json_int_t)r->drifted, "drift", vn_json_real(r->drift));
    if (r->different)
        json_object_set_new(o, "first",
                            json_pack("{s:i, s:I, s:o, s:o}", "sample", r->first_sample, "index",
                                      (json_int_t)r->first, "got", vn_json_real(r->got), "expected",
                                      vn_json_real(r->expected)));
    return o;
}

static json_t *fault_json(const struct vn_fault *x)
{
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:s, s:i, s:i}", "kind", vn_fault_word(x->kind), "tensor", x->name, "role",
                  vn_role_word(x->role), "node", x->node, "number", x->tensor, "instruction", x->instruction);
    if (x->why)
        json_object_set_new(o, "why", json_string(x->why));
    if (x->kind == VN_FAULT_STALE)
        json_object_update_new(o, json_pack("{s:i, s:s, s:i}", "writer", x->writer, "writer_node",
                                            x->writer_node, "sample", x->sample));
    if (x->kind == VN_FAULT_CONSTANT && !x->why)
        json_object_update_new(o, json_pack("{s:I, s:I, s:o, s:o}", "different", (json_int_t)x->different,
                                            "first", (json_int_t)x->first, "got", vn_json_real(x->got),
                                            "expected", vn_json_real(x->expected)));
    return o;
}

json_t *vn_json_verification(const struct vn_verification *v)
{
    int n;
    const struct vn_verified *rows = vn_verification_tensors(v, &n);
    const struct vn_verify_summary *sum = vn_verification_summary(v);
    json_t *list = json_array(), *faults = json_array(), *o;
    int n_faults;
    const struct vn_fault *x = vn_verification_faults(v, &n_faults);
    for (int i = 0; i < n_faults; i++)
        json_array_append_new(faults, fault_json(&x[i]));
    for (int i = 0; i < n; i++)
        json_array_append_new(list, row_json(&rows[i]));
    o = json_pack("{s:b, s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:o, s:o, s:I, s:o, s:i, s:o, s:o}",
                  "passed", sum->passed, "samples", sum->samples, "program_tensors", sum->tensors,
                  "integer_tensors", sum->integer_tensors, "float_tensors", sum->float_tensors, "compared",
                  (json_int_t)sum->compared, "different", (json_int_t)sum->different, "floats",
                  (json_int_t)sum->floats, "floats_different", (json_int_t)sum->floats_different,
                  "max_relative", vn_json_real(sum->max_relative), "max_bound", vn_json_real(sum->max_bound),
                  "drifted", (json_int_t)sum->drifted, "drift", vn_json_real(sum->drift), "constants",
                  sum->constants, "tensors", list, "faults", faults);
    if (sum->wrong >= 0)
        json_object_set_new(o, "first_wrong", row_json(&rows[sum->wrong]));
    return o;
}

/* ---- pairs ---- */

static void add_agreement(struct table *t, const struct vn_agreement *r)
{
    char name[NAME_WIDTH + 1], c[5][40];
    sprintf(c[0], "%lld", (long long)r->compared);
    sprintf(c[1], "%lld", (long long)r->different);
    sprintf(c[2], "%.6f", r->cosine_min);
    sprintf(c[3], "%.2f", r->sqnr_min);
    sprintf(c[4], "%.4g", r->max_difference);
    vn_table_row(t, (const char *const[]){ vn_cut_left(r->name, NAME_WIDTH, name), r->output ? "output" : "",
                                           c[0], c[1], r->integer ? "-" : c[2], r->integer ? "-" : c[3], c[4],
                                           r->mistrusted ? "MISTRUSTED (mostly zeros)" : "" });
}

void vn_print_pair(FILE *f, const struct vn_pair *p, int all)
{
    static const char *const titles[] = {
        "Value", "", "Compared", "Different", "Cosine min.", "SQNR min. (dB)", "Max. diff.", ""
    };
    const struct vn_pair_info *sum = vn_pair_summary(p);
    struct table *t = vn_table_new(8, titles);
    int n, values = 0;
    const struct vn_agreement *rows = vn_pair_values(p, &n);
    for (int i = 0; i < n; i++) {
        values += !rows[i].output;
        if (all || rows[i].output || (sum->strict && rows[i].different))
            add_agreement(t, &rows[i]);
    }
    vn_table_print(t, f);
    vn_table_free(&t);
    fprintf(f, "%d samples, %d outputs and %d other common values\n", sum->samples, n - values, values);
}

json_t *vn_json_pair(const struct vn_pair *p)
{
    const struct vn_pair_info *sum = vn_pair_summary(p);
    json_t *list = json_array();
    int n;
    const struct vn_agreement *rows = vn_pair_values(p, &n);
    for (int i = 0; i < n; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:b, s:b, s:I, s:I, s:o, s:o, s:o, s:o, s:i, s:b}", "value", rows[i].name,
                            "output", rows[i].output, "integer", rows[i].integer, "compared",
                            (json_int_t)rows[i].compared, "different", (json_int_t)rows[i].different,
                            "cosine_min", vn_json_real(rows[i].cosine_min), "cosine_mean",
                            vn_json_real(rows[i].cosine_mean), "sqnr_min", vn_json_real(rows[i].sqnr_min),
                            "max_difference", vn_json_real(rows[i].max_difference), "worst_sample",
                            rows[i].worst_sample, "mistrusted", rows[i].mistrusted));
    return json_pack("{s:b, s:i, s:o, s:o}", "passed", sum->passed, "samples", sum->samples, "min_cosine",
                     vn_json_real(sum->min_cosine), "values", list);
}
