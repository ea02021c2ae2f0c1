/* ops/bitshift.c - bits of an integer moved left or right, with broadcasting. */
#include "format/numbers.h"
#include "ops/portable_op.h"

struct attrs {
    int direction;
};

static const char *const directions[] = { "LEFT", "RIGHT", NULL };
static const struct attr_spec specs[] = {
    { .onnx = "direction",
      .kind = ATTR_ENUM,
      .offset = offsetof(struct attrs, direction),
      .choices = directions,
      .required = 1 },
    A_END,
};

static int64_t left(int64_t a, int64_t b) { return b < 0 || b > 63 ? 0 : (int64_t)((uint64_t)a << b); }
static int64_t right(int64_t a, int64_t b) { return b < 0 || b > 63 ? -(a < 0) : a >> b; }
static int64_t right_u64(int64_t a, int64_t b) { return b < 0 || b > 63 ? 0 : (int64_t)((uint64_t)a >> b); }

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    const int to_right = ((const struct attrs *)n->attrs)->direction;
    TRY(vn_eval_binary(n, ev, NULL, !to_right ? left : n->in[0]->dtype == VN_U64 ? right_u64 : right, e));
    vn_eval_wrap(n, ev);
    return VN_OK;
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    return vn_low_portable_binary(n, l,
                                  ((const struct attrs *)n->attrs)->direction ? VN_CB_RIGHT : VN_CB_LEFT, e);
}

const struct op_def vn_op_bitshift = {
    .name = "bitshift",
    .onnx = "BitShift",
    .min_in = 2,
    .max_in = 2,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = vn_infer_whole,
    .eval = eval,
    .lower = lower,
};
