#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/escape.h"
#include "graph/reason.h"
#include "report/report.h"

void vn_json_print(FILE *f, json_t *j)
{
    json_dumpf(j, f, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9));
    fputc('\n', f);
    json_decref(j);
}

json_t *vn_json_real(double x) { return x - x == 0 ? json_real(x) : json_null(); }

json_t *vn_json_text(const char *text)
{
    json_t *j = json_string(text ? text : "");
    if (j)
        return j;
    struct vn_arena *a = vn_arena_new();
    const size_t room = 4 * strlen(text) + 1;
    j = json_string(vn_escape(vn_arena_alloc(a, room), room, text));
    vn_arena_free(&a);
    return j;
}

json_t *vn_json_reason(const struct vn_reason *r)
{
    const char *const *args;
    struct vn_arena *a = vn_arena_new();
    json_t *list = json_array();
    const int n = vn_reason_args(r, &args);
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_string(args[i]));
    json_t *o =
        json_pack("{s:s, s:o, s:s}", "id", vn_reason_id(r), "args", list, "text", vn_reason_string(a, r));
    vn_arena_free(&a);
    return o;
}

static void add_reason(json_t *o, const struct vn_reason *r)
{
    json_t *reason = vn_json_reason(r);
    json_object_set(o, "why_float", json_object_get(reason, "text"));
    json_object_set_new(o, "reason", reason);
    if (vn_reason_remedy(r))
        json_object_set_new(o, "remedy", json_string(vn_reason_remedy(r)));
}

json_t *vn_json_nodes(const struct vn_node_row *rows, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++) {
        const struct vn_node_row *r = &rows[i];
        json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s}", "node", r->node, "on", r->on, "subgraph",
                              r->subgraph, "type", r->type, "dtype", r->dtype);
        if (r->compared) {
            json_object_set_new(o, "cosine", vn_json_real(r->cosine));
            json_object_set_new(o, "cosine_min", vn_json_real(r->cosine_min));
            json_object_set_new(o, "cosine_mean", vn_json_real(r->cosine_mean));
        }
        if (r->threshold > 0)
            json_object_set_new(o, "threshold", vn_json_real(r->threshold));
        if (r->why_float)
            add_reason(o, r->why_float);
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *output_json(const struct vn_output_row *r)
{
    json_t *o = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "output", r->output, "cosine",
                          vn_json_real(r->cosine), "l1", vn_json_real(r->l1), "l2", vn_json_real(r->l2),
                          "chebyshev", vn_json_real(r->chebyshev), "cosine_min", vn_json_real(r->cosine_min),
                          "cosine_mean", vn_json_real(r->cosine_mean));
    if (r->exact)
        json_object_update_new(o, json_pack("{s:o, s:o, s:o, s:s?}", "equal", vn_json_real(r->equal),
                                            "equal_min", vn_json_real(r->equal_min), "equal_mean",
                                            vn_json_real(r->equal_mean), "judged_by", r->judged_by));
    return o;
}

json_t *vn_json_outputs(const struct vn_output_row *rows, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, output_json(&rows[i]));
    return list;
}
