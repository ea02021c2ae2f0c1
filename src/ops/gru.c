/* ops/gru.c - gated recurrent units. */
#include "ops/recurrent.h"

static const struct attr_spec specs[] = {
    RECURRENT_ATTRS, A_INT(struct recurrent_attrs, option, "linear_before_reset", 0, 0, 1), A_END
};
RECURRENT(gru, "GRU", 1, 6, 2);
