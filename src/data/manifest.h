/* data/manifest.h - manifest.json, which prep leaves beside the files that it makes. */
#ifndef VN_MANIFEST_H
#define VN_MANIFEST_H

#include <jansson.h>

#include "base/arena.h"
#include "image/steps.h"
#include "tensor/tensor.h"

#define VN_MANIFEST "manifest.json"

/* The array in one file. */
struct vn_made {
    struct vn_shape shape;
    enum vn_dtype dtype;
    const char *colours; /* rgb, bgr, gray, ... */
};

/* NULL: the folder has none, or another program's. */
json_t *vn_manifest_read(struct vn_arena *a, const char *folder);
const char *vn_manifest_pipeline(const json_t *manifest); /* as YAML */
struct vn_pipeline *vn_manifest_steps(struct vn_arena *a, const char *folder); /* NULL: as above */
/* 0: the manifest does not describe a file of this name. */
int vn_manifest_file(struct vn_made *out, const json_t *manifest, const char *name);
/* The three entries of a file; NULL: out of memory. */
json_t *vn_made_json(const struct vn_made *m);

#endif
