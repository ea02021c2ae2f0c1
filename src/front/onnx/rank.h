/* front/onnx/rank.h - the rank of a tensor, where a short look at the nodes in front of it tells. */
#ifndef VN_FRONT_ONNX_RANK_H
#define VN_FRONT_ONNX_RANK_H

#include "front/onnx/draft.h"

/* `makers`: tensor name -> struct draft_node * that makes it. -1: not known. */
int vn_onnx_rank(const struct draft *d, const struct vn_map *makers, const char *name);

#endif
