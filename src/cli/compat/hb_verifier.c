/* hb_verifier and hb_model_verifier: the quantized ONNX file against the .bin. */
#include <string.h>

#include <vernier/verify.h>

#include "base/escape.h"
#include "base/file.h"
#include "cli/compat/compat.h"

static const struct option_def options[] = {
    { "--model", 'm', "QUANTIZED.onnx,FILE.bin", 0, 0, "the two files" },
    { "--input-img", 'i', "FILE|NAME:FILE,...", 0, 0, "image or raw bytes of each input" },
    { "--compare_digits", 'c', "N", 0, 0, "digits to which float32 must agree; integers are equal" },
    { "--dump-all-nodes-results", 'r', NULL, 0, 0, "print every tensor" },
    { "--run-sim", 's', "True|False", 0, 0, "the .bin always runs on this machine", OPTION_WITHOUT_EFFECT },
    BOARD_OPTION("--board-ip", 'b', "ADDRESS"),
    BOARD_OPTION("--username", 'u', "NAME"),
    BOARD_OPTION("--password", 'p', "TEXT"),
    { 0 },
},
    old_options[] = {
        { "--quanti_model", 'q', "QUANTIZED.onnx", 0, 0, "quantized ONNX file" },
        { "--bin_model", 'b', "FILE.bin", 0, 0, "program" },
        { "--input-img", 'i', "FILE", 0, 0, "image or raw bytes; random if omitted" },
        { "--compare_digits", 'd', "N", 0, 0, "digits to which float32 must agree; integers are equal" },
        BOARD_OPTION("--arm-board-ip", 'a', "ADDRESS"),
        { 0 },
    };

/* "NAME:FILE,..." as vn_verify_options has it. */
static void read_files(struct vn_verify_options *o, struct vn_arena *a)
{
    if (!vn_opt("--input-img"))
        return;
    const struct pieces p = vn_split(a, vn_opt("--input-img"), ',');
    for (int i = 0; i < p.n; i++) {
        const char *colon = strchr(p.v[i], ':');
        if (colon && !vn_file_exists(p.v[i]))
            p.v[i] = vn_arena_fmt(a, "%.*s=%s", (int)(colon - p.v[i]), p.v[i], colon + 1);
    }
    o->n_files = p.n;
    o->files = p.v;
}

/* The numbers of one tensor that the network gives. */
static void print_output(const struct vn_verified *t, int number)
{
    const char *verdict = t->different ? "FAILED" : "PASSED";
    printf("Comparison results of original output is model_infer_output_%d\n", number);
    printf("raw output %d and raw output %d result Strict check %s\n", number, number, verdict);
    printf("INFO compare source: Quanti.onnx VS Sim\n");
    printf("INFO output name: %s\n", vn_shown(t->name, (char[VN_SHOWN]){ 0 }));
    printf("INFO mismatch result num: %lld\n", (long long)t->different);
    printf("INFO total result num: %lld\n", (long long)t->compared);
    printf("INFO mismatch rate: %g\n", t->compared ? (double)t->different / (double)t->compared : 0);
    printf("INFO relative mismatch ratio: %g\n", t->max_relative);
    printf("INFO max abs error: %g\n", t->integer ? (double)t->max_step : t->max_difference);
}

static int is_output(const struct vn_session *s, const char *name)
{
    return vn_session_output_find(s, name) >= 0;
}

static void print_outputs(const struct vn_verification *v, const struct vn_session *s)
{
    int n, number = 0;
    const struct vn_verified *t = vn_verification_tensors(v, &n);
    for (int i = 0; i < n; i++)
        if (t[i].role == VN_ROLE_VALUE && is_output(s, t[i].name))
            print_output(&t[i], number++);
}

static int verify(const char *onnx, const char *bin, struct vn_arena *a, struct vn_err *e)
{
    struct vn_verify_options o;
    struct vn_verification *v;
    struct vn_session *s;
    struct vn_session_options look;
    vn_verify_options_default(&o);
    vn_session_options_default(&look);
    look.inspect = 1;
    read_files(&o, a);
    TRY(vn_opt_int("--compare_digits", 0, 1, 9, &o.digits, e));
    TRY(vn_verify(&v, onnx, bin, &o, e));
    int status = vn_session_open(&s, bin, &look, e);
    if (status == VN_OK) {
        if (vn_opt("--dump-all-nodes-results"))
            vn_print_verification(stdout, v, 1);
        print_outputs(v, s);
        const int passed = vn_verification_summary(v)->passed;
        printf("Quanti.onnx and Sim result Strict check %s\n", passed ? "PASSED" : "FAILED");
        status = passed ? EXIT_DONE : EXIT_CHECK_FAILED;
    }
    vn_session_close(&s);
    vn_verification_free(&v);
    return status;
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    const char *given = vn_opt("--model");
    const struct pieces p = vn_split(a, given ? given : "", ',');
    if (p.n != 2)
        return vn_fail(e, VN_E_USAGE, "-m: expected QUANTIZED.onnx,FILE.bin, got '%s'", given ? given : "");
    return verify(p.v[0], p.v[1], a, e);
}

static int run_old(struct vn_arena *a, struct vn_err *e)
{
    if (!vn_opt("--quanti_model") || !vn_opt("--bin_model"))
        return vn_fail(e, VN_E_USAGE, "expected -q QUANTIZED.onnx and -b FILE.bin");
    return verify(vn_opt("--quanti_model"), vn_opt("--bin_model"), a, e);
}

static const struct command check = { "",
                                      "-m QUANTIZED.onnx,FILE.bin [options]",
                                      "compare the quantized ONNX file with the .bin, tensor by tensor",
                                      options,
                                      0,
                                      1,
                                      run },
                            check_old = { "",
                                          "-q QUANTIZED.onnx -b FILE.bin [options]",
                                          "compare the quantized ONNX file with the .bin, tensor by tensor",
                                          old_options,
                                          0,
                                          0,
                                          run_old };
static const struct command *const commands[] = { &check }, *const old_commands[] = { &check_old };
const struct tool vn_tool_hb_verifier = { "hb_verifier", "", commands, 1, 0, NULL };
const struct tool vn_tool_hb_model_verifier = { "hb_model_verifier", "", old_commands, 1, 0, NULL };
