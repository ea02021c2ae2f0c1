/* The table of instructions. */
#include "runtime/model.h"

#define INSTR(name, lo, hi, fields) extern const struct rt_instr rt_instr_##name;
#include "format/instr.def"
#undef INSTR

const struct rt_instr *const rt_instrs[OPCODE_COUNT] = {
#define INSTR(name, lo, hi, fields) [OPCODE_##name] = &rt_instr_##name,
#include "format/instr.def"
#undef INSTR
};
