/* flow/compare_side.h - one side of a comparison: an artefact that runs, or arrays that a run has saved. */
#ifndef VN_COMPARE_SIDE_H
#define VN_COMPARE_SIDE_H

#include <vernier/compare.h>

#include "align/align.h"
#include "session/session.h"

struct compare_side {
    const char *path;
    struct vn_session *s; /* NULL: saved arrays */
    struct trace t; /* the arrays; of an artefact the values of the sample that ran last */
    struct vn_arena *arena; /* of these, while it runs */
    struct vn_arena *kept; /* of what follows */
    int outputs_only; /* other values are not kept, but what integer outputs are judged by */
    const unsigned char *judges; /* by value id (vn_graph_judges); NULL: arrays, or a .bin */
    struct vn_map *exact; /* of an artefact: values that are integers or booleans */
    struct vn_map *values; /* of an artefact: names of its values by the names that files have */
    struct vn_map *results; /* of a network: results of nodes by the names that nodes' files have */
    struct vn_map *stored; /* of an artefact: views of the values that it holds as integers with a scale */
    struct vn_map
        *clamped; /* of an artefact: values that only a clamp reads, which may share its parameters */
};

/* Is this file run? Others hold arrays. */
int vn_compare_is_artefact(const char *path);
/* Open an artefact; marks: as of vn_verify_open. */
int vn_compare_side_open(struct compare_side *side, struct vn_arena *a, const char *path,
                         const struct vn_compare_options *o, unsigned char *marks, struct vn_err *e);
/* A session as an artefact; `path`: what it is called. */
void vn_compare_side_take(struct compare_side *side, struct vn_arena *a, const char *path,
                          struct vn_session *s);
/* Read arrays. Raw dumps named as values of `other`, an artefact or NULL, need no form. */
int vn_compare_side_read(struct compare_side *side, struct vn_arena *a, const char *path,
                         const struct compare_side *other, const struct vn_compare_options *o,
                         struct vn_err *e);
/* The value of the artefact that a file of this name holds; NULL: of none. */
const char *vn_compare_value(const struct compare_side *artefact, struct vn_arena *a, const char *file);
/* Run what was fed, and keep every value in `a` as the only sample of side->t. */
int vn_compare_side_run(struct compare_side *side, struct vn_arena *a, struct vn_err *e);
/* Feed an artefact with the inputs that a sample of arrays holds. VN_E_USAGE: one is missing. */
int vn_compare_side_feed(struct compare_side *artefact, struct vn_arena *a, const struct compare_side *arrays,
                         int sample, struct vn_err *e);
/* The tensor as float32 in `a`, dequantized where `artefact` (NULL: none) has a value of that name and the
 * tensor holds its stored integers. exact: 1: they are numbers themselves. NULL: nothing gives a scale. */
const float *vn_compare_reals(const struct compare_side *artefact, struct vn_arena *a, const char *name,
                              const struct vn_tensor *t, int exact);

#endif
