#include "format/bin.h"

#define I(f) +1
#define F(f) +1
#define A(f, n) +(n)
const struct instr_info bin_instr_info[OPCODE_COUNT] = {
#define INSTR(name, lo, hi, fields) [OPCODE_##name] = { #name, lo, hi, 0 fields },
#include "format/instr.def"
#undef INSTR
};
#undef I
#undef F
#undef A
