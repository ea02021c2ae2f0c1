/* vernier/runtime.h - run a compiled network (.bin).
 *
 * The library behind this header (libvernier-rt) needs libc and pthreads only. A model is loaded once into memory that
 * the caller gives, and never allocates again. The same .bin gives the same bytes on every CPU and with any number of
 * threads.
 *
 *     struct vn_err err;
 *     struct vn_model *m;
 *     if (vn_model_open(&m, "net.bin", NULL, &err) < 0) { fprintf(stderr, "%s\n", err.msg); return 1; }
 *     const void *in[] = { pixels };
 *     void *out[] = { logits };
 *     vn_model_run(m, in, out, &err);
 *     vn_model_close(&m);
 */
#ifndef VERNIER_RUNTIME_H
#define VERNIER_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VN_MAX_RANK 8

/* Every function that can fail returns 0 or one of these, and writes the reason into the caller's struct vn_err. */
enum vn_status {
    VN_OK = 0,
    VN_E_USAGE = -1,       /* the call itself is wrong */
    VN_E_INPUT = -2,       /* a file or its contents are wrong */
    VN_E_UNSUPPORTED = -3, /* right, but not something that this version can do */
    VN_E_IO = -4,          /* the operating system refused */
    VN_E_NOMEM = -5,
    VN_E_INTERNAL = -6,    /* our own mistake */
};

struct vn_err {
    int code;       /* enum vn_status of the last failure */
    char msg[1024]; /* one line, always terminated: file, place, want, got */
};

/* Element types. Values are those of onnx.TensorProto.DataType. */
enum vn_dtype {
    VN_NONE = 0,
    VN_F32 = 1,
    VN_U8 = 2,
    VN_I8 = 3,
    VN_U16 = 4,
    VN_I16 = 5,
    VN_I32 = 6,
    VN_I64 = 7,
    VN_BOOL = 9,
    VN_F16 = 10,
    VN_F64 = 11,
    VN_U32 = 12,
    VN_U64 = 13,
    VN_BF16 = 16,
};

/* CPU features that kernels can use; a mask of them limits dispatch (0 = the C kernels alone). */
enum vn_cpu {
    VN_CPU_AVX2 = 1 << 0,       /* AVX2 and FMA3 */
    VN_CPU_AVX512 = 1 << 1,     /* AVX-512 F, BW, DQ, VL */
    VN_CPU_AVX512VNNI = 1 << 2, /* the former and VNNI */
    VN_CPU_NEON = 1 << 8,
    VN_CPU_DOTPROD = 1 << 9,
};

/* What an input's bytes mean at run time. */
enum vn_input_type {
    VN_IN_FEATUREMAP = 0, /* the tensor itself, float32 */
    VN_IN_RGB = 1,        /* 8-bit pixels, three channels */
    VN_IN_BGR = 2,
    VN_IN_YUV444 = 3,
    VN_IN_NV12 = 4, /* H x W luma bytes, then H/2 x W/2 pairs of U, V; always without padding */
    VN_IN_GRAY = 5,
};

/* One input or output. Strings and arrays belong to the model. */
struct vn_io {
    const char *name;
    enum vn_dtype dtype;     /* of the bytes that vn_model_run takes or gives */
    enum vn_input_type type; /* inputs only */
    int rank;
    int64_t shape[VN_MAX_RANK]; /* in the order of the bytes: N,H,W,C for an NHWC image; NV12: N,3,H,W as the model sees it */
    int channels_last;          /* 1: shape is N,H,W,C */
    size_t bytes;               /* exact size of the buffer */
    float scale;                /* integer outputs: real = (q - zero) * scale; 0 otherwise */
    int32_t zero;
};

struct vn_options {
    int threads;      /* 1..256, or 0 for one per CPU */
    uint32_t cpumask; /* enum vn_cpu bits that may be used; ~0u for all that the CPU has */
};

struct vn_model; /* opaque */

/* Defaults: one thread, every CPU feature. */
void vn_options_default(struct vn_options *o);

/* CPU features found on this machine (enum vn_cpu bits). */
uint32_t vn_cpu_detect(void);

/* Check a .bin image of `bytes` bytes and say how much memory vn_model_load needs for it (64-byte aligned).
 * Errors: VN_E_INPUT where the image is damaged, VN_E_UNSUPPORTED where its version is newer. */
int vn_model_size(size_t *need, const void *image, size_t bytes, const struct vn_options *o, struct vn_err *e);

/* Load an image into `mem` (need bytes, 64-byte aligned). `image` must stay readable and unchanged: weights are used in place. */
int vn_model_load(struct vn_model **m, const void *image, size_t bytes, void *mem, size_t mem_bytes,
                  const struct vn_options *o, struct vn_err *e);

/* Stop the model's threads. Memory stays the caller's. Sets *m to NULL; NULL is allowed. */
void vn_model_unload(struct vn_model **m);

/* The same from a file, with memory from malloc and mmap; the whole file is checked against its checksum. */
int vn_model_open(struct vn_model **m, const char *path, const struct vn_options *o, struct vn_err *e);
void vn_model_close(struct vn_model **m);

/* Inputs and outputs in the order of vn_model_run's arrays. The returned array is borrowed. */
const struct vn_io *vn_model_inputs(const struct vn_model *m, int *count);
const struct vn_io *vn_model_outputs(const struct vn_model *m, int *count);

/* Extents of output i after the last run, into shape[VN_MAX_RANK]. They differ from vn_io.shape, which then holds the largest
 * possible ones, only where the size depends on the data (NonZero, NonMaxSuppression, Compress); the elements lie close together
 * at the front of the buffer. VN_E_USAGE: no such output. */
int vn_model_output_shape(const struct vn_model *m, int i, int64_t *shape);

/* Run once. in[i] and out[i] are buffers of exactly io.bytes bytes, any alignment. One model runs on one caller at a time. */
int vn_model_run(struct vn_model *m, const void *const *in, void *const *out, struct vn_err *e);

/* What an observer is shown: a tensor right after the instruction that made it, in the memory order of `shape`. */
struct vn_seen {
    const char *name; /* tensor name in the source model */
    const char *node; /* node that made it */
    enum vn_dtype dtype;
    int rank;
    int64_t shape[VN_MAX_RANK]; /* as the source model has it: channels second */
    int channels_last;          /* 1: data has axis 1 moved to the end */
    int fused;                  /* 1: a fusion keeps this tensor in registers; recomputed for the observer */
    const void *data;
    size_t bytes;
    float scale; /* integer tensors: real = (q - zero) * scale */
    int32_t zero;
};
typedef void vn_observer(void *user, const struct vn_seen *t);

/* Hand out every tensor during vn_model_run; NULL stops it. Costs time, changes no result. */
void vn_model_observe(struct vn_model *m, vn_observer *fn, void *user);

/* Instructions, and the time each took in the last run with profiling on (nanoseconds). */
struct vn_step {
    const char *node;
    const char *opcode;
    uint64_t nanoseconds;
};
int vn_model_steps(const struct vn_model *m);
int vn_model_step(const struct vn_model *m, int i, struct vn_step *out);
void vn_model_profile(struct vn_model *m, int on);

/* CPU features (enum vn_cpu) that the program's target names. It runs without them too, slowly. */
uint32_t vn_model_isa(const struct vn_model *m);

/* Bytes of constants in the file (weights, tables) and of the working memory that tensors share. */
void vn_model_bytes(const struct vn_model *m, size_t *constants, size_t *working);

/* Text that the compiler stored in the file (hashes, method, versions); NULL where there is no such key. */
const char *vn_model_meta(const struct vn_model *m, const char *key);
/* The i-th pair, 0 while there is one, VN_E_USAGE after the last. */
int vn_model_meta_at(const struct vn_model *m, int i, const char **key, const char **text);

#ifdef __cplusplus
}
#endif
#endif
