/* align/search.h - between explain.c, which asks what both sides do in a stage, and those who search:
 * search.c for pictures, decoders.c for files, lists.c for boxes and scores. */
#ifndef VN_ALIGN_SEARCH_H
#define VN_ALIGN_SEARCH_H

#include "align/rules.h"

#define MOST_RULES 64 /* of one side */

struct search_pair {
    struct grid x, y;
    const struct stage_arrays *of;
    int side; /* whose y it is */
    struct grid **decoded; /* of->source by decoder; NULL: not yet read */
};

struct search {
    struct vn_arena *a;
    struct search_pair *pair;
    int n; /* pairs that are searched; of `all` */
    int all;
    int relation; /* x is the other side's y */
    const struct decoder_rule *decoder; /* pair[i].x are files read by it; NULL: arrays */
    struct stage_rule found[MOST_RULES];
    int n_found, tried;
};

/* Does the rule hold on pair i? Lists: `r` is narrowed to what pair i allows. */
int vn_search_holds(struct search *s, struct stage_rule *r, int i);

/* Every search adds to s->found. */
void vn_search_arrays(struct search *s);
void vn_search_same_size(struct search *s); /* only what leaves the size, or turns it */
void vn_search_lists(struct search *s);

/* The input of pair i as a rule sees it: pixels of its decoder. */
struct grid *vn_search_input(struct search *s, int i, const struct stage_rule *r);
/* Pixels of pair i's file; no layout where it cannot be read. */
struct grid *vn_search_decoded(struct search *s, int i, const struct decoder_rule *d);
/* The decoders that read the first file and give other pixels than those before them; returns how many. */
#define MOST_DECODERS 16
int vn_decoders_differ(const struct decoder_rule *list[MOST_DECODERS], struct search *s);
/* Is the array a list: boxes, scores, indices? */
int vn_is_list(const struct vn_tensor *t);
struct list_rule vn_list_same(void); /* every row, as it is */
int vn_list_holds(struct stage_rule *r, const struct search_pair *p, int relation);

#endif
