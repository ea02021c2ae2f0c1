/* data/dataset_check.h - inside data/dataset* only: what detectors look at. */
#ifndef VN_DATASET_CHECK_H
#define VN_DATASET_CHECK_H

#include "data/dataset.h"

/* Values of one channel over all samples that were looked at. */
struct channel {
    double lo, hi, sum, squares, count;
    int fractions;
};

/* One sample, in the training type. */
struct look {
    const char *path;
    const char *why; /* cannot be read; NULL: read */
    double lo, hi, mean;
    double bright; /* share of values of 250 and more */
    uint64_t hash; /* of its values */
    int is_npy; /* the values begin with those of .npy's first bytes */
    int not_finite;
    /* Mean step to the neighbours, in the layout given and, of several channels, in the other one. */
    double rough, rough_other;
    double rough_flipped; /* of pixels, with 128 added to what is below 128, and taken off the rest */
};

/* How a sample's channel follows from its picture's. */
struct relation {
    int n; /* samples that have a picture */
    int unlike; /* of them: do not look like it at all */
    const char *first_unlike;
    /* mean correlation of channels 0 and 2 with the same, and with the other one */
    double straight, exchanged;
    double a[3], b[3], exact; /* value = a * pixel + b; exact: mean correlation */
};

struct dataset {
    struct vn_arena *arena;
    struct vn_arena *work; /* while samples are looked at */
    float *room; /* in it, for one sample; NULL: pixels */
    const struct config *config;
    const struct input_config *in;
    const struct vn_samples *samples;
    struct vn_shape shape;
    int input;
    struct masked_elements masked;
    int integers; /* the network reads integers or booleans: ids, masks */
    int image; /* pixels on the device, not the network's tensor */
    int pictures; /* files are pictures that are decoded */
    int channels; /* 1 or 3 where the shape has such an axis, else 1 */
    int channels_last, h, w; /* of the data; w 0: not of a picture's shape */
    int all, n; /* samples, and how many were looked at */
    struct look *look;
    struct channel of[3];
    struct relation to_pictures;
};

int vn_data_no_pixels(const struct dataset *d); /* raw values for an input of pixels that are none */

typedef const char *find_fn(const struct dataset *d); /* NULL: nothing found */
find_fn vn_find_minus_128, vn_find_normalised, vn_find_scale, vn_find_mean; /* dataset_range.c */
find_fn vn_find_manifest; /* manifest.c */
find_fn vn_find_unlike, vn_find_channel_order, vn_find_applied,
    vn_find_applied_twice; /* dataset_pictures.c */
int vn_relate_pictures(struct dataset *d, const char *images, struct vn_err *e);

#endif
