/* Transpose behind Transpose is one, or none. */
#include "passes/match.h"

static const char *const forms[] = { "(Transpose t=(Transpose x))", NULL };

static void perm_of(const struct node *n, int64_t *perm)
{
    const struct perm_attrs *a = n->attrs;
    const int rank = n->in[0]->shape.rank;
    for (int d = 0; d < rank; d++)
        perm[d] = a->perm.n ? a->perm.v[d] : rank - 1 - d;
}

static int fuse(struct match *m)
{
    const int rank = vn_match_value(m, 'x')->shape.rank;
    int64_t first[VN_MAX_RANK], second[VN_MAX_RANK], *both = NEW_ARRAY(m->g->arena, int64_t, rank);
    perm_of(vn_match_node(m, 't'), first);
    perm_of(m->root, second);
    for (int d = 0; d < rank; d++)
        both[d] = first[second[d]];
    struct perm_attrs *a =
        vn_match_replace(m, &vn_op_transpose, 1, (struct value *[]){ vn_match_value(m, 'x') })->attrs;
    a->perm = (struct ints){ rank, both };
    return 1;
}

PATTERN_PASS(merge_transposes, "two Transpose nodes become one", forms, fuse);
