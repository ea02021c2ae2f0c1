/* vernier/verify.h - does a program compute exactly what the quantized ONNX file says?
 *
 * NOT STABLE: names and fields may change in any release.
 *
 *     struct vn_verify_options o;
 *     struct vn_verification *v;
 *     vn_verify_options_default(&o);
 *     o.folder = "images";
 *     if (vn_verify(&v, "net_quantized_model.onnx", "net.bin", &o, &err) < 0) ...
 *     puts(vn_verification_summary(v)->passed ? "equal" : "different");
 *     vn_verification_free(&v);
 *
 * The ONNX file runs on the reference executor, the .bin on the runtime, with the same inputs. Every tensor
 * that both have is compared by its name: integers must be equal, floats lie within VN_VERIFY_TOLERANCE.
 * Strings and arrays in the result are borrowed: they live until it is freed. */
#ifndef VERNIER_VERIFY_H
#define VERNIER_VERIFY_H

#include <vernier/listener.h>
#include <vernier/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VN_VERIFY_TOLERANCE 1e-4 /* of vn_verified.max_relative */

struct vn_verify_options {
    /* Each one a sample: image, .npy, or raw bytes of the .bin's input; for networks with one input. */
    const char *const *files;
    int n_files;
    const char *folder; /* its images and .npy files, in name order, behind `files`; NULL: none */
    int limit; /* maximum number of files; 0: all */
    int random_samples; /* number of random samples if there are no files, at least 1 */
    const char *pipeline; /* steps for images (docs/alignment.md); NULL: resize to the input */
    struct vn_options run; /* threads and CPU features of the .bin; they change no result */
    struct vn_listener listener; /* progress: "verify" */
};
/* Three random samples, one thread, every CPU feature, no listener. */
void vn_verify_options_default(struct vn_verify_options *o);

/* One tensor, over all samples. */
struct vn_verified {
    const char *name, *node; /* in the ONNX file; node "": an input */
    int integer; /* 1: compared as integers, 0: as float32 */
    int fused; /* 1: a fusion keeps it in registers; computed again for the check */
    int64_t compared, different; /* elements; of floats: beyond the tolerance */
    int64_t max_step; /* integers: largest difference */
    double max_relative; /* floats: largest difference, divided by the reference's largest magnitude */
    int64_t first; /* flat index of the first difference; -1: none */
    int first_sample; /* its sample, counted from 0 */
    double zeros; /* share of zeros in the reference, 0..1 */
    int mistrusted; /* 1: nearly all are zeros, so that equality says little */
};

struct vn_verify_summary {
    int passed; /* 1: something was compared, and all of it is equal or within the tolerance */
    int samples;
    int64_t compared, different; /* integers */
    int integer_tensors, float_tensors;
    double max_relative; /* of all float tensors */
    /* Tensors of the ONNX file that the .bin does not show (aliases, folded copies). */
    const char *const *missing;
    int n_missing;
};

struct vn_verification; /* opaque */

/* Compare. On success *v is the result, whether it passed or not, to be freed with vn_verification_free; on
 * failure NULL. Errors, with file and reason in e->msg: VN_E_INPUT (a damaged file, two different networks,
 * an empty folder), VN_E_UNSUPPORTED (files for a network with several inputs), VN_E_USAGE (no samples),
 * VN_E_IO, VN_E_NOMEM. */
int vn_verify(struct vn_verification **v, const char *onnx, const char *bin,
              const struct vn_verify_options *o, struct vn_err *e);
/* Sets *v to NULL; NULL is allowed. */
void vn_verification_free(struct vn_verification **v);

const struct vn_verify_summary *vn_verification_summary(const struct vn_verification *v);
/* The n tensors that were compared, in running order. */
const struct vn_verified *vn_verification_tensors(const struct vn_verification *v, int *n);

#ifdef __cplusplus
}
#endif
#endif
