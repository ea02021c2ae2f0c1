/* Which operators can be read; all that cannot are listed in one message. */
#include <stdio.h>

#include "front/onnx/draft.h"

/* A file's nodes of our domain call functions; all variants of one are one operator. */
const struct op_def *vn_onnx_op(const struct onnx_node *n)
{
    const char *domain = n->domain ? n->domain : "";
    for (int i = 0; i < vn_ops_count && !strcmp(domain, ONNX_OUR_DOMAIN); i++)
        if (vn_ops[i]->domain && !strcmp(vn_ops[i]->domain, domain) &&
            !strncmp(n->op_type, vn_ops[i]->onnx, strlen(vn_ops[i]->onnx)))
            return vn_ops[i];
    const struct op_def *op = vn_op_find(n->op_type, domain);
    return op ? op : vn_onnx_custom_op(n);
}

static int is_default_domain(const struct onnx_node *n)
{
    return !n->domain || !*n->domain || !strcmp(n->domain, "ai.onnx");
}

static int is_supported(const struct onnx_node *n)
{
    if (vn_onnx_upgrade_knows(n->domain, n->op_type))
        return 1;
    return vn_onnx_op(n) != NULL;
}

struct missing {
    const char *op, *domain, *first;
    const char *names; /* of all its nodes, as far as a message goes */
    int count;
};

#define LISTED 8 /* names in a problem */

static const char *domain_of(const struct onnx_node *n) { return is_default_domain(n) ? "" : n->domain; }

/* Each operator as a problem of its own; its nodes leave the draft. */
static int report(struct draft *d, struct missing *const *missing, int n, struct vn_err *e)
{
    for (int i = 0; i < n; i++) {
        const struct missing *x = missing[i];
        const int status =
            vn_fail(e, VN_E_UNSUPPORTED, "%s: operator %s%s%s is not supported: %d node%s: %s%s", d->path,
                    x->domain, *x->domain ? "." : "", x->op, x->count, x->count > 1 ? "s" : "", x->names,
                    x->count > LISTED ? ", ..." : "");
        TRY(vn_onnx_problem(d, vn_because(e, REASON_unsupported, status), e));
    }
    int kept = 0;
    for (int i = 0; i < d->nodes.n; i++)
        if (is_supported(&d->nodes.v[i]->raw))
            d->nodes.v[kept++] = d->nodes.v[i];
    d->nodes.n = kept;
    return VN_OK;
}

int vn_onnx_check_support(struct draft *d, struct vn_err *e)
{
    VEC(struct missing *) missing = { 0 };
    struct vn_map *known = vn_map_new(d->arena);
    for (int i = 0; i < d->nodes.n; i++) {
        const struct draft_node *n = d->nodes.v[i];
        if (is_supported(&n->raw))
            continue;
        const char *key = vn_arena_fmt(d->arena, "%s:%s", domain_of(&n->raw), n->raw.op_type);
        struct missing *x = vn_map_get(known, key);
        if (!x) {
            x = NEW(d->arena, struct missing);
            *x = (struct missing){ n->raw.op_type, domain_of(&n->raw), n->name, "", 0 };
            vn_map_set(known, key, x);
            VEC_PUSH(d->arena, &missing, x);
        }
        if (x->count++ < LISTED)
            x->names = vn_arena_fmt(d->arena, "%s%s%.60s", x->names, *x->names ? ", " : "", n->name);
    }
    if (missing.n && d->options && d->options->survey)
        return report(d, missing.v, missing.n, e);
    if (!missing.n)
        return VN_OK;
    char list[800] = "";
    for (int i = 0; i < missing.n; i++) {
        const struct missing *x = missing.v[i];
        const size_t n = strlen(list);
        if (n > 600) {
            snprintf(list + n, sizeof list - n, " and %d more", missing.n - i);
            break;
        }
        snprintf(list + n, sizeof list - n, "%s%.60s%s%.60s (%d, first %.60s)", i ? ", " : "", x->domain,
                 *x->domain ? "." : "", x->op, x->count, x->first);
    }
    return vn_because(e, REASON_unsupported,
                      vn_fail(e, VN_E_UNSUPPORTED, "%s: unsupported operators: %s", d->path, list));
}
