/* The models of .bin files and packs, by name. */
#include <string.h>

#include "base/file.h"
#include "cli/compat/compat.h"

static void add(struct compat_models *m, struct vn_arena *a, const struct compat_model *x, const char *wanted)
{
    if (!wanted || !strcmp(x->name, wanted))
        VEC_PUSH(a, m, *x);
}

int vn_compat_models(struct compat_models *m, struct vn_arena *a, int n, const char *const *files,
                     const char *wanted, struct vn_err *e)
{
    const char **names;
    m->n = 0;
    for (int i = 0; i < n; i++) {
        const int packed = vn_pack_names(&names, a, files[i]);
        struct compat_model x = { files[i], vn_path_stem(a, files[i]), NULL };
        if (packed <= 0)
            add(m, a, &x, wanted);
        for (int k = 0; k < packed; k++) {
            x.name = x.pick = names[k];
            add(m, a, &x, wanted);
        }
    }
    return m->n ? VN_OK
                : vn_fail(e, VN_E_USAGE, "%s%s: no model named '%s'", files[0], n > 1 ? ", ..." : "", wanted);
}

int vn_compat_open(struct vn_session **s, const struct compat_model *m, struct vn_err *e)
{
    struct vn_session_options o;
    vn_session_options_default(&o);
    o.run.model = m->pick;
    TRY(vn_session_open(s, m->path, &o, e));
    if (vn_session_kind(*s) == VN_ARTEFACT_BIN)
        return VN_OK;
    vn_session_close(s);
    return vn_fail(e, VN_E_INPUT, "%s: expected a .bin", m->path);
}
