/* ops/rnn.c - a simple recurrent layer. */
#include "ops/recurrent.h"

static const struct attr_spec specs[] = { RECURRENT_ATTRS, A_END };
RECURRENT(rnn, "RNN", 0, 6, 2);
