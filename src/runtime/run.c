/* Running, observing, and what the public header offers besides. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "base/flag.h"
#include "runtime/model.h"

/* Round to nearest, denormals on, for the length of a run; results must not depend on what the caller's
 * program has set. */
static unsigned default_rounding(void)
{
#if defined(__x86_64__)
    const unsigned was = _mm_getcsr();
    _mm_setcsr(0x1f80);
    return was;
#elif defined(__aarch64__)
    uint64_t was;
    __asm__ volatile("mrs %0, fpcr" : "=r"(was));
    __asm__ volatile("msr fpcr, %0" ::"r"((uint64_t)0));
    return (unsigned)was;
#else
    return 0;
#endif
}

static void restore_rounding(unsigned was)
{
#if defined(__x86_64__)
    _mm_setcsr(was);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" ::"r"((uint64_t)was));
#else
    (void)was;
#endif
}

struct job {
    void (*fn)(void *, int);
    void *ctx;
};

static void run_part(void *arg, int part)
{
    const struct job *j = arg;
    const unsigned was = default_rounding();
    j->fn(j->ctx, part);
    restore_rounding(was);
}

void rt_parallel(struct vn_model *m, int parts, void (*fn)(void *, int), void *ctx)
{
    struct job j = { fn, ctx };
    vn_pool_run(m->pool, parts, run_part, &j);
}

int rt_parts(const struct vn_model *m, int64_t rows)
{
    const int threads = vn_pool_size(m->pool), want = threads == 1 ? 1 : threads * 4;
    return rows < want ? (int)(rows > 0 ? rows : 1) : want;
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int is_wanted(const struct vn_model *m, const struct rt_tensor *t)
{
    return t && (!m->watch.wanted || m->watch.wanted[rt_id(m, t)]);
}

static void show(const struct vn_model *m, const struct rt_tensor *t, const void *data)
{
    struct vn_view v;
    rt_view(m, t, data, &v);
    m->watch.after(m->watch.user, &v);
}

static void show_inputs(const struct vn_model *m, int i)
{
    const struct rt_step *s = &m->steps[i];
    struct vn_view in[RT_MAX_IN];
    if (!is_wanted(m, s->out) && !is_wanted(m, s->hidden[0]) && !is_wanted(m, s->hidden[1]))
        return;
    for (int k = 0; k < s->n_in; k++)
        rt_view(m, s->in[k], s->in[k]->data, &in[k]);
    m->watch.before(m->watch.user, i, in, s->n_in);
}

/* Hidden tensors are computed from the inputs, which are intact until the next instruction. */
static void show_results(struct vn_model *m, const struct rt_step *s)
{
    for (int i = 0; i < 2; i++) {
        if (!is_wanted(m, s->hidden[i]))
            continue;
        s->instr->hidden(m, s, i, m->scratch);
        show(m, s->hidden[i], m->scratch);
    }
    if (s->finishes && is_wanted(m, s->out))
        show(m, s->out, s->out->data);
}

static void run_step(struct vn_model *m, struct rt_step *s)
{
    const uint64_t start = m->profile ? now() : 0;
    s->instr->run(m, s);
    if (m->profile)
        s->nanoseconds = now() - start;
}

static int run_steps(struct vn_model *m, int first, int end, struct vn_err *e)
{
    m->failed = NULL;
    for (int i = first; i < end; i++) {
        if (vn_flag_is_set(m->cancel))
            return vn_fail(e, VN_E_CANCELLED, "cancelled before instruction %d of %u", i, m->n_steps);
        if (m->watch.before)
            show_inputs(m, i);
        run_step(m, &m->steps[i]);
        m->next = i + 1;
        if (m->failed)
            return vn_fail(e, VN_E_INPUT, "%s: %s", m->failed->node, m->why);
        if (m->watch.after)
            show_results(m, &m->steps[i]);
    }
    return VN_OK;
}

static int check_buffers(const struct vn_io *io, uint32_t n, const void *const *buffer, struct vn_err *e)
{
    for (uint32_t i = 0; i < n; i++)
        if (!buffer[i])
            return vn_fail(e, VN_E_USAGE, "'%s': the buffer is NULL, expected %zu bytes", io[i].name,
                           io[i].bytes);
    return VN_OK;
}

int vn_model_write_inputs(struct vn_model *m, const void *const *in, struct vn_err *e)
{
    TRY(check_buffers(m->io, m->header.n_inputs, in, e));
    m->next = 0;
    for (uint32_t i = 0; i < m->header.n_inputs; i++) {
        const struct rt_tensor *t = &m->tensors[m->io_tensor[i]];
        memcpy(t->data, in[i], m->io[i].bytes);
        if (m->watch.after && is_wanted(m, t))
            show(m, t, t->data);
    }
    return VN_OK;
}

int vn_model_run_range(struct vn_model *m, int first, int end, struct vn_err *e)
{
    if (first < 0 || end < first || (uint32_t)end > m->n_steps)
        return vn_fail(e, VN_E_USAGE, "instructions %d to %d; the program has %u", first, end, m->n_steps);
    const unsigned was = default_rounding();
    const int status = run_steps(m, first, end, e);
    restore_rounding(was);
    return status;
}

int vn_model_read_outputs(const struct vn_model *m, void *const *out, struct vn_err *e)
{
    const struct vn_io *io = m->io + m->header.n_inputs;
    TRY(check_buffers(io, m->header.n_outputs, (const void *const *)out, e));
    for (uint32_t i = 0; i < m->header.n_outputs; i++)
        memcpy(out[i], m->tensors[m->io_tensor[m->header.n_inputs + i]].data, io[i].bytes);
    return VN_OK;
}

int vn_model_run(struct vn_model *m, const void *const *in, void *const *out, struct vn_err *e)
{
    TRY(check_buffers(m->io + m->header.n_inputs, m->header.n_outputs, (const void *const *)out, e));
    TRY(vn_model_write_inputs(m, in, e));
    TRY(vn_model_run_range(m, 0, (int)m->n_steps, e));
    return vn_model_read_outputs(m, out, e);
}

void vn_model_unload(struct vn_model **m)
{
    if (!m || !*m)
        return;
    vn_pool_stop((*m)->pool);
    *m = NULL;
}

#ifndef MAP_POPULATE
#define MAP_POPULATE 0 /* Linux: all pages at once, for the checksum reads them anyway */
#endif

static int map_file(const char *path, void **data, size_t *bytes, struct vn_err *e)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return vn_fail(e, errno == ENOENT ? VN_E_INPUT : VN_E_IO, "%s: cannot open: %s", path,
                       strerror(errno));
    struct stat st;
    int r = VN_OK;
    *data = MAP_FAILED;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(struct bin_header))
        r = vn_fail(e, VN_E_INPUT, "%s: not a Vernier .bin", path);
    else if ((*data = mmap(NULL, *bytes = (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd,
                           0)) == MAP_FAILED)
        r = vn_fail(e, VN_E_IO, "%s: cannot map: %s", path, strerror(errno));
    close(fd);
    return r;
}

int vn_model_open(struct vn_model **m, const char *path, const struct vn_options *o, struct vn_err *e)
{
    *m = NULL;
    void *data, *mem = NULL;
    size_t bytes = 0, need = 0;
    int r = map_file(path, &data, &bytes, e);
    if (r < 0)
        return r;
    struct vn_err why = { 0 };
    r = vn_model_size(&need, data, bytes, o, &why);
    if (r == VN_OK && !(mem = aligned_alloc(BIN_ALIGN, (need + BIN_ALIGN - 1) / BIN_ALIGN * BIN_ALIGN)))
        r = vn_fail(&why, VN_E_NOMEM, "out of memory: %zu bytes", need);
    if (r == VN_OK)
        r = rt_load(m, data, bytes, mem, o, &why);
    if (r < 0) {
        free(mem);
        munmap(data, bytes);
        return vn_fail(e, r, "%s: %s", path, why.msg);
    }
    (*m)->memory = mem;
    (*m)->mapped = data;
    (*m)->mapped_bytes = bytes;
    return VN_OK;
}

void vn_model_close(struct vn_model **m)
{
    if (!m || !*m)
        return;
    void *mem = (*m)->memory, *mapped = (*m)->mapped;
    const size_t bytes = (*m)->mapped_bytes;
    vn_model_unload(m);
    free(mem);
    if (mapped)
        munmap(mapped, bytes);
}

const struct vn_io *vn_model_inputs(const struct vn_model *m, int *count)
{
    *count = (int)m->header.n_inputs;
    return m->io;
}

const struct vn_io *vn_model_outputs(const struct vn_model *m, int *count)
{
    *count = (int)m->header.n_outputs;
    return m->io + m->header.n_inputs;
}

void vn_model_watch(struct vn_model *m, const struct vn_watch *w)
{
    m->watch = w ? *w : (struct vn_watch){ 0 };
}
void vn_model_cancel_on(struct vn_model *m, const volatile int *flag) { m->cancel = flag; }

int vn_model_output_shape(const struct vn_model *m, int i, int64_t *shape)
{
    if (i < 0 || (uint32_t)i >= m->header.n_outputs)
        return VN_E_USAGE;
    memcpy(shape, m->tensors[m->io_tensor[m->header.n_inputs + (uint32_t)i]].live, 8 * sizeof *shape);
    return VN_OK;
}

uint32_t vn_model_isa(const struct vn_model *m) { return m->header.isa; }

void vn_model_bytes(const struct vn_model *m, size_t *constants, size_t *working)
{
    *constants = m->header.section[BIN_CONSTS].bytes;
    *working = m->header.arena_bytes;
}

void vn_model_profile(struct vn_model *m, int on) { m->profile = on; }

int vn_model_meta_at(const struct vn_model *m, int i, const char **key, const char **text)
{
    if (i < 0 || (uint32_t)i >= m->n_meta)
        return VN_E_USAGE;
    *key = m->meta[2 * i];
    *text = m->meta[2 * i + 1];
    return VN_OK;
}

const char *vn_model_meta(const struct vn_model *m, const char *key)
{
    for (uint32_t i = 0; i < m->n_meta; i++)
        if (!strcmp(m->meta[2 * i], key))
            return m->meta[2 * i + 1];
    return NULL;
}
