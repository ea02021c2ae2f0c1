/* vernier/verify.h - check that a program computes exactly what its quantized ONNX file specifies.
 *
 * NOT STABLE: names and fields may change in any release.
 *
 *     struct vn_verify_options o;
 *     struct vn_verification *v;
 *     vn_verify_options_default(&o);
 *     o.folders = (const char *const[]){ "images" }, o.n_folders = 1;
 *     if (vn_verify(&v, "net_quantized_model.onnx", "net.bin", &o, &err) < 0) ...
 *     puts(vn_verification_summary(v)->passed ? "equal" : "different");
 *     vn_verification_free(&v);
 *
 * The .bin runs instruction by instruction. Each of its tensors is judged from the tensors that the program
 * itself read to compute it: the reference executor evaluates the same nodes of the ONNX file on these, and
 * integers must be equal, and float32 results within the error bound of the node's arithmetic. By induction
 * over the instructions this proves the whole program, and a difference is reported where it begins
 * (docs/verify.md). The distance from a separate run of the reference executor is also reported (drift).
 * Strings and arrays in the result are borrowed: they live until it is freed. */
#ifndef VERNIER_VERIFY_H
#define VERNIER_VERIFY_H

#include <vernier/listener.h>
#include <vernier/session.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vn_verify_options {
    /* Images, .npy files, or raw bytes of the .bin's input: "NAME=FILE" for the input of that name, or
     * "FILE" for the only one. Sample i is the i-th file of every input. */
    const char *const *files;
    int n_files;
    /* "DIR" or "NAME=DIR": their images and .npy files, in name order, after `files` */
    const char *const *folders;
    int n_folders;
    int limit; /* maximum number of files; 0: all */
    /* A region for each image input that has files, in the order of the files: the images are decoded at
     * their original size, and the region is resized as the device's resizer does. NULL: whole images,
     * through the pipeline. Random samples of an input that a resizer feeds are always regions of random
     * images. */
    const struct vn_region *regions;
    int n_regions;
    int random_samples; /* number of random samples if there are no files, at least 1 */
    /* 0: float32 results must lie within the rounding errors of their nodes. 1 to 9: within 10^-digits of the
     * tensor's largest magnitude instead; integers stay strict. */
    int digits;
    double min_cosine; /* of vn_verify_pair: for outputs of artefacts that are not compared strictly */
    const char *prototxt; /* prototxt of a Caffe network; NULL: none */
    struct vn_input_settings inputs; /* shapes and values; VN_E_USAGE if no artefact has the input */
    const char *pipeline; /* steps for images (docs/alignment.md); NULL: resize to the input */
    struct vn_options run; /* threads and CPU features of the .bin; results do not depend on them */
    struct vn_listener listener; /* progress: "verify" */
    /* Strict pairs: receives the files with the largest difference between program and reference executor. */
    struct vn_odd_listener odd;
};
/* Three random samples, min_cosine 0.9, one thread, every CPU feature, no listener. */
void vn_verify_options_default(struct vn_verify_options *o);

/* One tensor of the program, over all samples. */
struct vn_verified {
    const char *name; /* of the value in the ONNX file that it represents; "": none */
    const char *node; /* node that computes it; "": an input */
    const char *opcode; /* of the last instruction that writes it; "": an input */
    enum vn_role role;
    int tensor, instruction; /* numbers in the program; instruction -1: an input */
    int integer; /* 1: compared as integers, 0: as float32 */
    /* 1: kept in registers and recomputed for the check; locates a difference, but is not judged */
    int fused;
    int64_t compared, different; /* elements; of floats: beyond the bound */
    int64_t max_step; /* integers: largest difference */
    double max_difference; /* floats: largest difference */
    double max_relative; /* ... divided by the largest expected magnitude */
    double max_bound; /* floats: largest difference in units of the bound; above 1: different */
    int64_t first; /* flat index of the first difference; -1: none */
    int first_sample; /* its sample, counted from 0 */
    double got, expected; /* values at the first difference */
    double zeros; /* share of zeros in what is expected, 0..1 */
    int mistrusted; /* 1: nearly all are zeros, so equality proves little */
    /* Against a separate run of the reference executor; role VN_ROLE_VALUE only. */
    int64_t drifted; /* integers that differ */
    double drift; /* floats: largest difference, divided by the largest magnitude */
};

/* Faults of a program other than different results. */
enum vn_fault_kind {
    VN_FAULT_STALE, /* a buffer was overwritten before its last reader */
    VN_FAULT_CONSTANT, /* weights, biases or tables differ from those of the ONNX file */
    VN_FAULT_PARAMETERS, /* type, scale or zero point differs from the ONNX file */
    VN_FAULT_OUTPUT, /* an output of the program differs from that of the ONNX file */
    VN_FAULT_UNVERIFIED, /* a tensor that could not be verified; counts as a failure */
};
struct vn_fault {
    enum vn_fault_kind kind;
    const char *name; /* of the value; "": none */
    enum vn_role role;
    int tensor;
    int instruction; /* that reads it (STALE, CONSTANT) or produces it; -1: none, or the caller reads it */
    const char *node; /* of that instruction, or the node that produces the tensor */
    int writer; /* STALE: the instruction that overwrote it; -1: unknown */
    const char *writer_node;
    int sample; /* STALE: the first one */
    int64_t different, first; /* CONSTANT: elements that differ; flat index of the first, in memory order */
    double got, expected; /* CONSTANT: the first one; PARAMETERS: the scale */
    const char *why; /* PARAMETERS, OUTPUT, UNVERIFIED: a sentence; else NULL */
};

struct vn_verify_summary {
    int passed; /* 1: something was compared, all of it is equal or within the bound, and there is no fault */
    int samples;
    int tensors; /* that the program computes */
    int integer_tensors, float_tensors; /* number of tensors judged */
    int64_t compared, different; /* integers */
    int64_t floats, floats_different;
    double max_relative, max_bound; /* of all float tensors */
    int constants; /* of the .bin, that were compared byte by byte */
    int wrong; /* index of the first row that differs, in running order; -1: none */
    int64_t drifted; /* integers that differ from a separate run of the reference executor */
    double drift; /* the same of the network's outputs: largest difference by the largest magnitude */
};

struct vn_verification; /* opaque */

/* Compare. On success *v is the result, whether it passed or not, to be freed with vn_verification_free; on
 * failure NULL. Errors, with file and reason in e->msg: VN_E_INPUT (a damaged file, two different networks,
 * an empty folder), VN_E_USAGE (no samples, inputs without files),
 * VN_E_IO, VN_E_NOMEM. */
int vn_verify(struct vn_verification **v, const char *onnx, const char *bin,
              const struct vn_verify_options *o, struct vn_err *e);
/* Sets *v to NULL; NULL is allowed. */
void vn_verification_free(struct vn_verification **v);

const struct vn_verify_summary *vn_verification_summary(const struct vn_verification *v);
/* The n tensors that were judged, in running order. */
const struct vn_verified *vn_verification_tensors(const struct vn_verification *v, int *n);
const struct vn_fault *vn_verification_faults(const struct vn_verification *v, int *n);
/* "stale", "constant", "parameters", "output" or "unverified". */
const char *vn_fault_word(enum vn_fault_kind k);

/* ---- any two artefacts ----
 *
 * Quantized ONNX and .bin: vn_verify. Two programs: strictly, every common value must be equal (floats
 * within `digits`, if set). Other pairs differ by a quantization step: their outputs must reach
 * min_cosine, and of integer outputs at least that share of elements must be equal. */

/* A common value, over all samples. */
struct vn_agreement {
    const char *name;
    int output; /* 1: an output of the network */
    int integer; /* 1: integers or booleans, compared exactly */
    int samples;
    int64_t compared, different; /* elements; of floats: not the same number (or beyond the digits) */
    double cosine_min, cosine_mean;
    double sqnr_min; /* dB; infinite: equal */
    double max_difference;
    int worst_sample; /* of cosine_min */
    double zeros; /* share of zeros in the first one, summed over the samples */
    int mistrusted; /* 1: nearly all are zeros */
};

struct vn_pair_info {
    int strict; /* 1: every value must be equal */
    int passed;
    int samples;
    double min_cosine;
    const char *origin; /* differences in their origin (hashes, march, method); NULL: none */
    const char *removed; /* nodes that were removed from one of them by editing; NULL: none */
};

struct vn_pair; /* opaque */

/* Errors: as vn_verify. */
int vn_verify_pair(struct vn_pair **p, const char *a, const char *b, const struct vn_verify_options *o,
                   struct vn_err *e);
/* Sets *p to NULL; NULL is allowed. */
void vn_pair_free(struct vn_pair **p);
const struct vn_pair_info *vn_pair_summary(const struct vn_pair *p);
/* The result of vn_verify; NULL: the two were compared by values. */
const struct vn_verification *vn_pair_steps(const struct vn_pair *p);
const struct vn_agreement *vn_pair_values(const struct vn_pair *p, int *n);

#ifdef __cplusplus
}
#endif
#endif
