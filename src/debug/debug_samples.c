#include "debug/debug_samples.h"

#include "base/file.h"
#include "data/samples.h"

static int list_input(const char ***paths, int *n, struct vn_arena *a, const char *folder, struct vn_err *e)
{
    const char **names;
    TRY(vn_samples_files(&names, n, a, folder, e));
    *paths = NEW_ARRAY(a, const char *, *n);
    for (int i = 0; i < *n; i++)
        (*paths)[i] = vn_path_join(a, folder, names[i]);
    return *n ? VN_OK : vn_fail(e, VN_E_USAGE, "%s: no sample files", folder);
}

int vn_debug_samples(struct debug_samples *d, struct vn_arena *a, const struct vn_session *s,
                     const char *folder, int most, struct vn_err *e)
{
    const struct vn_port *in = vn_session_inputs(s, &d->inputs);
    for (int k = 0; k < d->inputs; k++) {
        const char **paths, *own = vn_path_join(a, folder, in[k].name);
        int n;
        if (d->inputs > 1 && !vn_dir_exists(own))
            return vn_fail(e, VN_E_USAGE,
                           "%s: the network has %d inputs: expected a folder for each, with the name of the "
                           "input; folder %s is missing",
                           folder, d->inputs, in[k].name);
        TRY(list_input(&paths, &n, a, d->inputs > 1 || vn_dir_exists(own) ? own : folder, e));
        if (k && n != d->n)
            return vn_fail(e, VN_E_INPUT, "%s: input %s has %d samples, expected %d as for input %s", folder,
                           in[k].name, n, d->n, in[0].name);
        if (!k)
            d->file = NEW_ARRAY(a, const char *, (size_t)n *(size_t)d->inputs);
        d->n = n;
        for (int i = 0; i < n; i++)
            d->file[i * d->inputs + k] = paths[i];
    }
    if (most && most < d->n)
        d->n = most;
    return d->n ? VN_OK : vn_fail(e, VN_E_USAGE, "%s: the network has no inputs", folder);
}
