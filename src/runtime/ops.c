/* The table of instructions. */
#include "runtime/model.h"

#define INSTR(name, lo, hi, fields) extern const struct rt_op rt_op_##name;
#include "format/instr.def"
#undef INSTR

const struct rt_op *const rt_ops[OPCODE_COUNT] = {
#define INSTR(name, lo, hi, fields) [OPCODE_##name] = &rt_op_##name,
#include "format/instr.def"
#undef INSTR
};
