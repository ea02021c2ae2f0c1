/* passes/match.h - patterns of nodes as text. A pass that fuses a pattern is its forms and a function that
 * makes what replaces them.
 *
 *     (Mul x (Sigmoid x))                     operators by ONNX name with all inputs; those of
 *                                             commutative ones in any order
 *     x                                       a letter captures a value: any at first, the same one where it
 * comes again #k                                      a constant, captured 0.5 a float constant all of whose
 * elements are this number e=(Exp x)                               captures the result of a node; the node is
 * vn_match_node(m, 'e')
 *
 * Nothing but the matched nodes may read what is computed inside, no graph output either; all is float32 and
 * of a size that does not depend on the data.
 */
#ifndef VN_MATCH_H
#define VN_MATCH_H

#include "ops/op.h"
#include "passes/pass.h"

#define MATCH_NODES 24

struct match {
    struct graph *g;
    struct node *root; /* makes the result; its name and its output's name survive */
    struct value *value[26]; /* by letter */
    struct node *inner[MATCH_NODES]; /* the other nodes, each once */
    int n_inner;
};
static inline struct value *vn_match_value(const struct match *m, char letter)
{
    return m->value[letter - 'a'];
}
static inline struct node *vn_match_node(const struct match *m, char letter)
{
    return m->value[letter - 'a']->producer;
}
/* Captured constant of one element: its value. 0: it has several. */
int vn_match_number(const struct match *m, char letter, double *x);
/* Result of the same shape as a captured value: no constant has widened it. */
int vn_match_keeps_shape(const struct match *m, char letter);
/* Axes that captured constant `axes` names, counted from the front: is it exactly the trailing ones of x?
 * Gives the first, or -1. */
int vn_match_trailing_axes(const struct match *m, char x, char axes);

/* Take the matched nodes out and let a new node (attributes at their defaults) make the result. */
struct node *vn_match_replace(struct match *m, const struct op_def *op, int n_in, struct value *const *in);
/* Constants for the new node; the names come from the root. */
struct value *vn_match_const(struct match *m, const char *what, const struct vn_shape *s, double fill);
struct value *vn_match_scalar(struct match *m, const char *what, double x);

/* Make the matched nodes a normalization of x over its axes from `axis` on, with scale 1 and the epsilon
 * captured as e; all captured constants of axes must agree, and the means captured as m and v keep their
 * axes. -1 as axis: 0. */
int vn_match_normal(struct match *m, const struct op_def *op, int axis);

/* A pass made of a pattern. `forms` end with NULL. `fuse` makes the replacement: 1, or 0 where the captures
 * do not fit after all. */
struct pattern {
    const char *const *forms;
    int (*fuse)(struct match *m);
};
/* Every place of the graph; the number of fusions. */
int vn_pattern_run(const struct pattern *p, struct graph *g);

#define PATTERN_PASS(pass_name, what, form_list, fuse_function) \
    static int run(struct graph *g, struct vn_err *e) \
    { \
        static const struct pattern p = { form_list, fuse_function }; \
        (void)e; \
        return vn_pattern_run(&p, g); \
    } \
    const struct pass vn_pass_##pass_name = { .name = #pass_name, .help = what, .run = run }

#endif
