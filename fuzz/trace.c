/* Fuzz what `align` reads and searches. Bytes that begin with "PK" are an .npz; others are the stages of two
 * traces: for each a type, a shape and values for the left and the right side. */
#include "align/align.h"
#include "guarded.h"

struct bytes {
    const uint8_t *data;
    size_t n, at;
};

static uint8_t next(struct bytes *b) { return b->at < b->n ? b->data[b->at++] : 0; }

#define MOST_VALUES 500 /* the search takes its time */

static struct vn_tensor *array(struct vn_arena *a, struct bytes *b)
{
    static const enum vn_dtype types[] = { VN_U8, VN_F32, VN_I8, VN_I64, VN_F64, VN_U16, VN_BOOL, VN_F16 };
    const enum vn_dtype t = types[next(b) % 8];
    struct vn_shape s = { .rank = next(b) % 6 };
    for (int i = 0; i < s.rank; i++)
        s.d[i] = next(b) % 15;
    if (vn_shape_count(&s) > MOST_VALUES)
        s.rank = 0;
    struct vn_tensor *x = vn_tensor_new(a, t, &s);
    uint8_t *to = x->data;
    const uint8_t repeat = next(b); /* short inputs, large arrays */
    const size_t from = b->at;
    for (size_t i = 0; i < vn_tensor_bytes(x); i++) {
        if (repeat && b->at >= from + repeat)
            b->at = from;
        to[i] = (uint8_t)(next(b) + (repeat ? i / repeat : 0));
    }
    if (t == VN_BOOL)
        for (int64_t i = 0; i < vn_shape_count(&s); i++)
            to[i] &= 1;
    return x;
}

static void align(struct vn_arena *a, const struct trace *left, const struct trace *right)
{
    const struct align_options o = { .tolerance = 1e-5, .explain = 1 };
    struct alignment *r;
    struct vn_err e;
    (void)vn_align_traces(&r, a, left, right, &o, &e);
}

static void one(struct vn_arena *a, const uint8_t *data, size_t size)
{
    struct trace left = { .path = "left" }, right = { .path = "right" };
    struct vn_err e;
    if (size > 2 && !memcmp(data, "PK", 2)) {
        if (vn_trace_npz(&left, a, data, size, "fuzz.npz", &e) == VN_OK &&
            vn_trace_npz(&right, a, data, size, "fuzz.npz", &e) == VN_OK)
            align(a, &left, &right);
        return;
    }
    struct bytes b = { data, size, 0 };
    const int samples = 1 + next(&b) % 2, stages = 1 + next(&b) % 4;
    for (int i = 0; i < samples; i++) {
        static const char *const names[] = { "read", "boxes", "scores", "infer" };
        vn_trace_begin(&left, a, "");
        vn_trace_begin(&right, a, "");
        for (int k = 0; k < stages; k++) {
            struct vn_tensor *x = array(a, &b);
            vn_trace_add(&left, a, names[k], x);
            vn_trace_add(&right, a, names[k], next(&b) & 1 ? x : array(a, &b));
        }
    }
    align(a, &left, &right);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return guarded(one, data, size); }

#include "main.h"
