/* quant/widths.h - int8 or int16: what the configuration asks for, against what the target allows. */
#ifndef VN_QUANT_WIDTHS_H
#define VN_QUANT_WIDTHS_H

#include "graph/graph.h"
#include "quant/quant.h"

/* What the rules say of one node; bits 8, 16, or 0 with level 0 where nothing is said. */
struct wanted {
    enum unit on;
    int in[CONFIG_NODE_INPUTS], in_level[CONFIG_NODE_INPUTS];
    int out, out_level;
};
struct wanted vn_widths_wanted(const struct vn_quant_options *o, const struct node *n);

/* Can the target compute the node in int16? */
int vn_widths_allowed(const struct vn_quant_options *o, const struct node *n);

/* The same, and does no rule request int8 of it? */
int vn_widths_free(const struct vn_quant_options *o, const struct node *n);

/* By value id: 1 where integer nodes (by node id) shall hold it in int16. A value has one type, the one that
 * most specific rule about its maker or a reader asks for (int16 where two ask alike), and int8 where the
 * target has no int16 for one of them, which is reported to o->note. Values that share parameters (`same`:
 * pairs of value ids, ended by -1) share the type. held: by value id, int16 unless a rule about one operator
 * or node says otherwise. */
char *vn_widths_decide(struct vn_arena *a, const struct graph *g, const struct vn_quant_options *o,
                       const char *integer, const int *same, const char *held);

#endif
