/* vernier/custom_op.h - operators of one's own, in a shared library.
 *
 * A network may have operators that neither ONNX nor this toolchain defines. A library supplies one C
 * function for each; it runs in float32 (or int64), in the toolchain as well as in the runtime. For a node
 * of type Swoosh:
 *
 *     #include <vernier/custom_op.h>
 *
 *     VN_CUSTOM_LIBRARY;
 *
 *     VN_CUSTOM_OP(Swoosh)
 *     {
 *         if (c->n_in != 1 || c->n_out != 1 || c->in[0].dtype != VN_F32)
 *             return vn_custom_fail(c, "expected one float input and one output");
 *         if (c->task == VN_CUSTOM_SHAPES)
 *             return vn_custom_same_shape(c, 0, 0);
 *         ...compute c->out[0].data from c->in[0].data...
 *         return 0;
 *     }
 *
 *     cc -shared -fPIC -o swoosh.so swoosh.c
 *     vernier convert -c net.yaml --custom-op ./swoosh.so
 *
 * A function must give the same bytes for the same inputs, on every thread and CPU: `verify` compares two
 * calls. A .bin names the operators that it requires and never a file: which libraries are loaded is the
 * choice of whoever runs the program. docs/custom-operators.md is the guide.
 *
 * NOT STABLE: a change raises VN_CUSTOM_ABI, and libraries are built again. */
#ifndef VERNIER_CUSTOM_OP_H
#define VERNIER_CUSTOM_OP_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vernier/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VN_CUSTOM_MAX_IN 12 /* inputs and outputs of a node */
#define VN_CUSTOM_MAX_OUT 64
#define VN_CUSTOM_ABI 1 /* version of the interface; a library of another one is not loaded */

enum vn_custom_task {
    VN_CUSTOM_SHAPES = 0, /* set dtype, rank and shape of every output; no data are there */
    VN_CUSTOM_RUN = 1, /* compute the outputs whose data are not NULL */
};

struct vn_custom_tensor {
    enum vn_dtype dtype; /* VN_F32, or VN_I64 for every integer type and for booleans (0 and 1) */
    int rank; /* 0 to VN_MAX_RANK */
    int64_t shape[VN_MAX_RANK];
    /* Row-major, in the order of shape. Inputs: const in meaning; NULL: left out by the node, or the task is
     * VN_CUSTOM_SHAPES. Outputs: NULL: not wanted by this call; shape is then not set. */
    void *data;
};

struct vn_custom_call {
    uint32_t task; /* enum vn_custom_task */
    int n_in, n_out; /* as the node has them; inputs left out count, their rank is -1 */
    const struct vn_custom_tensor *in;
    struct vn_custom_tensor *out;
    const char *domain, *type, *node; /* of the node */
    const char *attributes; /* for the functions below */
    char why[160]; /* what is wrong, where the function does not return 0 */
};

/* 0, or another number where inputs, attributes or data are wrong. It is asked for the shapes before it
 * runs, also when a .bin is loaded: what it accepts then is what it is run with. May be called from several
 * threads at once. */
typedef int vn_custom_fn(struct vn_custom_call *c);

#define VN_CUSTOM_VISIBLE __attribute__((visibility("default")))
#ifdef __cplusplus
#define VN_CUSTOM_C extern "C"
#else
#define VN_CUSTOM_C extern
#endif
/* Once in each library. */
#define VN_CUSTOM_LIBRARY \
    VN_CUSTOM_C VN_CUSTOM_VISIBLE const uint32_t vernier_ops_abi; \
    const uint32_t vernier_ops_abi = VN_CUSTOM_ABI
/* The function of nodes of that type; characters that C does not allow in names become _. */
#define VN_CUSTOM_OP(type) \
    VN_CUSTOM_C VN_CUSTOM_VISIBLE int vernier_op_##type(struct vn_custom_call *c); \
    int vernier_op_##type(struct vn_custom_call *c)

/* ---- for functions: attributes, shapes, errors ---- */

/* The values of an attribute: kind i, f or s; NULL: the node has no attribute of that name and kind. One
 * line is "name kind value value...", floats as the integer of their bits. */
static inline const char *vn_custom_attribute(const struct vn_custom_call *c, const char *name, char kind)
{
    const size_t n = strlen(name);
    for (const char *p = c->attributes; *p; p++) {
        if (!strncmp(p, name, n) && p[n] == ' ' && p[n + 1] == kind)
            return p + n + 2;
        if (!(p = strchr(p, '\n')))
            break;
    }
    return NULL;
}

/* Its integers, at most max of them into v; returns how many it has (0: none, or no such attribute). */
static inline int vn_custom_ints(const struct vn_custom_call *c, const char *name, int64_t *v, int max)
{
    const char *p = vn_custom_attribute(c, name, 'i');
    int n = 0;
    for (; p && *p == ' '; n++) {
        char *end;
        const long long x = strtoll(p, &end, 10);
        if (end == p)
            break;
        if (n < max)
            v[n] = x;
        p = end;
    }
    return n;
}

static inline int vn_custom_floats(const struct vn_custom_call *c, const char *name, float *v, int max)
{
    const char *p = vn_custom_attribute(c, name, 'f');
    int n = 0;
    for (; p && *p == ' '; n++) {
        char *end;
        const uint32_t bits = (uint32_t)strtoul(p, &end, 10);
        if (end == p)
            break;
        if (n < max)
            memcpy(v + n, &bits, sizeof bits);
        p = end;
    }
    return n;
}

static inline int64_t vn_custom_int(const struct vn_custom_call *c, const char *name, int64_t otherwise)
{
    int64_t x = otherwise;
    vn_custom_ints(c, name, &x, 1);
    return x;
}

static inline float vn_custom_float(const struct vn_custom_call *c, const char *name, float otherwise)
{
    float x = otherwise;
    vn_custom_floats(c, name, &x, 1);
    return x;
}

/* A string attribute into out[size], cut where it is longer; returns out, or `otherwise`. */
static inline const char *vn_custom_string(const struct vn_custom_call *c, const char *name, char *out,
                                           size_t size, const char *otherwise)
{
    const char *p = vn_custom_attribute(c, name, 's');
    size_t n = 0;
    if (!p || !size)
        return otherwise;
    for (p += *p == ' '; *p && *p != '\n' && *p != ' ' && n + 1 < size; p++) {
        char code[3] = { 0 };
        if (*p == '%' && p[1] && p[2]) {
            memcpy(code, p + 1, 2);
            out[n++] = (char)strtol(code, NULL, 16);
            p += 2;
        } else {
            out[n++] = *p;
        }
    }
    out[n] = 0;
    return out;
}

/* Elements of a tensor. */
static inline int64_t vn_custom_count(const struct vn_custom_tensor *t)
{
    int64_t n = 1;
    for (int k = 0; k < t->rank; k++)
        n *= t->shape[k];
    return n;
}

/* Output `out` has the type and shape of input `in`. */
static inline int vn_custom_same_shape(struct vn_custom_call *c, int out, int in)
{
    c->out[out].dtype = c->in[in].dtype;
    c->out[out].rank = c->in[in].rank;
    memcpy(c->out[out].shape, c->in[in].shape, sizeof c->in[in].shape);
    return 0;
}

static inline int vn_custom_fail(struct vn_custom_call *c, const char *why)
{
    snprintf(c->why, sizeof c->why, "%s", why);
    return 1;
}

/* ---- for programs ---- */

/* Load a library; its functions are then known to every model of the process, and stay so. A path without a
 * slash is one in the current folder. The same library counts once.
 * Errors: VN_E_INPUT (cannot be loaded, or is no library of operators), VN_E_UNSUPPORTED (of another
 * version). */
int vn_custom_load(const char *path, struct vn_err *e);

/* The same for paths with colons between them, such as the value of VERNIER_CUSTOM_OPS; NULL or "": none. */
int vn_custom_load_all(const char *paths, struct vn_err *e);

/* The function of nodes of that type in the libraries loaded so far; NULL: there is none. */
vn_custom_fn *vn_custom_find(const char *type);

#ifdef __cplusplus
}
#endif
#endif
