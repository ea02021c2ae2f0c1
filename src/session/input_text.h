/* session/input_text.h - what artefacts say of their inputs: the text of the metadata key "input.NAME". */
#ifndef VN_INPUT_TEXT_H
#define VN_INPUT_TEXT_H

#include "config/config.h"

const char *vn_input_text(const struct input_config *in, struct vn_arena *a);
/* And back. A feature map where text is NULL or is not understood. */
void vn_input_parse(struct input_config *in, struct vn_arena *a, const char *text);

#endif
