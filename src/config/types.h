/* config/types.h - inside config/ only: everything that chooses the types of nodes, as one list of rules. */
#ifndef VN_CONFIG_TYPES_H
#define VN_CONFIG_TYPES_H

#include "config/config.h"

/* A word of `optimization` that chooses types: appends its rule and returns 1, or 0 for other words. */
int vn_config_type_word(struct config *c, struct vn_arena *a, const struct setting *s, const char *word);
/* The rules of node_info, run_on_cpu, run_on_bpu, set_node_data_type. */
int vn_config_types(struct config *c, struct vn_arena *a, struct vn_err *e);
/* A rule about all inputs and the result (bits 0: neither). */
struct type_rule *vn_config_add_type(struct config *c, struct vn_arena *a, const struct setting *s,
                                     enum type_level level, const char *name, int bits);
/* 8 for int8, 16 for int16, 0 for another word. */
int vn_config_bits(const char *word);

#endif
