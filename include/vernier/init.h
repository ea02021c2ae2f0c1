/* vernier/init.h - a configuration for a model, with guesses to be checked.
 *
 * NOT STABLE: names and fields may change in any release. */
#ifndef VERNIER_INIT_H
#define VERNIER_INIT_H

#include <vernier/convert.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vn_init_options {
    struct vn_source source;
    const char *march; /* a target's name or file; NULL: "generic" */
    const char *data_dir; /* folder of calibration data; NULL: "./calibration_data" */
    const char *output; /* file to write; NULL: the model's name with .yaml, in the current folder */
    int full; /* 1: with every key that works, as comments */
    struct vn_listener listener;
};
void vn_init_options_default(struct vn_init_options *o);

struct vn_configuration; /* opaque */

/* Write a configuration; values that the model does not determine are marked CHECK. On success *c is the
 * written text, to be freed with vn_configuration_free; on failure NULL. Errors: VN_E_USAGE (the file exists
 * already), VN_E_INPUT, VN_E_UNSUPPORTED, VN_E_IO, VN_E_NOMEM. */
int vn_init(struct vn_configuration **c, const struct vn_init_options *o, struct vn_err *e);
void vn_configuration_free(struct vn_configuration **c); /* sets *c to NULL; NULL is allowed */

const char *vn_configuration_path(const struct vn_configuration *c);
const char *vn_configuration_text(const struct vn_configuration *c);

/* ---- keys of configurations ---- */

struct vn_key_info {
    const char *group, *name, *help;
    const char *type; /* in words: "integer", "list, separated by ';'" */
    const char *state; /* "works", "checked, no effect on a CPU" */
    const char *otherwise; /* the default; NULL: none */
    const char *needs; /* "KEY=VALUE|VALUE", required for an effect; NULL: none */
    const char *excludes; /* a key that must not be set; NULL: none */
    double least, most; /* of integers and numbers; both 0: any */
};
/* Key i of the table, counted from 0; VN_E_USAGE after the last one. */
int vn_key_describe(int i, struct vn_key_info *out);
/* Valid value `word` (counted from 0) of key i; NULL after the last one, or if the key takes any value. */
const char *vn_key_word(int i, int word);

#ifdef __cplusplus
}
#endif
#endif
