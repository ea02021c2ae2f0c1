/* ops/lstm.c - long short-term memory. */
#include "ops/recurrent.h"

static const struct attr_spec specs[] = { RECURRENT_ATTRS,
                                          A_INT(struct recurrent_attrs, option, "input_forget", 0, 0, 1),
                                          A_END };
RECURRENT(lstm, "LSTM", 2, 8, 3);
