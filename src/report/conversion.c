/* Conversions as text and JSON. */
#include <math.h>

#include <vernier/report.h>

#include "base/escape.h"
#include "report/report.h"

/* Of deleted nodes there is a file only where there are some. */
static const char *const stages[] = { "original_float", "optimized_float", "calibrated", "quantized", "bin",
                                      "deleted_nodes" };
#define N_STAGES ((int)(sizeof stages / sizeof *stages))

static void print_worst(FILE *f, const struct vn_output_row *rows, int n)
{
    for (int i = 0; i < n; i++)
        if (rows[i].elements == 1)
            fprintf(f, "output %s has one element: its cosine is always 1 or -1; see L1 Distance\n",
                    vn_shown(rows[i].output, (char[VN_SHOWN]){ 0 }));
        else if (rows[i].worst_sample)
            fprintf(f, "worst sample of output %s: %s, cosine %.6f\n",
                    vn_shown(rows[i].output, (char[VN_SHOWN]){ 0 }),
                    vn_shown(rows[i].worst_sample, (char[VN_SHOWN]){ 0 }), rows[i].cosine_min);
}

static json_t *outputs_json(const struct vn_output_row *rows, int n)
{
    json_t *list = vn_json_outputs(rows, n);
    for (int i = 0; i < n; i++)
        if (rows[i].worst_sample)
            json_object_set_new(json_array_get(list, (size_t)i), "worst_sample",
                                json_string(rows[i].worst_sample));
    return list;
}

void vn_print_conversion(FILE *f, const struct vn_conversion *c)
{
    int n, n_outputs;
    const struct vn_node_row *nodes = vn_conversion_nodes(c, &n);
    const struct vn_output_row *outputs = vn_conversion_outputs(c, &n_outputs);
    fprintf(f, "The main quantized node information:\n");
    vn_print_nodes(f, nodes, n, 1);
    vn_print_fallbacks(f, nodes, n, 0);
    fprintf(f, "The quantized model output:\n");
    vn_print_outputs(f, outputs, n_outputs);
    print_worst(f, outputs, n_outputs);
    fprintf(f, "\nProducts:\n");
    for (int i = 0; i < N_STAGES; i++)
        if (vn_conversion_product(c, stages[i]))
            fprintf(f, "    %-16s %s\n", stages[i], vn_conversion_product(c, stages[i]));
    fprintf(f, "Next: vernier verify %s %s\n", vn_conversion_product(c, "quantized"),
            vn_conversion_product(c, "bin"));
}

json_t *vn_json_conversion(const struct vn_conversion *c, int passed)
{
    int n, n_outputs;
    const struct vn_node_row *nodes = vn_conversion_nodes(c, &n);
    const struct vn_output_row *outputs = vn_conversion_outputs(c, &n_outputs);
    const struct vn_convert_summary *s = vn_conversion_summary(c);
    json_t *products = json_object();
    for (int i = 0; i < N_STAGES; i++)
        if (vn_conversion_product(c, stages[i]))
            json_object_set_new(products, stages[i], json_string(vn_conversion_product(c, stages[i])));
    return json_pack("{s:s, s:s, s:b, s:o, s:o, s:o}", "march", s->march, "method", s->method, "passed",
                     passed, "products", products, "nodes", vn_json_nodes(nodes, n), "outputs",
                     outputs_json(outputs, n_outputs));
}

void vn_print_conversion_json(FILE *f, const struct vn_conversion *c, int passed)
{
    vn_json_print(f, vn_json_conversion(c, passed));
}

#define NORMAL_COSINE 0.99 /* of an output; less deserves a look */

/* The node where the mean cosine falls most from one row of the table to the next. */
static const char *steepest(const struct vn_conversion *c)
{
    int n;
    const struct vn_node_row *rows = vn_conversion_nodes(c, &n);
    const char *node = NULL;
    double before = 1, most = 0;
    for (int i = 0; i < n; i++) {
        if (!rows[i].compared)
            continue;
        if (before - rows[i].cosine_mean > most) {
            most = before - rows[i].cosine_mean;
            node = rows[i].node;
        }
        before = rows[i].cosine_mean;
    }
    return node;
}

static void advise(FILE *f, const struct vn_conversion *c)
{
    const struct vn_convert_summary *s = vn_conversion_summary(c);
    fprintf(f, "    the mean cosine falls most at node %s of the table\n",
            vn_shown(steepest(c), (char[VN_SHOWN]){ 0 }));
    if (!s->searched)
        fprintf(f, "    try 'calibration_type: default', which compares several methods\n");
    if (!s->bias_corrected)
        fprintf(f, "    try 'optimization: bias_correction'\n");
    fprintf(f,
            "    cosine is not accuracy: vernier eval ORIGINAL_FLOAT QUANTIZED --metric NAME measures the\n"
            "    latter on labelled images (top_k, miou, coco, ctc)\n");
    fprintf(f, "    check that the calibration samples match training (colour order, mean and scale once, "
               "about 100 samples)\n");
}

static int is_judged(const struct vn_output_row *r) { return !r->exact || r->judged_by; }

/* An output that is not float is as good as what judges it; 1: at least `least`. */
static int print_low(FILE *f, const struct vn_output_row *r, double least)
{
    const double mean = r->cosine_mean;
    if (is_judged(r) && isnan(mean)) {
        fprintf(f,
                "output %s: the float network yields infinite or NaN values for the calibration samples, so "
                "it has no cosine: calibrate with valid samples of the network's inputs\n",
                vn_shown(r->output, (char[VN_SHOWN]){ 0 }));
        return 0;
    }
    const int good = mean >= least || !is_judged(r);
    if (is_judged(r) && !(mean >= NORMAL_COSINE && good))
        fprintf(f, "output %s: mean cosine%s%s%s %.6f; %.2f and more is normal%s\n",
                vn_shown(r->output, (char[VN_SHOWN]){ 0 }), r->judged_by ? " of " : "",
                r->judged_by ? vn_shown(r->judged_by, (char[VN_SHOWN]){ 0 }) : "",
                r->judged_by ? ", the float tensor before it," : "", mean, NORMAL_COSINE,
                good ? "" : ", and this is below --min-cosine");
    return good;
}

int vn_print_low_outputs(FILE *f, const struct vn_conversion *c, double least)
{
    int n, good = 1, low = 0;
    const struct vn_output_row *rows = vn_conversion_outputs(c, &n);
    for (int i = 0; i < n; i++) {
        good &= print_low(f, &rows[i], least);
        low |= is_judged(&rows[i]) && rows[i].cosine_mean < NORMAL_COSINE;
    }
    if (low)
        advise(f, c);
    return good;
}

int vn_print_doubtful(FILE *f, const struct vn_finding *v, int n)
{
    int doubts = 0;
    for (int i = 0; i < n; i++) {
        if (v[i].severity == VN_FINDING_WARNING)
            continue;
        fprintf(f, "the results cannot be trusted: %s\n", v[i].text);
        doubts++;
    }
    return doubts;
}

int vn_print_doubts(FILE *f, const struct vn_conversion *c)
{
    int n;
    const struct vn_finding *v = vn_conversion_findings(c, &n);
    return vn_print_doubtful(f, v, n);
}
