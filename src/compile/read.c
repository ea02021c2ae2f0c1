/* The inverse of write.c: a program from a .bin image, to be changed and written again. */
#include "compile/compile.h"

struct reader {
    struct vn_arena *arena;
    const char *data;
    struct bin_header h;
    struct prog *p;
};

static const void *record(const struct reader *r, enum bin_section_id id, uint64_t i, size_t size)
{
    return r->data + r->h.section[id].offset + i * size;
}

static int count(const struct reader *r, enum bin_section_id id, size_t size)
{
    return (int)(r->h.section[id].bytes / size);
}

static const char *string(const struct reader *r, uint32_t at)
{
    return r->data + r->h.section[BIN_STRINGS].offset + at;
}

static void read_tensors(struct reader *r)
{
    for (int i = 0; i < count(r, BIN_TENSORS, sizeof(struct bin_tensor)); i++) {
        struct bin_tensor b;
        memcpy(&b, record(r, BIN_TENSORS, (uint64_t)i, sizeof b), sizeof b);
        struct prog_tensor t = { .name = string(r, b.name),
                                 .node = *string(r, b.node) ? string(r, b.node) : NULL,
                                 .role = (enum vn_role)b.role,
                                 .dtype = (enum vn_dtype)b.dtype,
                                 .layout = b.channels_last ? CHANNELS_LAST : PLAIN,
                                 .shape = { .rank = b.rank },
                                 .scale = b.scale,
                                 .zero = b.zero,
                                 .place = (enum bin_place)b.place,
                                 .bytes = b.bytes };
        for (int k = 0; k < b.rank; k++)
            t.shape.d[k] = b.dims[k];
        if (t.place == BIN_CONST)
            t.data = r->data + r->h.section[BIN_CONSTS].offset + b.offset;
        VEC_PUSH(r->arena, &r->p->tensors, t);
    }
}

static void read_instrs(struct reader *r)
{
    for (int i = 0; i < count(r, BIN_INSTRS, sizeof(struct bin_instr)); i++) {
        struct bin_instr b;
        memcpy(&b, record(r, BIN_INSTRS, (uint64_t)i, sizeof b), sizeof b);
        uint32_t *ids = vn_arena_copy(r->arena, record(r, BIN_REFS, b.ref, 4), ((size_t)b.n_in + 1) * 4);
        const size_t bytes = (size_t)bin_instr_info[b.opcode].words * 4;
        struct prog_instr in = { .op = (enum opcode)b.opcode,
                                 .node = *string(r, b.node) ? string(r, b.node) : NULL,
                                 .n_in = b.n_in,
                                 .in = NEW_ARRAY(r->arena, int, b.n_in),
                                 .out = (int)ids[b.n_in],
                                 .params =
                                     vn_arena_copy(r->arena, record(r, BIN_PARAMS, b.param, 4), bytes) };
        for (int k = 0; k < b.n_in; k++)
            in.in[k] = (int)ids[k];
        VEC_PUSH(r->arena, &r->p->instrs, in);
    }
}

static void read_io(struct reader *r)
{
    for (uint32_t i = 0; i < r->h.n_inputs + r->h.n_outputs; i++) {
        struct bin_io b;
        memcpy(&b, record(r, BIN_IO, i, sizeof b), sizeof b);
        const struct prog_io io = { (int)b.tensor, b.type, b.channels_last };
        if (i < r->h.n_inputs)
            VEC_PUSH(r->arena, &r->p->inputs, io);
        else
            VEC_PUSH(r->arena, &r->p->outputs, io);
    }
}

static void read_meta(struct reader *r)
{
    for (int i = 0; i < count(r, BIN_META, sizeof(struct bin_meta)); i++) {
        struct bin_meta b;
        memcpy(&b, record(r, BIN_META, (uint64_t)i, sizeof b), sizeof b);
        const struct meta m = { string(r, b.key), string(r, b.text) };
        VEC_PUSH(r->arena, &r->p->meta, m);
    }
}

struct prog *vn_compile_read(struct vn_arena *a, struct compile_options *o, const void *image)
{
    struct reader r = { .arena = a, .data = image, .p = NEW(a, struct prog) };
    memcpy(&r.h, image, sizeof r.h);
    r.p->arena = a;
    vn_compile_defaults(o);
    o->march = string(&r, r.h.march);
    o->isa = r.h.isa;
    read_tensors(&r);
    read_instrs(&r);
    read_io(&r);
    read_meta(&r);
    return r.p;
}
