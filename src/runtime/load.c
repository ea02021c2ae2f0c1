/* Loading: everything in the file is checked here, once. What the runtime decides from (instructions,
 * shapes, strings, indices) is copied; only weights and tables are used in place. */
#include <string.h>

#include "base/hash.h"
#include "runtime/model.h"

int rt_bad(const struct rt_step *s, struct vn_err *e, const char *what)
{
    return vn_fail(e, VN_E_INPUT, "damaged .bin: instruction %s of node '%s': %s", s->instr->name, s->node,
                   what);
}

int64_t rt_product(int64_t a, int64_t b, int64_t c, int64_t d)
{
    const int64_t f[4] = { a, b, c, d }, limit = (int64_t)1 << 40;
    int64_t n = 1;
    for (int i = 0; i < 4; i++) {
        if (f[i] < 0 || f[i] > limit || (f[i] && n > limit / f[i]))
            return -1;
        n *= f[i];
    }
    return n;
}

/* A bump allocator over the caller's memory; with base NULL it only counts. */
struct bump {
    char *base;
    size_t used;
};

static void *take(struct bump *b, uint64_t n, uint64_t size)
{
    char *p = b->base ? b->base + b->used : NULL;
    b->used += (size_t)((n * size + BIN_ALIGN - 1) / BIN_ALIGN * BIN_ALIGN);
    if (p)
        memset(p, 0, (size_t)(n * size));
    return p;
}

struct file {
    const char *data;
    size_t bytes;
    struct bin_header h;
};

static const void *section(const struct file *f, enum bin_section_id id)
{
    return f->data + f->h.section[id].offset;
}
static uint64_t section_count(const struct file *f, enum bin_section_id id, size_t size)
{
    return f->h.section[id].bytes / size;
}

static const size_t record_bytes[BIN_SECTIONS] = {
    [BIN_STRINGS] = 1,
    [BIN_TENSORS] = sizeof(struct bin_tensor),
    [BIN_INSTRS] = sizeof(struct bin_instr),
    [BIN_REFS] = 4,
    [BIN_PARAMS] = 4,
    [BIN_IO] = sizeof(struct bin_io),
    [BIN_META] = sizeof(struct bin_meta),
    [BIN_CONSTS] = 1,
};

/* known: the checksum has been compared before. */
static int check_header(struct file *f, const void *image, size_t bytes, const struct vn_options *o,
                        int known, struct vn_err *e)
{
    if (rt_is_pack(image, bytes))
        TRY(rt_pack_find(&image, &bytes, o->model, e));
    f->data = image;
    f->bytes = bytes;
    if (bytes < sizeof f->h || memcmp(image, BIN_MAGIC, 8))
        return vn_fail(e, VN_E_INPUT,
                       "not a Vernier .bin: expected at least %zu bytes that start with 'VERNIER'",
                       sizeof f->h);
    memcpy(&f->h, image, sizeof f->h);
    if (f->h.version != BIN_VERSION)
        return vn_fail(e, VN_E_UNSUPPORTED, "format version %u, expected %d: %s", f->h.version, BIN_VERSION,
                       f->h.version < BIN_VERSION ? "convert the model again" : "written by a newer Vernier");
    if (f->h.header_bytes != sizeof f->h || f->h.file_bytes != bytes)
        return vn_fail(e, VN_E_INPUT, "damaged .bin: expected %llu bytes, got %zu",
                       (unsigned long long)f->h.file_bytes, bytes);
    if ((uintptr_t)image % 8)
        return vn_fail(e, VN_E_USAGE, "the address of a .bin image must be a multiple of 8");
    if (!known && vn_hash(image, bytes, offsetof(struct bin_header, checksum)) != f->h.checksum)
        return vn_fail(e, VN_E_INPUT, "damaged .bin: the checksum does not match its contents");
    for (int i = 0; i < BIN_SECTIONS; i++) {
        const struct bin_section s = f->h.section[i];
        if (s.offset % BIN_ALIGN || s.offset > bytes || s.bytes > bytes - s.offset ||
            s.bytes % record_bytes[i])
            return vn_fail(e, VN_E_INPUT, "damaged .bin: section %d is outside the file", i);
    }
    const struct bin_section s = f->h.section[BIN_STRINGS];
    if (!s.bytes || f->data[s.offset + s.bytes - 1])
        return vn_fail(e, VN_E_INPUT, "damaged .bin: unterminated strings");
    if (f->h.arena_bytes > (uint64_t)1 << 40)
        return vn_fail(e, VN_E_INPUT, "damaged .bin: it requests %llu bytes of memory",
                       (unsigned long long)f->h.arena_bytes);
    return VN_OK;
}

static int string(const char **out, const struct file *f, const char *strings, uint32_t at, struct vn_err *e)
{
    if (at >= f->h.section[BIN_STRINGS].bytes)
        return vn_fail(e, VN_E_INPUT, "damaged .bin: a name is outside the strings");
    *out = strings + at;
    return VN_OK;
}

static size_t dtype_bytes(int t)
{
    switch (t) {
    case VN_I8:
    case VN_U8:
    case VN_BOOL: return 1;
    case VN_I16:
    case VN_U16:
    case VN_F16:
    case VN_BF16: return 2;
    case VN_F32:
    case VN_I32:
    case VN_U32: return 4;
    case VN_I64:
    case VN_U64:
    case VN_F64: return 8;
    default: return 0;
    }
}

static int load_tensor(struct vn_model *m, const struct file *f, const char *strings, uint32_t i,
                       struct vn_err *e)
{
    struct bin_tensor b;
    memcpy(&b, (const char *)section(f, BIN_TENSORS) + i * sizeof b, sizeof b);
    struct rt_tensor *t = &m->tensors[i];
    TRY(string(&t->name, f, strings, b.name, e));
    TRY(string(&t->node, f, strings, b.node, e));
    t->dtype = b.dtype;
    t->place = b.place;
    t->role = b.role;
    t->rank = b.rank;
    t->channels_last = b.channels_last != 0;
    t->scale = b.scale;
    t->zero = b.zero;
    t->bytes = b.bytes;
    const size_t size = dtype_bytes(b.dtype);
    if (!size || b.rank > 8 || b.place > BIN_HIDDEN || (t->channels_last && b.rank < 3) || b.zero < -128 ||
        b.zero > 127)
        return vn_fail(e, VN_E_INPUT,
                       "damaged .bin: tensor '%s' has a wrong type, rank, memory or zero point", t->name);
    if (b.role == VN_ROLE_NONE || b.role >= VN_ROLE_COUNT)
        return vn_fail(e, VN_E_INPUT, "damaged .bin: tensor '%s' has role %u, expected 1 to %d", t->name,
                       b.role, VN_ROLE_COUNT - 1);
    t->count = 1;
    for (int k = 0; k < b.rank; k++) {
        t->dims[k] = t->live[k] = b.dims[k];
        t->count = t->count < 0 ? -1 : rt_product(t->count, t->dims[k], 1, 1);
    }
    if (t->count < 0 || (uint64_t)t->count * size != b.bytes)
        return vn_fail(e, VN_E_INPUT,
                       "damaged .bin: tensor '%s' has %llu bytes, which does not match its shape", t->name,
                       (unsigned long long)b.bytes);
    const uint64_t room = b.place == BIN_CONST ? f->h.section[BIN_CONSTS].bytes : f->h.arena_bytes;
    if (b.place == BIN_HIDDEN)
        return VN_OK;
    if (b.offset % (b.place == BIN_CONST ? BIN_ALIGN : size) || b.offset > room ||
        b.bytes > room - b.offset || BIN_SLACK > room - b.offset - b.bytes)
        return vn_fail(e, VN_E_INPUT, "damaged .bin: tensor '%s' is outside its memory", t->name);
    t->data = b.place == BIN_CONST ? (char *)section(f, BIN_CONSTS) + b.offset : m->arena + b.offset;
    return VN_OK;
}

static struct rt_tensor *hidden_tensor(struct vn_model *m, int32_t id)
{
    return id >= 0 && (uint32_t)id < m->n_tensors ? &m->tensors[id] : NULL;
}

static int load_step(struct vn_model *m, const struct file *f, const char *strings, const uint32_t *params,
                     uint32_t i, struct vn_err *e)
{
    struct bin_instr b;
    memcpy(&b, (const char *)section(f, BIN_INSTRS) + i * sizeof b, sizeof b);
    struct rt_step *s = &m->steps[i];
    if (b.opcode == OPCODE_NONE || b.opcode >= OPCODE_COUNT)
        return vn_fail(e, VN_E_INPUT, "damaged .bin: instruction %u has unknown code %u", i, b.opcode);
    const struct instr_info *info = &bin_instr_info[b.opcode];
    s->instr = rt_instrs[b.opcode];
    TRY(string(&s->node, f, strings, b.node, e));
    WANT(s, e, b.n_in >= info->in_min && b.n_in <= info->in_max && b.n_in <= RT_MAX_IN,
         "wrong number of inputs");
    const uint64_t refs = section_count(f, BIN_REFS, 4), words = section_count(f, BIN_PARAMS, 4);
    WANT(s, e, b.ref <= refs && b.n_in < refs - b.ref, "tensor list outside the file");
    WANT(s, e, b.param <= words && (uint64_t)info->words <= words - b.param, "parameters outside the file");
    s->params = params + b.param;
    s->n_in = b.n_in;
    for (int k = 0; k <= b.n_in; k++) {
        uint32_t id;
        memcpy(&id, (const char *)section(f, BIN_REFS) + (b.ref + (uint64_t)k) * 4, sizeof id);
        WANT(s, e, id < m->n_tensors && m->tensors[id].place != BIN_HIDDEN, "tensor index out of range");
        if (k < b.n_in)
            s->in[k] = &m->tensors[id];
        else
            s->out = &m->tensors[id];
    }
    WANT(s, e, s->out->place == BIN_ARENA, "the output is a constant");
    return VN_OK;
}

static void fill_io(struct vn_io *io, const struct rt_tensor *t, const struct bin_io *b)
{
    *io = (struct vn_io){ .name = t->name,
                          .dtype = t->dtype,
                          .type = b->type,
                          .rank = t->rank,
                          .bytes = t->bytes,
                          .scale = t->scale,
                          .zero = t->zero,
                          .channels_last = b->channels_last != 0 };
    for (int k = 0; k < t->rank; k++)
        io->shape[k] = t->dims[k];
}

static int load_io(struct vn_model *m, const struct file *f, struct vn_err *e)
{
    const uint32_t n = m->header.n_inputs + m->header.n_outputs;
    for (uint32_t i = 0; i < n; i++) {
        struct bin_io b;
        memcpy(&b, (const char *)section(f, BIN_IO) + i * sizeof b, sizeof b);
        if (b.tensor >= m->n_tensors || m->tensors[b.tensor].place != BIN_ARENA || b.type > VN_IN_GRAY)
            return vn_fail(e, VN_E_INPUT, "damaged .bin: input or output %u is not a tensor", i);
        m->io_tensor[i] = b.tensor;
        fill_io(&m->io[i], &m->tensors[b.tensor], &b);
        m->io[i].tensor = (int)b.tensor;
    }
    return VN_OK;
}

static int load_meta(struct vn_model *m, const struct file *f, const char *strings, struct vn_err *e)
{
    for (uint32_t i = 0; i < m->n_meta; i++) {
        struct bin_meta b;
        memcpy(&b, (const char *)section(f, BIN_META) + i * sizeof b, sizeof b);
        TRY(string(&m->meta[2 * i], f, strings, b.key, e));
        TRY(string(&m->meta[2 * i + 1], f, strings, b.text, e));
    }
    return VN_OK;
}

/* Bytes of index arrays and the largest hidden tensor; needs steps with params. */
static uint64_t scratch_bytes(const struct vn_model *m)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < m->n_tensors; i++)
        if (m->tensors[i].place == BIN_HIDDEN && m->tensors[i].bytes > n)
            n = m->tensors[i].bytes;
    return n + BIN_SLACK;
}

static int thread_count(const struct vn_options *o)
{
    return o->threads < 1 ? 1 : o->threads > 256 ? 256 : o->threads;
}

/* Which instruction writes each tensor first and last, and which reads it last. What is read before anything
 * wrote it is the reader's own scratch memory. */
static void find_lives(struct vn_model *m)
{
    enum { NOTHING = -2 };
    const int n = (int)m->n_steps;
    for (uint32_t i = 0; i < m->n_tensors; i++) {
        m->tensors[i].last_writer = m->tensors[i].place == BIN_CONST ? -1 : NOTHING;
        m->tensors[i].first_writer = NOTHING;
        m->tensors[i].last_reader = -1;
    }
    for (uint32_t i = 0; i < m->header.n_inputs; i++)
        m->tensors[m->io_tensor[i]].first_writer = m->tensors[m->io_tensor[i]].last_writer = -1;
    for (int i = 0; i < n; i++) {
        struct rt_step *s = &m->steps[i];
        for (int k = 0; k < s->n_in; k++) {
            s->in[k]->last_reader = i;
            if (s->in[k]->last_writer == NOTHING)
                s->in[k]->last_writer = i;
        }
        if (s->out->first_writer == NOTHING)
            s->out->first_writer = i;
        s->out->last_writer = s->out->last_reader = i;
        for (int k = 0; k < 2; k++)
            if (s->hidden[k])
                s->hidden[k]->last_writer = i;
    }
    for (int i = 0; i < n; i++)
        m->steps[i].finishes = m->steps[i].out->last_writer == i;
    for (uint32_t i = 0; i < m->header.n_outputs; i++)
        m->tensors[m->io_tensor[m->header.n_inputs + i]].last_reader = n;
}

/* What a file holds, counted from its own records before any is loaded. */
struct counts {
    uint64_t tensors, steps, io, meta;
    uint64_t index_bytes; /* of index arrays: at most all constants together */
    uint64_t hidden; /* bytes of the largest hidden tensor */
};

static int count_records(struct counts *c, const struct file *f, struct vn_err *e)
{
    *c = (struct counts){
        .tensors = section_count(f, BIN_TENSORS, sizeof(struct bin_tensor)),
        .steps = section_count(f, BIN_INSTRS, sizeof(struct bin_instr)),
        .io = section_count(f, BIN_IO, sizeof(struct bin_io)),
        .meta = section_count(f, BIN_META, sizeof(struct bin_meta)),
    };
    if (c->io != (uint64_t)f->h.n_inputs + f->h.n_outputs || c->tensors > 1 << 24 || c->steps > 1 << 24)
        return vn_fail(e, VN_E_INPUT, "damaged .bin: record counts do not match");
    return VN_OK;
}

static int measure_tensors(struct counts *c, const struct file *f, struct vn_err *e)
{
    const uint64_t arena = f->h.arena_bytes;
    uint64_t used = 0;
    for (uint64_t i = 0; i < c->tensors; i++) {
        struct bin_tensor t;
        memcpy(&t, (const char *)section(f, BIN_TENSORS) + i * sizeof t, sizeof t);
        if (t.place == BIN_CONST && t.dtype == VN_I32 && t.bytes <= f->h.section[BIN_CONSTS].bytes)
            c->index_bytes += t.bytes + BIN_ALIGN;
        if (t.place == BIN_HIDDEN && t.bytes > c->hidden && t.bytes <= arena)
            c->hidden = t.bytes;
        if (t.place == BIN_ARENA && t.offset <= arena && t.bytes <= arena - t.offset &&
            t.offset + t.bytes > used)
            used = t.offset + t.bytes;
    }
    if (arena > used + BIN_SLACK + BIN_ALIGN) /* an error in this number would cost much memory */
        return vn_fail(e, VN_E_INPUT,
                       "damaged .bin: it requests %llu bytes of memory, its tensors require %llu",
                       (unsigned long long)arena, (unsigned long long)used);
    /* records that share constants may count them several times, but not this often */
    if (c->index_bytes > 16 * (uint64_t)f->bytes)
        return vn_fail(e, VN_E_INPUT, "damaged .bin: its index arrays require %llu bytes",
                       (unsigned long long)c->index_bytes);
    return VN_OK;
}

/* Where everything lies in the caller's memory. */
struct parts {
    struct vn_model *m;
    char *strings, *arena, *own, *scratch;
    uint32_t *params, *io_tensor;
    struct rt_tensor *tensors;
    struct rt_step *steps;
    struct vn_io *io;
    const char **meta;
    void *pool;
    int64_t *live; /* the only record that a run changes */
};

static struct parts take_parts(struct bump *b, const struct file *f, const struct counts *c, int threads)
{
    struct parts p;
    p.m = take(b, 1, sizeof *p.m);
    p.strings = take(b, f->h.section[BIN_STRINGS].bytes, 1);
    p.params = take(b, f->h.section[BIN_PARAMS].bytes, 1);
    p.tensors = take(b, c->tensors, sizeof *p.tensors);
    p.steps = take(b, c->steps, sizeof *p.steps);
    p.io = take(b, c->io, sizeof *p.io);
    p.io_tensor = take(b, c->io, sizeof *p.io_tensor);
    p.meta = take(b, c->meta, 2 * sizeof *p.meta);
    p.pool = take(b, 1, vn_pool_bytes(threads));
    p.arena = take(b, f->h.arena_bytes, 1);
    p.own = take(b, c->index_bytes, 1);
    p.scratch = take(b, c->hidden + BIN_SLACK, 1);
    p.live = take(b, c->tensors, 8 * sizeof *p.live);
    return p;
}

static void init_model(const struct parts *p, const struct file *f, const struct counts *c, uint32_t cpumask)
{
    struct vn_model *m = p->m;
    m->header = f->h;
    m->n_tensors = (uint32_t)c->tensors;
    m->n_steps = (uint32_t)c->steps;
    m->n_meta = (uint32_t)c->meta;
    m->tensors = p->tensors;
    m->steps = p->steps;
    m->io = p->io;
    m->io_tensor = p->io_tensor;
    m->meta = p->meta;
    m->arena = p->arena;
    m->scratch = p->scratch;
    m->live = p->live;
    memcpy(p->strings, section(f, BIN_STRINGS), f->h.section[BIN_STRINGS].bytes);
    p->strings[f->h.section[BIN_STRINGS].bytes - 1] = 0;
    memcpy(p->params, section(f, BIN_PARAMS), f->h.section[BIN_PARAMS].bytes);
    vn_kernels_init(&m->kernels, vn_kernels_cpu() & cpumask);
    for (uint32_t i = 0; i < m->n_tensors; i++)
        m->tensors[i].live = p->live + 8 * (size_t)i;
}

static int load_tensors(const struct parts *p, const struct file *f, const struct counts *c, struct vn_err *e)
{
    for (uint32_t i = 0; i < p->m->n_tensors; i++)
        TRY(load_tensor(p->m, f, p->strings, i, e));
    if (scratch_bytes(p->m) > c->hidden + BIN_SLACK)
        return vn_fail(e, VN_E_INPUT, "damaged .bin: a fused tensor is larger than the program's memory");
    return VN_OK;
}

static int load_steps(const struct parts *p, const struct file *f, const struct counts *c, struct vn_err *e)
{
    size_t own_used = 0;
    for (uint32_t i = 0; i < p->m->n_steps; i++) {
        struct rt_step *s = &p->steps[i];
        TRY(load_step(p->m, f, p->strings, p->params, i, e));
        if (s->instr->own) {
            const size_t need = (s->instr->own(s) + BIN_ALIGN - 1) / BIN_ALIGN * BIN_ALIGN;
            WANT(s, e, need <= c->index_bytes - own_used, "too many indices");
            s->own = p->own + own_used;
            own_used += need;
        }
        TRY(s->instr->prepare(p->m, s, e));
    }
    return VN_OK;
}

/* Lays the model out in `b`. Run twice: counting only (b->base NULL: no records can be read into place, so
 * sizes come from the file's own counts), then for real. */
static int layout(struct vn_model **out, const struct file *f, struct bump *b, const struct vn_options *o,
                  struct vn_err *e)
{
    struct counts c;
    TRY(count_records(&c, f, e));
    TRY(measure_tensors(&c, f, e));
    const struct parts p = take_parts(b, f, &c, thread_count(o));
    if (!b->base)
        return VN_OK;
    init_model(&p, f, &c, o->cpumask);
    TRY(load_tensors(&p, f, &c, e));
    TRY(load_steps(&p, f, &c, e));
    TRY(load_io(p.m, f, e));
    find_lives(p.m);
    TRY(load_meta(p.m, f, p.strings, e));
    p.m->pool = vn_pool_start(p.pool, thread_count(o));
    *out = p.m;
    return VN_OK;
}

int vn_model_size(size_t *need, const void *image, size_t bytes, const struct vn_options *o, struct vn_err *e)
{
    struct vn_options defaults;
    vn_options_default(&defaults);
    struct file f;
    o = o ? o : &defaults;
    TRY(check_header(&f, image, bytes, o, 0, e));
    struct bump b = { 0 };
    TRY(layout(NULL, &f, &b, o, e));
    *need = b.used;
    return VN_OK;
}

int rt_load(struct vn_model **m, const void *image, size_t bytes, void *mem, const struct vn_options *o,
            struct vn_err *e)
{
    struct vn_options defaults;
    vn_options_default(&defaults);
    struct file f;
    o = o ? o : &defaults;
    TRY(check_header(&f, image, bytes, o, 1, e));
    struct bump b = { mem, 0 };
    return layout(m, &f, &b, o, e);
}

int vn_model_load(struct vn_model **m, const void *image, size_t bytes, void *mem, size_t mem_bytes,
                  const struct vn_options *o, struct vn_err *e)
{
    *m = NULL;
    size_t need;
    TRY(vn_model_size(&need, image, bytes, o, e));
    if ((uintptr_t)mem % BIN_ALIGN || mem_bytes < need)
        return vn_fail(e, VN_E_USAGE, "vn_model_load requires %zu bytes at a multiple of %d, got %zu", need,
                       BIN_ALIGN, mem_bytes);
    return rt_load(m, image, bytes, mem, o, e);
}

void vn_options_default(struct vn_options *o) { *o = (struct vn_options){ .threads = 1, .cpumask = ~0u }; }

int rt_hidden(struct vn_model *m, struct rt_step *s, int32_t conv, int32_t sum, struct vn_err *e)
{
    const int32_t id[2] = { conv, sum };
    for (int i = 0; i < 2; i++) {
        if (id[i] < 0)
            continue;
        struct rt_tensor *t = s->hidden[i] = hidden_tensor(m, id[i]);
        WANT(s, e, t && t->place == BIN_HIDDEN && t->dtype == s->out->dtype && t->count == s->out->count,
             "wrong fused tensor");
    }
    return VN_OK;
}
