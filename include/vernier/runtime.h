/* vernier/runtime.h - run a compiled network (.bin).
 *
 * The library behind this header (libvernier-rt) needs libc and pthreads only; libvernier contains it, so a
 * program links one of the two. A model is loaded once, into memory of the caller, and never allocates
 * afterwards. The same .bin gives the same bytes on every CPU and with any number of threads.
 *
 * struct vn_err err;
 * struct vn_model *m;
 * if (vn_model_open(&m, "net.bin", NULL, &err) < 0) { fprintf(stderr, "%s\n", err.msg); return 1; }
 * const void *in[] = { pixels };
 * void *out[] = { logits };
 * vn_model_run(m, in, out, &err);
 * vn_model_close(&m);
 * */
#ifndef VERNIER_RUNTIME_H
#define VERNIER_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VN_MAX_RANK 8

/* Every function that can fail returns 0 or one of these, and writes the reason into the caller's struct
 * vn_err. */
enum vn_status {
    VN_OK = 0,
    VN_E_USAGE = -1, /* the call itself is wrong */
    VN_E_INPUT = -2, /* a file or its contents are wrong */
    VN_E_UNSUPPORTED = -3, /* valid, but not supported by this version */
    VN_E_IO = -4, /* an operating system call failed */
    VN_E_NOMEM = -5,
    VN_E_INTERNAL = -6, /* an error in this program */
    VN_E_CANCELLED = -7, /* the caller asked to stop */
};

struct vn_err {
    int code; /* enum vn_status of the last failure */
    int reason; /* toolchain only: a known problem (vn_problem_id); 0: none */
    char msg[1024]; /* one line, always terminated: file, place, expected, found */
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

/* CPU features that kernels can use; a mask of them limits dispatch (0: C kernels only). */
enum vn_cpu {
    VN_CPU_AVX2 = 1 << 0, /* AVX2 and FMA3 */
    VN_CPU_AVX512 = 1 << 1, /* AVX-512 F, BW, DQ, VL */
    VN_CPU_AVX512VNNI = 1 << 2, /* the former and VNNI */
    VN_CPU_AVX512VBMI = 1 << 3, /* the former and VBMI */
    VN_CPU_NEON = 1 << 8,
    VN_CPU_DOTPROD = 1 << 9,
};

/* What an input's bytes mean at run time. */
enum vn_input_type {
    VN_IN_FEATUREMAP = 0, /* the tensor itself, float32 */
    VN_IN_RGB = 1, /* 8-bit pixels, three channels */
    VN_IN_BGR = 2,
    VN_IN_YUV444 = 3,
    VN_IN_NV12 = 4, /* H x W luma bytes, then H/2 x W/2 pairs of U, V; always without padding */
    VN_IN_GRAY = 5,
};

/* One input or output. Strings and arrays belong to the model. */
struct vn_io {
    const char *name;
    enum vn_dtype dtype; /* element type of the buffer of vn_model_run */
    enum vn_input_type type; /* inputs only */
    int rank;
    int64_t
        shape[VN_MAX_RANK]; /* in the order of the bytes: N,H,W,C for an NHWC image; NV12: N, H * 3 / 2, W */
    int channels_last; /* 1: shape is N,H,W,C */
    size_t bytes; /* exact size of the buffer */
    float scale; /* integer outputs: real = (q - zero) * scale; 0 otherwise */
    int32_t zero;
    int tensor; /* its number, for vn_model_tensor */
};

struct vn_options {
    int threads; /* 1..256, or 0 for one per CPU */
    uint32_t cpumask; /* enum vn_cpu bits that may be used; ~0u for all that the CPU has */
    const char *model; /* name of the model in a pack; NULL: the only one. Borrowed for the call */
};

struct vn_model; /* opaque */

/* Defaults: one thread, every CPU feature. */
void vn_options_default(struct vn_options *o);

/* CPU features found on this machine (enum vn_cpu bits). */
uint32_t vn_cpu_detect(void);

/* The mask for a word: "all", "c" (0), "avx2", "avx512", "avx512vnni", "neon" or "dotprod", each
 * with the features that it requires. VN_E_USAGE: unknown word; *mask is unchanged. */
int vn_cpu_find(uint32_t *mask, const char *word);

/* Number of models in a pack, a file of several programs (written by hb_pack), and the names of the first
 * `most`, borrowed from the image; 0: not a pack; negative: a damaged pack. Every function that takes a .bin
 * also takes a pack, and loads the model that vn_options.model names. */
int vn_model_pack_names(const char **names, int most, const void *image, size_t bytes);

/* Check a .bin image of `bytes` bytes and compute the bytes of memory that vn_model_load requires for it.
 * Errors: VN_E_INPUT (damaged image), VN_E_UNSUPPORTED (unsupported format version). */
int vn_model_size(size_t *need, const void *image, size_t bytes, const struct vn_options *o,
                  struct vn_err *e);

/* Load an image into `mem` (need bytes, 64-byte aligned). `image` must stay readable and unchanged:
 * weights are used in place. */
int vn_model_load(struct vn_model **m, const void *image, size_t bytes, void *mem, size_t mem_bytes,
                  const struct vn_options *o, struct vn_err *e);

/* Stop the model's threads. The caller still owns the memory. Sets *m to NULL; NULL is allowed. */
void vn_model_unload(struct vn_model **m);

/* The same for a file, with memory from malloc and mmap; the checksum of the whole file is verified. Close it
 * with vn_model_close. Errors: as vn_model_size; VN_E_IO, VN_E_NOMEM. */
int vn_model_open(struct vn_model **m, const char *path, const struct vn_options *o, struct vn_err *e);
void vn_model_close(struct vn_model **m);

/* Inputs and outputs in the order of vn_model_run's arrays. The returned array is borrowed. */
const struct vn_io *vn_model_inputs(const struct vn_model *m, int *count);
const struct vn_io *vn_model_outputs(const struct vn_model *m, int *count);

/* Shape of output i after the last run, into shape[VN_MAX_RANK]. It differs from vn_io.shape only if it
 * depends on the data (NonZero, NonMaxSuppression, Compress): vn_io.shape is then the largest possible one,
 * and the elements are contiguous at the start of the buffer. VN_E_USAGE: no such output. */
int vn_model_output_shape(const struct vn_model *m, int i, int64_t *shape);

/* Run once. in[i] and out[i] are buffers of exactly io.bytes bytes, with any alignment. A model may
 * be used by one thread at a time.
 * Errors: VN_E_USAGE (a buffer is NULL), VN_E_INPUT (an instruction cannot compute with these data),
 * VN_E_CANCELLED. */
int vn_model_run(struct vn_model *m, const void *const *in, void *const *out, struct vn_err *e);

/* ---- images in the caller's memory ---- */

/* An image with a row pitch and separate planes. */
struct vn_planes {
    int width, height; /* of the image, in pixels */
    /* nv12: [0] luma, [1] pairs of U, V at half the width and height; other types: [0] interleaved pixels if
     * vn_io.channels_last is 1, else [0], [1], [2] one plane per channel */
    const uint8_t *plane[3];
    int64_t pitch[3]; /* bytes from one row of the plane to the next */
    /* The region to use: its first column and row, and its size; 0 x 0: the whole image. nv12: all even. */
    int left, top, region_width, region_height;
};

/* Write the bytes of input i (vn_io.bytes of them) to `bytes`, from images, one per batch element. A region
 * whose size differs from the input's is resized (linear, in integers; docs/numerics.md, section 7) if the
 * program was converted with `input_source: resizer`, which only nv12 and gray support.
 * Errors: VN_E_USAGE (no such input, not an image input, a plane is NULL, a pitch is shorter than a row, the
 * region is outside the image, or odd for nv12), VN_E_UNSUPPORTED (other size without a resizer). */
int vn_model_pack_input(const struct vn_model *m, int i, const struct vn_planes *images, void *bytes,
                        struct vn_err *e);

/* ---- tensors and instructions ----
 *
 * A program is a list of instructions over numbered tensors. Each instruction reads some tensors and
 * writes one. Numbers count from 0 in the order of the file and are the same whenever the same file is
 * loaded. */

/* The relation of a tensor to the value of the source model whose name it has. */
enum vn_role {
    VN_ROLE_NONE = 0, /* in no program: the loader refuses it */
#define VN_ROLE(name, word, meaning) VN_ROLE_##name,
#include <vernier/roles.def>
#undef VN_ROLE
    VN_ROLE_COUNT
};
/* The word and the one-line meaning of a role from roles.def; "none" and "" for any other number. */
const char *vn_role_word(enum vn_role r);
const char *vn_role_meaning(enum vn_role r);

/* One tensor. Strings and arrays belong to the model and live as long as it does; what `data` points to is
 * overwritten when the next instruction runs. Element (i, j, ...) is i*stride[0] + j*stride[1] + ...
 * elements after data. */
struct vn_view {
    const char *name; /* of the value in the source model that it represents or contributes to; "": none */
    const char *node; /* node of the source model that produces it; "": an input */
    enum vn_role role; /* its relation to that value */
    int tensor; /* number of the tensor */
    int instruction; /* number of the last instruction that writes it; -1: an input or a constant */
    enum vn_dtype dtype;
    int rank;
    int64_t shape[VN_MAX_RANK]; /* axes in the order of the source model; extents of the last run */
    int64_t stride[VN_MAX_RANK]; /* in elements, by the same axes */
    int constant; /* 1: stored in the file */
    int fused; /* 1: kept in registers by a fusion; recomputed for observers */
    const void *data; /* NULL: not in memory now */
    size_t bytes; /* size of all elements, without gaps */
    int axis; /* of scale[] and zero[]; -1: one entry for the whole tensor */
    int n_scale; /* entries; 0: not quantized */
    const float *scale; /* real = (q - zero) * scale */
    const int32_t *zero;
};

/* Tensors in the program. */
int vn_model_tensors(const struct vn_model *m);
/* Tensor i. `data` is set for constants, and for tensors that are intact after the last instruction that ran:
 * its inputs and output, tensors that later instructions read, and outputs of the program. Before the first
 * run, `shape` holds the largest possible extents.
 * VN_E_USAGE: no such tensor. */
int vn_model_tensor(const struct vn_model *m, int i, struct vn_view *out);

#define VN_MAX_INPUTS 16 /* of one instruction */

/* One instruction. */
struct vn_instruction {
    const char *node; /* node of the source model */
    const char *opcode; /* its name in docs/bin-format.md */
    uint64_t nanoseconds; /* its time in the last run with profiling on */
    uint64_t macs; /* multiply-accumulates per run, including padding; 0: none */
    int n_in;
    int in[VN_MAX_INPUTS]; /* numbers of tensors */
    int out;
    int finishes; /* 1: no later instruction writes to `out` (the parts of a Concat write in turn) */
    int hidden[2]; /* tensors that it keeps in registers (a convolution's own result, a sum); -1: none */
};
int vn_model_instructions(const struct vn_model *m);
/* Instruction i. VN_E_USAGE: no such instruction. */
int vn_model_instruction(const struct vn_model *m, int i, struct vn_instruction *out);
/* Start (1) or stop (0) measuring the time of each instruction. */
void vn_model_profile(struct vn_model *m, int on);

/* ---- running in parts ----
 *
 * vn_model_run(m, in, out, e) is vn_model_write_inputs, vn_model_run_range of all instructions,
 * vn_model_read_outputs. Between the parts the state can be saved, and restored any number of times to
 * continue from there; the results are those of a whole run. */

/* Copy the inputs into the model: in[i] as for vn_model_run. VN_E_USAGE: a buffer is NULL. */
int vn_model_write_inputs(struct vn_model *m, const void *const *in, struct vn_err *e);

/* Run instructions first <= i < end on the current memory, as left by the instructions before `first` or as
 * restored. (Tensors share memory: an instruction cannot be repeated after later ones have run.)
 * Errors: VN_E_USAGE (no such range), VN_E_INPUT (an instruction cannot compute with these data; its node
 * is named), VN_E_CANCELLED. After the last two, write inputs or restore a state before continuing. */
int vn_model_run_range(struct vn_model *m, int first, int end, struct vn_err *e);

/* Copy the outputs out of the model: out[i] as for vn_model_run. They are complete once the last
 * instruction has run.
 * VN_E_USAGE: a buffer is NULL. */
int vn_model_read_outputs(const struct vn_model *m, void *const *out, struct vn_err *e);

/* Everything that a run changes (working memory, shapes that depend on the data, the position in the
 * program), in a caller's buffer of vn_model_state_bytes(m) bytes with any alignment. It can be restored into
 * every model loaded from the same file. */
size_t vn_model_state_bytes(const struct vn_model *m);
void vn_model_state_save(const struct vn_model *m, void *state);
/* VN_E_USAGE: the state belongs to another file; the model is unchanged. */
int vn_model_state_restore(struct vn_model *m, const void *state, struct vn_err *e);

/* ---- watching ---- */

/* What to observe while a program runs. Views are valid until the callback returns. Callbacks run in the
 * calling thread, and may call only functions that take the model as const. */
struct vn_watch {
    /* Before instruction `instruction` runs: its n inputs, as it will read them; they include its scratch
     * memory (VN_ROLE_SCRATCH, written by the instruction itself). Called if the instruction's output or one
     * of its hidden tensors is wanted. NULL: not called. */
    void (*before)(void *user, int instruction, const struct vn_view *in, int n);
    /* A wanted tensor that has just been written: inputs by vn_model_write_inputs, hidden tensors, and
     * outputs by the last instruction that writes them; never constants. NULL: not called. */
    void (*after)(void *user, const struct vn_view *out);
    /* One byte per tensor, 1: observe it; NULL: all. Borrowed while watching. Other tensors cost no time. */
    const unsigned char *wanted;
    void *user;
};

/* Observe all later runs; NULL stops it. *w is copied. Runs take longer; results do not change. */
void vn_model_watch(struct vn_model *m, const struct vn_watch *w);

/* Read *flag before each instruction, and end the run with VN_E_CANCELLED if it is not 0. Another
 * thread or a signal handler may set it. Borrowed; NULL: none. */
void vn_model_cancel_on(struct vn_model *m, const volatile int *flag);

/* ---- the file ---- */

/* CPU features (enum vn_cpu) of the program's target. Without them it runs slower. */
uint32_t vn_model_isa(const struct vn_model *m);

/* Bytes of constants in the file (weights, tables) and of the working memory that tensors share. */
void vn_model_bytes(const struct vn_model *m, size_t *constants, size_t *working);

/* Metadata that the compiler stored in the file (hashes, method, versions) by key; NULL: no such key. */
const char *vn_model_meta(const struct vn_model *m, const char *key);
/* The i-th key and text. Returns 0, or VN_E_USAGE after the last. */
int vn_model_meta_at(const struct vn_model *m, int i, const char **key, const char **text);

#ifdef __cplusplus
}
#endif
#endif
