/* format/bin.h - the .bin layout and instruction records; docs/bin-format.md is the specification.
 * Little-endian; all that compile/ and runtime/ share. */
#ifndef VN_BIN_H
#define VN_BIN_H

#include <stddef.h>
#include <stdint.h>

#include "format/numbers.h"

#define BIN_MAGIC "VERNIER\n"
#define BIN_VERSION 5

enum bin_section_id {
    BIN_STRINGS, /* zero-terminated UTF-8; offset 0 is the empty string */
    BIN_TENSORS, /* struct bin_tensor */
    BIN_INSTRS, /* struct bin_instr */
    BIN_REFS, /* uint32: tensor ids */
    BIN_PARAMS, /* 32-bit words */
    BIN_IO, /* struct bin_io: inputs, then outputs */
    BIN_META, /* struct bin_meta */
    BIN_CONSTS, /* weights and tables */
    BIN_SECTIONS
};

struct bin_section {
    uint64_t offset, bytes; /* from the start of the file; offset is a multiple of BIN_ALIGN */
};

struct bin_header {
    char magic[8];
    uint32_t version;
    uint32_t header_bytes; /* sizeof(struct bin_header) */
    uint64_t file_bytes;
    uint64_t checksum; /* vn_hash of the file with this field zero */
    uint64_t arena_bytes; /* memory for all BIN_ARENA tensors, their slack included */
    uint32_t n_inputs, n_outputs;
    uint32_t isa; /* enum vn_cpu bits that the target asked for; the file runs without them, slowly */
    uint32_t march; /* string: name of the target */
    struct bin_section section[BIN_SECTIONS];
};

enum bin_place {
    BIN_ARENA = 0,
    BIN_CONST = 1,
    BIN_HIDDEN = 2 /* kept in registers by a fusion: no memory */
};

struct bin_tensor {
    /* strings: the value of the source model that it carries or leads to; the node that makes it */
    uint32_t name, node;
    uint8_t dtype; /* enum vn_dtype */
    uint8_t place; /* enum bin_place */
    uint8_t rank;
    uint8_t channels_last; /* memory has axis 1 moved to the end */
    uint32_t dims[8]; /* as the source model has them */
    float scale; /* int8: real = (q - zero) * scale; 0: not quantized */
    int32_t zero;
    uint32_t role; /* enum vn_role: what it is to its value */
    uint64_t offset; /* in the arena: a multiple of an element's size; in BIN_CONSTS: of BIN_ALIGN */
    uint64_t bytes;
};

struct bin_instr {
    uint16_t opcode; /* enum opcode */
    uint16_t n_in;
    uint32_t ref; /* first of n_in + 1 entries in BIN_REFS: inputs, then the output */
    uint32_t param; /* first word in BIN_PARAMS */
    uint32_t node; /* string: source node */
};

struct bin_io {
    uint32_t tensor;
    uint8_t type; /* enum vn_input_type; 0 for outputs */
    uint8_t channels_last;
    uint8_t reserved[2];
};

struct bin_meta {
    uint32_t key, text; /* strings */
};

/* A pack: this, a record for each model, then the models, each at a multiple of BIN_ALIGN. */
#define BIN_PACK_MAGIC "VNRPACK\n"
#define BIN_PACK_VERSION 1
#define BIN_PACK_MOST 1024

struct bin_pack {
    char magic[8];
    uint32_t version, models;
    uint64_t file_bytes;
    uint64_t checksum; /* of this and the records, with this field zero */
};

struct bin_packed {
    char name[240]; /* zeros behind it, at least one */
    uint64_t offset, bytes; /* of a whole .bin */
};

/* May a model be called that? Tools make files of that name, and print it. */
static inline int bin_is_pack_name(const char *name)
{
    int n = 0, dots = 0;
    for (; name[n]; n++) {
        if ((unsigned char)name[n] < ' ' || name[n] == 127 || name[n] == '/')
            return 0;
        dots += name[n] == '.';
    }
    return n > 2 || n > dots;
}

enum opcode {
    OPCODE_NONE = 0,
#define INSTR(name, lo, hi, fields) OPCODE_##name,
#include "format/instr.def"
#undef INSTR
    OPCODE_COUNT
};

/* struct instr_CONV_S8 { int32_t n, h, ...; } */
#define I(f) int32_t f;
#define F(f) float f;
#define A(f, n) int32_t f[n];
#define INSTR(name, lo, hi, fields) \
    struct instr_##name { \
        fields \
    };
#include "format/instr.def"
#undef INSTR
#undef I
#undef F
#undef A

struct instr_info {
    const char *name;
    int in_min, in_max, words;
};
extern const struct instr_info bin_instr_info[OPCODE_COUNT];

#endif
