/* vernier/prep.h - convert a folder of images to calibration files by a pipeline.
 *
 * NOT STABLE: names and fields may change in any release.
 *
 *     struct vn_prep_options o;
 *     struct vn_prepared *p;
 *     vn_prep_options_default(&o);
 *     o.folder = "images";
 *     o.pipeline = "short_side 256; center_crop 224; layout NCHW";
 *     o.output_dir = "calibration";
 *     if (vn_prep(&p, &o, &err) < 0) ...
 *     vn_prep_free(&p);
 */
#ifndef VERNIER_PREP_H
#define VERNIER_PREP_H

#include <vernier/listener.h>

#ifdef __cplusplus
extern "C" {
#endif

enum vn_prep_format {
    VN_PREP_NPY, /* NAME.npy */
    VN_PREP_BIN, /* NAME.bin: the array's bytes alone */
    VN_PREP_FORMATS
};

struct vn_prep_options {
    const char *folder; /* of image files, or of one folder of them for each class. NULL: read the
                         * pipeline only */
    /* A text file of image names, the first word of each line: only these images of the folder are converted;
     * a missing one is an error. NULL: all */
    const char *names;
    const char *output_dir; /* for one file per image and manifest.json; created with its parents.
                             * Required with `folder` */
    const char *pipeline; /* a YAML file's path, or steps as text (docs/alignment.md); NULL: decode only */
    enum vn_prep_format format;
    int limit; /* maximum number of images, spread over the folder in name order; 0: all */
    struct vn_options run; /* threads: 1..256, or 0 for one per CPU; cpumask: of image functions, from then
                             * on in the whole process. The files do not depend on them */
    struct vn_listener listener; /* progress: "pictures" */
};
/* NPY, all images, one thread, every CPU feature, no listener. */
void vn_prep_options_default(struct vn_prep_options *o);

/* One image. Strings belong to the result. */
struct vn_prep_file {
    const char *source, *name; /* path of the image; name of the file in output_dir */
    uint64_t source_hash, hash; /* of both files' bytes (docs/bin-format.md) */
    int kept; /* 1: written by an earlier run with the same pipeline from the same bytes */
};

struct vn_prepared; /* opaque */

/* Convert a folder. Files that manifest.json lists and that are intact are kept. The manifest is written
 * after every 64 images, so an interrupted run can be resumed. On success *p is the result, to be freed with
 * vn_prep_free; on failure NULL, and the files written so far stay, with their manifest. Errors, with file
 * and reason in e->msg: VN_E_USAGE (no output_dir), VN_E_INPUT (an invalid pipeline, a damaged image, a
 * missing folder or one without images, a name that is not UTF-8), VN_E_UNSUPPORTED, VN_E_IO, VN_E_NOMEM. */
int vn_prep(struct vn_prepared **p, const struct vn_prep_options *o, struct vn_err *e);
/* Sets *p to NULL; NULL is allowed. */
void vn_prep_free(struct vn_prepared **p);

/* The pipeline as YAML with every parameter. Borrowed. */
const char *vn_prep_pipeline(const struct vn_prepared *p);
/* The n images in the order of names; none if `folder` was NULL. Borrowed. */
const struct vn_prep_file *vn_prep_files(const struct vn_prepared *p, int *n);

#ifdef __cplusplus
}
#endif
#endif
