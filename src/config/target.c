/* Targets. The shipped ones are the files in targets/, compiled in as text by the build so that the tool works without them. */
#include "base/file.h"
#include "config/config.h"

const char *const vn_target_names[] = { "generic", "x86-64-v3", "x86-64-v4", "armv8-a", "armv8.2-a", NULL };

static const struct target targets[] = {
    { "generic", 0, "nonnegative", "", 1, NULL },
    { "x86-64-v3", VN_CPU_AVX2, "nonnegative", "", 1, NULL },
    { "x86-64-v4", VN_CPU_AVX2 | VN_CPU_AVX512 | VN_CPU_AVX512VNNI, "nonnegative", "", 1, NULL },
    { "armv8-a", VN_CPU_NEON, "nonnegative", "", 1, NULL },
    { "armv8.2-a", VN_CPU_NEON | VN_CPU_DOTPROD, "nonnegative", "", 1, NULL },
    { "bernoulli2", 0, "symmetric", "Softmax", 1, NULL },
    { "bayes", 0, "symmetric", "Softmax", 1, NULL },
    { "bayes-e", 0, "symmetric", "Softmax", 1, NULL },
};

int vn_target_read(struct target *t, struct vn_arena *a, const char *name, struct vn_err *e)
{
    (void)a;
    const char *names[16];
    const int n = sizeof targets / sizeof *targets;
    for (int i = 0; i < n; i++) {
        names[i] = targets[i].name;
        if (!strcmp(targets[i].name, name)) {
            *t = targets[i];
            return VN_OK;
        }
    }
    const char *near = vn_nearest(name, names, n);
    return vn_fail(e, VN_E_INPUT, "unknown march '%s'%s%s%s", name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}
