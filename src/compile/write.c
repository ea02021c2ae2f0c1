/* A program as a .bin image. Nothing in it depends on addresses, time or the machine: the same program gives
 * the same bytes. */
#include "base/hash.h"
#include "compile/compile.h"

struct buffer {
    char *data;
    size_t n, cap;
};

/* Contents of a constant, where they lie in the program, and their place in the section. */
struct placed {
    const void *data;
    uint64_t offset;
    size_t bytes;
};

struct writer {
    struct vn_arena *arena; /* of what is not in the image */
    const struct prog *p;
    struct buffer section[BIN_SECTIONS]; /* BIN_CONSTS has no data of its own: */
    VEC(struct placed) consts;
    struct vn_map *strings;
    int *record; /* tensor -> index in BIN_TENSORS, -1: unused */
    uint64_t *offset;
};

static size_t put(struct writer *w, enum bin_section_id id, const void *data, size_t bytes)
{
    struct buffer *b = &w->section[id];
    if (b->n + bytes > b->cap) {
        b->cap = (b->cap + bytes) * 2;
        char *bigger = vn_arena_alloc(w->arena, b->cap);
        if (b->n)
            memcpy(bigger, b->data, b->n);
        b->data = bigger;
    }
    if (data && bytes)
        memcpy(b->data + b->n, data, bytes);
    b->n += bytes;
    return b->n - bytes;
}

static size_t aligned(size_t n) { return (n + BIN_ALIGN - 1) / BIN_ALIGN * BIN_ALIGN; }

static uint32_t string(struct writer *w, const char *s)
{
    if (!s)
        s = "";
    uint32_t *at = vn_map_get(w->strings, s);
    if (!at) {
        at = NEW(w->arena, uint32_t);
        *at = (uint32_t)put(w, BIN_STRINGS, s, strlen(s) + 1);
        vn_map_set(w->strings, s, at);
    }
    return *at;
}

/* Constants that are equal byte for byte (tables of equal nodes, ...) are stored once. */
static uint64_t put_const(struct writer *w, struct vn_map *seen, const struct prog_tensor *t)
{
    const unsigned long long hash = vn_hash(t->data, t->bytes, SIZE_MAX);
    const char *key = vn_arena_fmt(w->arena, "%016llx %zu", hash, t->bytes);
    struct placed *old = vn_map_get(seen, key);
    if (old && !memcmp(old->data, t->data, t->bytes))
        return old->offset;
    struct buffer *section = &w->section[BIN_CONSTS];
    const struct placed new = { t->data, section->n, t->bytes };
    VEC_PUSH(w->arena, &w->consts, new);
    vn_map_set(seen, key, vn_arena_copy(w->arena, &new, sizeof new));
    section->n = aligned(section->n + t->bytes + BIN_SLACK);
    return new.offset;
}

static void mark_used(struct writer *w)
{
    const struct prog *p = w->p;
    char *used = vn_arena_alloc(w->arena, (size_t)p->tensors.n);
    for (int i = 0; i < p->instrs.n; i++) {
        for (int k = 0; k < p->instrs.v[i].n_in; k++)
            used[p->instrs.v[i].in[k]] = 1;
        used[p->instrs.v[i].out] = 1;
    }
    for (int i = 0; i < p->inputs.n; i++)
        used[p->inputs.v[i].tensor] = 1;
    for (int i = 0; i < p->outputs.n; i++)
        used[p->outputs.v[i].tensor] = 1;
    int n = 0;
    for (int i = 0; i < p->tensors.n; i++)
        w->record[i] = used[i] || p->tensors.v[i].place == BIN_HIDDEN ? n++ : -1;
}

static void put_tensors(struct writer *w)
{
    struct vn_map *seen = vn_map_new(w->arena);
    for (int i = 0; i < w->p->tensors.n; i++) {
        const struct prog_tensor *t = &w->p->tensors.v[i];
        if (w->record[i] < 0)
            continue;
        struct bin_tensor b = { .name = string(w, t->name),
                                .node = string(w, t->node),
                                .dtype = (uint8_t)t->dtype,
                                .place = (uint8_t)t->place,
                                .rank = (uint8_t)t->shape.rank,
                                .channels_last = t->layout == CHANNELS_LAST,
                                .scale = t->scale,
                                .zero = t->zero,
                                .role = (uint32_t)t->role,
                                .bytes = t->bytes };
        for (int k = 0; k < t->shape.rank; k++)
            b.dims[k] = (uint32_t)t->shape.d[k];
        b.offset = t->place == BIN_CONST ? put_const(w, seen, t) : t->place == BIN_ARENA ? w->offset[i] : 0;
        put(w, BIN_TENSORS, &b, sizeof b);
    }
}

/* Tensor ids inside parameters: where they begin, how many there are. */
static const struct {
    uint8_t at, count;
} ids[OPCODE_COUNT] = {
#define IDS(name, count) [OPCODE_##name] = { offsetof(struct instr_##name, hidden_conv) / 4, count }
    IDS(CONV_S8, 2),    IDS(DWCONV_S8, 2), IDS(CONV_F32, 2),
    IDS(DWCONV_F32, 2), IDS(CONV_S16, 1),  IDS(DWCONV_S16, 1),
#undef IDS
};

/* They become record numbers. */
static void put_params(struct writer *w, const struct prog_instr *i)
{
    const size_t bytes = (size_t)bin_instr_info[i->op].words * 4;
    int32_t *words = vn_arena_copy(w->arena, i->params, bytes);
    for (int k = 0; k < ids[i->op].count; k++) {
        int32_t *const id = &words[ids[i->op].at + k];
        *id = *id < 0 ? -1 : w->record[*id];
    }
    put(w, BIN_PARAMS, words, bytes);
}

static void put_instrs(struct writer *w)
{
    for (int i = 0; i < w->p->instrs.n; i++) {
        const struct prog_instr *in = &w->p->instrs.v[i];
        const struct bin_instr b = { .opcode = (uint16_t)in->op,
                                     .n_in = (uint16_t)in->n_in,
                                     .ref = (uint32_t)(w->section[BIN_REFS].n / 4),
                                     .param = (uint32_t)(w->section[BIN_PARAMS].n / 4),
                                     .node = string(w, in->node) };
        put(w, BIN_INSTRS, &b, sizeof b);
        for (int k = 0; k <= in->n_in; k++) {
            const uint32_t id = (uint32_t)w->record[k < in->n_in ? in->in[k] : in->out];
            put(w, BIN_REFS, &id, sizeof id);
        }
        put_params(w, in);
    }
}

static void put_io(struct writer *w)
{
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < (k ? w->p->outputs.n : w->p->inputs.n); i++) {
            const struct prog_io *io = k ? &w->p->outputs.v[i] : &w->p->inputs.v[i];
            const struct bin_io b = { .tensor = (uint32_t)w->record[io->tensor],
                                      .type = (uint8_t)io->type,
                                      .channels_last = (uint8_t)io->channels_last };
            put(w, BIN_IO, &b, sizeof b);
        }
}

static void put_meta(struct writer *w)
{
    for (int i = 0; i < w->p->meta.n; i++) {
        const struct bin_meta b = { string(w, w->p->meta.v[i].key), string(w, w->p->meta.v[i].text) };
        put(w, BIN_META, &b, sizeof b);
    }
}

static void copy_sections(const struct writer *w, const struct bin_header *h, char *data)
{
    for (int i = 0; i < BIN_SECTIONS; i++)
        if (i != BIN_CONSTS && w->section[i].n)
            memcpy(data + h->section[i].offset, w->section[i].data, w->section[i].n);
    for (int i = 0; i < w->consts.n; i++) {
        const struct placed *c = &w->consts.v[i];
        if (c->bytes)
            memcpy(data + h->section[BIN_CONSTS].offset + c->offset, c->data, c->bytes);
    }
}

static void assemble(struct writer *w, struct bin_header *h, struct vn_image *out, struct vn_arena *a)
{
    uint64_t at = aligned(sizeof *h);
    for (int i = 0; i < BIN_SECTIONS; i++) {
        h->section[i] = (struct bin_section){ at, w->section[i].n };
        at = aligned(at + w->section[i].n);
    }
    h->file_bytes = at;
    char *data = vn_arena_alloc(a, at);
    copy_sections(w, h, data);
    memcpy(data, h, sizeof *h);
    h->checksum = vn_hash(data, at, offsetof(struct bin_header, checksum));
    memcpy(data, h, sizeof *h);
    out->data = data;
    out->bytes = at;
}

int vn_compile_write(struct vn_image *out, struct vn_arena *a, const struct prog *p,
                     const struct compile_options *o, struct vn_err *e)
{
    for (int i = 0; i < p->tensors.n; i++)
        for (int k = 0; k < p->tensors.v[i].shape.rank; k++)
            if (p->tensors.v[i].shape.d[k] > INT32_MAX)
                return vn_fail(e, VN_E_UNSUPPORTED, "tensor %s is too large for a .bin",
                               p->tensors.v[i].name);
    struct writer w = { .arena = p->arena, .p = p, .strings = vn_map_new(p->arena) };
    w.record = NEW_ARRAY(p->arena, int, p->tensors.n);
    w.offset = NEW_ARRAY(p->arena, uint64_t, p->tensors.n);
    string(&w, "");
    mark_used(&w);
    struct bin_header h = { .magic = BIN_MAGIC,
                            .version = BIN_VERSION,
                            .header_bytes = sizeof h,
                            .isa = o->isa,
                            .n_inputs = (uint32_t)p->inputs.n,
                            .n_outputs = (uint32_t)p->outputs.n };
    h.arena_bytes = vn_compile_plan(p, o, w.offset);
    h.march = string(&w, o->march);
    put_tensors(&w);
    put_instrs(&w);
    put_io(&w);
    put_meta(&w);
    out->arena_bytes = h.arena_bytes;
    out->const_bytes = w.section[BIN_CONSTS].n;
    out->instructions = p->instrs.n;
    out->batch_last = p->batch_last;
    assemble(&w, &h, out, a);
    return VN_OK;
}
