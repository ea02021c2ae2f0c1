/* hb_model_modifier BIN [-r NODE]... [-a TYPE]... [-o OUT]: vernier edit. */
#include "cli/compat/compat.h"

static const struct option_def options[] = {
    { "--remove", 'r', "NODE", 1, 0, "remove this node" },
    { "--all", 'a', "TYPE", 1, 0,
      "remove all nodes of this type: Quantize, Dequantize, Transpose, Cast, Reshape, Softmax" },
    { "--output", 'o', "FILE", 0, 0, "file to write (default MODEL_modified.bin)" },
    { 0 },
};

static int run(struct vn_arena *a, struct vn_err *e)
{
    const char **file;
    struct words w = { a, { 0 } };
    vn_words(&file);
    vn_word_push(&w, file[0]);
    vn_word_push_all(&w, "--remove", "--remove-node");
    vn_word_push_all(&w, "--all", "--remove-type");
    vn_word_push_all(&w, "--output", "--output");
    return vn_compat_run(&vn_cmd_edit, &w, e);
}

static const struct command modify = {
    "", "FILE.bin [options]", "remove nodes at inputs and outputs; without options: list them", options, 1, 1,
    run
};
static const struct command *const commands[] = { &modify };
const struct tool vn_tool_hb_model_modifier = { "hb_model_modifier", "", commands, 1, 0, NULL };
