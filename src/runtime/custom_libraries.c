/* Libraries of custom operators. Loaded code belongs to the process, and so does this list: the only global
 * state of the runtime. */
#include <vernier/custom_op.h>

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "base/err.h"

enum { MAX_LIBRARIES = 64, MAX_TYPE = 96, MAX_PATH = 4096 };

static struct {
    pthread_mutex_t lock;
    void *handle[MAX_LIBRARIES];
    int n;
} libraries = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int enter(const char *path, void *handle, struct vn_err *e)
{
    for (int i = 0; i < libraries.n; i++)
        if (libraries.handle[i] == handle)
            return VN_OK;
    if (libraries.n == MAX_LIBRARIES)
        return vn_fail(e, VN_E_UNSUPPORTED, "%s: more than %d libraries of custom operators", path,
                       MAX_LIBRARIES);
    libraries.handle[libraries.n++] = handle;
    return VN_OK;
}

static int check_version(const char *path, void *handle, struct vn_err *e)
{
    const uint32_t *version = dlsym(handle, "vernier_ops_abi");
    if (!version)
        return vn_fail(e, VN_E_INPUT,
                       "%s: is not a library of custom operators: VN_CUSTOM_LIBRARY is missing in it", path);
    if (*version != VN_CUSTOM_ABI)
        return vn_fail(e, VN_E_UNSUPPORTED,
                       "%s: built for version %u of the custom operator interface, expected %d", path,
                       *version, VN_CUSTOM_ABI);
    return VN_OK;
}

int vn_custom_load(const char *path, struct vn_err *e)
{
    char here[MAX_PATH];
    const int n = snprintf(here, sizeof here, "%s%s", strchr(path, '/') ? "" : "./", path);
    if (n < 0 || (size_t)n >= sizeof here)
        return vn_fail(e, VN_E_INPUT, "%.60s...: the path is too long", path);
    void *handle = dlopen(here, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return vn_fail(e, VN_E_INPUT, "custom operators: %s", dlerror());
    int status = check_version(path, handle, e);
    if (status == VN_OK) {
        pthread_mutex_lock(&libraries.lock);
        status = enter(path, handle, e);
        pthread_mutex_unlock(&libraries.lock);
    }
    if (status < 0)
        dlclose(handle);
    return status;
}

int vn_custom_load_all(const char *paths, struct vn_err *e)
{
    for (const char *p = paths ? paths : ""; *p;) {
        const size_t n = strcspn(p, ":");
        char path[MAX_PATH];
        if (n >= sizeof path)
            return vn_fail(e, VN_E_INPUT, "%.60s...: the path is too long", p);
        memcpy(path, p, n);
        path[n] = 0;
        if (n)
            TRY(vn_custom_load(path, e));
        p += n + (p[n] == ':');
    }
    return VN_OK;
}

vn_custom_fn *vn_custom_find(const char *type)
{
    static const char prefix[] = "vernier_op_";
    char name[sizeof prefix + MAX_TYPE];
    vn_custom_fn *fn = NULL;
    const size_t n = strlen(type), at = sizeof prefix - 1;
    if (!n || n > MAX_TYPE)
        return NULL;
    memcpy(name, prefix, at);
    for (size_t i = 0; i <= n; i++) {
        const char x = type[i];
        const int word = !x || (x >= 'a' && x <= 'z') || (x >= 'A' && x <= 'Z') || (x >= '0' && x <= '9');
        name[at + i] = word ? x : '_';
    }
    pthread_mutex_lock(&libraries.lock);
    for (int i = 0; i < libraries.n && !fn; i++) {
        void *found = dlsym(libraries.handle[i], name);
        memcpy(&fn, &found, sizeof fn);
    }
    pthread_mutex_unlock(&libraries.lock);
    return fn;
}
