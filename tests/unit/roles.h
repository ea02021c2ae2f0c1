/* tests/unit/roles.h - each tensor of a loaded program has a role, and its name is that of a value of the
 * graph it was made from. */
#ifndef VN_UNIT_ROLES_H
#define VN_UNIT_ROLES_H

#include <stdio.h>
#include <string.h>

#include <vernier/runtime.h>

#include "graph/graph.h"

/* What is wrong with tensor t, or NULL. */
static inline const char *wrong_role(const struct graph *g, const struct vn_view *t)
{
    const struct value *v = vn_graph_find(g, t->name);
    if (t->role <= VN_ROLE_NONE || t->role >= VN_ROLE_COUNT)
        return "has no role";
    if (!v && (t->role != VN_ROLE_CONST || *t->name))
        return "bears the name of no value";
    if (t->role == VN_ROLE_CONST && !t->constant)
        return "is computed, with the role of a constant";
    if (t->role == VN_ROLE_VALUE && v->q &&
        (t->dtype != v->q->dtype || t->n_scale != 1 || *t->scale != v->q->scale[0]))
        return "has other parameters than its value";
    return t->role == VN_ROLE_FLOAT && (!v->q || t->dtype != VN_F32)
               ? "is the float32 of a value that is not quantized"
               : NULL;
}

/* Tensors of role VALUE with the name of tensor t: one, or for constants one in each memory order. */
static inline int is_unique(const struct vn_model *m, const struct vn_view *t)
{
    int n = 0;
    struct vn_view other;
    for (int i = 0; vn_model_tensor(m, i, &other) == VN_OK; i++)
        n += other.role == VN_ROLE_VALUE && !strcmp(other.name, t->name);
    return n <= 1 + t->constant;
}

/* 0, or -1 with the reason in text. */
static inline int check_roles(const struct vn_model *m, const struct graph *g, char *text, size_t size)
{
    struct vn_view t;
    for (int i = 0; vn_model_tensor(m, i, &t) == VN_OK; i++) {
        const char *wrong = wrong_role(g, &t);
        if (!wrong && t.role == VN_ROLE_VALUE && !is_unique(m, &t))
            wrong = "has the role value, as another has";
        if (wrong) {
            snprintf(text, size, "tensor %d '%s' (%s) %s", i, t.name, vn_role_word(t.role), wrong);
            return -1;
        }
    }
    return 0;
}

#endif
