/* runtime/model.h - a loaded program: what load.c builds in the caller's memory and run.c walks. */
#ifndef VN_MODEL_H
#define VN_MODEL_H

#include <vernier/runtime.h>

#include "base/err.h"
#include "base/pool.h"
#include "format/bin.h"
#include "kernels/kernels.h"

struct rt_tensor {
    const char *name, *node;
    enum vn_role role;
    enum vn_dtype dtype;
    enum bin_place place;
    int rank, channels_last;
    int64_t dims[8]; /* as the source model has them */
    int64_t *live; /* 8 extents of the last run: smaller than dims where the size depends on the data */
    float scale;
    int32_t zero;
    char *data; /* NULL: BIN_HIDDEN */
    size_t bytes;
    int64_t count; /* elements */
    int first_writer; /* instruction; -1: an input; -2: a constant or scratch memory */
    int last_writer; /* instruction; -1: an input or a constant */
    int last_reader; /* instruction; its maker where nobody reads it; n_steps: an output */
};

/* How a copy moves its elements; sizes and strides in bytes. */
struct rt_copy {
    enum { COPY_ROWS, COPY_TRANSPOSED, COPY_STRIDED } form;
    int size; /* of an element */
    int64_t rows, cols; /* COPY_ROWS: cols is in bytes; COPY_STRIDED: cols is 1 */
    int64_t x, y; /* first element */
    int64_t xs, ys; /* from row to row of x and, transposed, of the output */
    int rank; /* loops around that, innermost first */
    int64_t dims[8], src[8], dst[8];
};

/* Prepared once at load. */
union rt_args {
    struct vn_conv_s8 conv_s8;
    struct vn_conv_s16 conv_s16;
    struct vn_conv_f32 conv_f32;
    struct vn_matmul matmul;
    struct vn_binary_s8 binary_s8;
    struct vn_pool pool;
    struct vn_softmax softmax;
    struct vn_normalize normalize;
    struct vn_resize2d resize;
    struct vn_rescale rescale;
    struct vn_preprocess_s8 preprocess_s8;
    struct rt_copy copy;
};

#define RT_MAX_IN (VN_PORTABLE_IN + 1) /* and scratch memory */

struct rt_step {
    const struct rt_instr *instr;
    const char *node;
    struct rt_tensor *in[RT_MAX_IN];
    int n_in;
    struct rt_tensor *out;
    struct rt_tensor *hidden[2]; /* kept in registers by a fusion: convolution, sum */
    const void *params; /* struct instr_* */
    void *own; /* copies of index arrays */
    union rt_args args;
    int finishes; /* the last instruction that writes its output */
    uint64_t nanoseconds;
};

struct vn_model {
    struct bin_header header;
    struct rt_tensor *tensors;
    struct rt_step *steps;
    struct vn_io *io; /* inputs, then outputs */
    uint32_t *io_tensor;
    const char **meta; /* key, text, key, text, ... */
    uint32_t n_tensors, n_steps, n_meta;
    struct vn_kernels kernels;
    struct vn_pool_threads *pool;
    char *arena;
    int64_t *live; /* of all tensors, 8 each */
    char *scratch; /* for hidden tensors */
    const struct rt_step *failed; /* in this run: its data were wrong */
    const char *why;
    char why_text[320]; /* where it is made up */
    struct vn_watch watch;
    const volatile int *cancel;
    int next; /* instruction behind the one that ran last */
    int profile;
    /* of vn_model_open */
    void *mapped, *memory;
    size_t mapped_bytes;
};

/* One instruction: check everything at load and fill in args; run. Descriptors are in instr_*.c, one for
 * each opcode. */
struct rt_instr {
    const char *name;
    /* bytes of `own` that the instruction needs */
    size_t (*own)(const struct rt_step *s);
    int (*prepare)(struct vn_model *m, struct rt_step *s, struct vn_err *e);
    void (*run)(struct vn_model *m, const struct rt_step *s);
    /* compute hidden[which] into out */
    void (*hidden)(struct vn_model *m, const struct rt_step *s, int which, void *out);
    uint64_t (*macs)(const struct rt_step *s); /* multiply-accumulates of a run; NULL: none */
};
extern const struct rt_instr *const rt_instrs[OPCODE_COUNT];

/* A file that vn_model_size accepts, in as much memory at `mem` as it says. */
int rt_load(struct vn_model **m, const void *image, size_t bytes, void *mem, const struct vn_options *o,
            struct vn_err *e);
/* Is it a pack? Replace it by the model of that name; NULL: the only one. */
int rt_is_pack(const void *image, size_t bytes);
int rt_pack_find(const void **image, size_t *bytes, const char *name, struct vn_err *e);
/* A damaged instruction: names it. */
int rt_bad(const struct rt_step *s, struct vn_err *e, const char *what);
#define WANT(s, e, cond, what) \
    do { \
        if (!(cond)) \
            return rt_bad((s), (e), what); \
    } while (0)

/* Enter the tensors that a fused convolution keeps in registers; -1: none. */
int rt_hidden(struct vn_model *m, struct rt_step *s, int32_t conv, int32_t sum, struct vn_err *e);

/* a*b*c*d, or -1 when a factor is negative or the product passes 2^40. */
int64_t rt_product(int64_t a, int64_t b, int64_t c, int64_t d);
/* Offsets that dims and strides reach, from `at`; 0 when they stay within [0, count). */
int rt_reaches(int rank, const int32_t *dims, int64_t at, const int32_t *stride, int64_t count);
/* Share parts out over the threads, each with default rounding. */
void rt_parallel(struct vn_model *m, int parts, void (*fn)(void *, int), void *ctx);
/* How many parts for `rows` rows of work. */
int rt_parts(const struct vn_model *m, int64_t rows);
/* Tensor t as the public header shows it, with its elements at `data`. */
void rt_view(const struct vn_model *m, const struct rt_tensor *t, const void *data, struct vn_view *out);
/* The memory of tensor i, whether it is intact or not; NULL: a constant, or one that a fusion hides. */
void *rt_memory(const struct vn_model *m, int i);
/* Make `to` stand in front of instruction `at`, as `from` does: what it and later ones read of what earlier
 * ones wrote. Both are loaded from one file. */
void rt_follow(struct vn_model *to, const struct vn_model *from, int at);
static inline int rt_id(const struct vn_model *m, const struct rt_tensor *t) { return (int)(t - m->tensors); }
static inline size_t rt_element(const struct rt_tensor *t)
{
    return t->count ? t->bytes / (size_t)t->count : 0;
}
/* Limits of an integer type that tensors are quantized to. */
static inline int32_t rt_least(enum vn_dtype t) { return t == VN_I8 ? INT8_MIN : INT16_MIN; }
static inline int32_t rt_most(enum vn_dtype t) { return t == VN_I8 ? INT8_MAX : INT16_MAX; }
static inline int rt_is_quantized(enum vn_dtype t) { return t == VN_I8 || t == VN_I16; }
static inline int rt_cut(int64_t total, int parts, int i) { return (int)(total * i / parts); }

#endif
