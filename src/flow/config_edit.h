/* flow/config_edit.h - keys of a configuration set anew, as text: comments and everything else stay. */
#ifndef VN_CONFIG_EDIT_H
#define VN_CONFIG_EDIT_H

#include "base/arena.h"
#include "base/err.h"

/* sets: "KEY=VALUE" each; an empty value takes the key out; a key in a wrong group moves to its own. A name
 * in the file that is no key is renamed to the key or group VALUE. VN_E_USAGE: no such key. */
int vn_config_edit(const char **text, struct vn_arena *a, const char *path, const char *const *sets, int n,
                   struct vn_err *e);

/* "net.yaml" becomes "net_2.yaml", and that "net_3.yaml", until there is no file of the name. */
const char *vn_config_next_name(struct vn_arena *a, const char *path);

#endif
