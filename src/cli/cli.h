/* cli/cli.h - commands: one file each, one line in cmds.def. */
#ifndef VN_CLI_H
#define VN_CLI_H

#include <stdio.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/listen.h"
#include <vernier/convert.h>
#include <vernier/session.h>
#include "report/html_report.h"
#include "report/report.h"
#include <vernier/failure.h>

enum { EXIT_DONE = 0, EXIT_CHECK_FAILED = 1, EXIT_USAGE = 2, EXIT_BAD_INPUT = 3, EXIT_INTERNAL = 4 };

enum option_fate {
    OPTION_WORKS,
    OPTION_WITHOUT_EFFECT, /* accepted; `help` says why it changes nothing */
    OPTION_LATER, /* an error; `help` says what is missing */
};

/* One option of a command. */
struct option_def {
    const char *name; /* "--threads" */
    char letter; /* 'c' for -c; 0: none */
    const char *value; /* what follows, for help ("N", "FILE"); NULL: a switch */
    int repeats; /* may be given several times */
    int rest; /* a repeated option's value may be followed by a second word ("NAME SHAPE") */
    const char *help;
    enum option_fate fate;
    const char *abbreviation; /* of several letters, "-nq"; NULL: none */
};

struct command {
    const char *name, *args, *help;
    const struct option_def *options;
    int min_words, max_words; /* words that are no options; max -1: any number */
    int (*run)(struct vn_arena *a, struct vn_err *e); /* an exit status, or a negative enum vn_status */
};

/* What the binary is called as: vernier, or a tool of the vendor's flow (compat/). */
struct tool {
    const char *name, *help;
    const struct command *const *commands;
    int n_commands; /* one with the name "": the program has no subcommands */
    /* 1: command lines as gflags reads them: -name and --name, switches with =true or =false, the last of
     * several wins, words that are no options are ignored. */
    int loose;
    void (*failed)(const struct command *c); /* says more after an error; NULL: nothing */
    const char *instead; /* it only says what to use in its place; NULL: it works */
    int strict; /* 1: names of options in full; 0: also as Python's tools shorten them */
};
/* Read the words after the command's name into what the functions below return. */
int vn_line_read(const struct tool *p, const struct command *c, int argc, char **argv, struct vn_arena *a,
                 struct vn_err *e);
int vn_command_takes(const struct command *c, const char *option);

/* The parsed command line of the running command. */
const char *vn_opt(const char *name); /* value; "" for a given switch; NULL: not given */
int vn_opt_all(const char *name, const char ***v);
int vn_words(const char ***v);
int vn_opt_int(const char *name, int otherwise, int lo, int hi, int *out, struct vn_err *e);
int vn_opt_real(const char *name, double otherwise, double lo, double hi, double *out, struct vn_err *e);
/* What --input-shape gave: names and shapes as written. */
int vn_opt_shapes(const char ***names, const char ***texts, int *n, struct vn_arena *a, struct vn_err *e);
/* The first word as a model, with --proto and --input-shape. */
int vn_opt_source(struct vn_source *s, struct vn_arena *a, struct vn_err *e);
/* --input-shape and --input-value of several models. */
int vn_opt_inputs(struct vn_input_settings *s, struct vn_arena *a, struct vn_err *e);
int vn_opt_is_folder(const char *path);
/* A model that a command reads: --model FILE is another way to give the first word. */
#define MODEL_OPTIONS \
    { "--model", 0, "FILE", 0, 0, "model, instead of the first argument" }, \
    { \
        "--proto", 0, "FILE", 0, 0, "prototxt of a Caffe network; the model is its caffemodel" \
    }
/* What vn_opt_session and vn_opt_feed read, too. */
#define INPUT_OPTION \
    { \
        "--input", 'i', "[NAME=]FILE", 1, 0, \
            "image (jpg, png), .npy or raw file for an input; random data if omitted" \
    }
#define PIPELINE_OPTION \
    { \
        "--pipeline", 0, "STEPS", 0, 0, \
            "image steps, e.g. 'short_side 256; center_crop 224' (default: resize to the input)" \
    }
#define LEVEL_OPTION \
    { \
        "--level", 0, "0..3", 0, 0, "fusion of programs made from .onnx (default 3)" \
    }
#define SHAPE_OPTION \
    { \
        "--input-shape", 0, "NAME SHAPE", 1, 1, "shape of an input, e.g. --input-shape data 1x3x224x224" \
    }

#define VALUE_OPTION \
    { \
        "--input-value", 0, "NAME=NUMBER", 1, 0, \
            "constant for an input of an ONNX model, e.g. --input-value sr=16000" \
    }

/* Read before the command runs; VERNIER_CUSTOM_OPS names more of them. */
#define CUSTOM_OP_OPTION \
    { \
        "--custom-op", 0, "LIBRARY.so", 1, 0, "library of custom operators (docs/custom-operators.md)" \
    }
#define PACK_OPTION \
    { \
        "--model-name", 0, "NAME", 0, 0, "model to use from a pack (written by hb_pack)" \
    }
/* --threads and --cpumask, which most commands take. */
#define RUN_OPTIONS \
    CUSTOM_OP_OPTION, PACK_OPTION, \
        { "--threads", 0, "N", 0, 0, "threads, 1 to 256 (default 1); no effect on results" }, \
    { \
        "--cpumask", 0, "MASK", 0, 0, \
            "CPU features that kernels may use: 0 = C only, avx2, avx512, avx512vnni, avx512vbmi, all" \
    }
#define JSON_OPTION \
    { \
        "--json", 0, NULL, 0, 0, "print the result as JSON on standard output" \
    }
/* The libraries of --custom-op and of the environment. */
int vn_opt_custom_ops(struct vn_err *e);
int vn_opt_run(struct vn_options *o, struct vn_err *e);
/* The whole line, as a shell takes it: "vernier verify a.onnx 'b c.bin'". */
const char *vn_line_text(struct vn_arena *a);
/* A name that --report takes is checked when the line is read. */
#define REPORT_OPTION \
    { \
        "--report", 0, "FILE.html", \
        0,          0, "also write the result as an HTML page, and its numbers to FILE.json" \
    }, \
    { \
        "--overlay", 0, "FILE.json", 0, 0, "also write per-node numbers for Google's Model Explorer" \
    }
/* What --report and --overlay ask for, if anything; r->line and r->open are filled in here. */
int vn_opt_report(const struct vn_html_report *r, struct vn_err *e);
/* The first word, opened as the options say; closed with the arena. */
int vn_opt_session(struct vn_session **s, struct vn_arena *a, struct vn_err *e);
/* The names of the models of a pack; 0: the file is none; below 0: it is a damaged one. */
int vn_pack_names(const char ***names, struct vn_arena *a, const char *path);
/* --model-name (NULL: not given), which requires a pack on the command line. */
int vn_opt_pack_model(const char **name, struct vn_err *e);
/* Feed random data, and the files of --input. */
int vn_opt_feed(struct vn_session *s, struct vn_err *e);
struct vn_region_list {
    struct vn_region *v;
    int n, cap;
};
/* "l,t,r,b;..." of --roi. */
int vn_read_regions(struct vn_region_list *l, struct vn_arena *a, const char *text, struct vn_err *e);
struct vn_fed_file {
    int input;
    const char *path;
};
/* Feed the images among the files, each with the next of the regions. */
int vn_feed_regions(struct vn_session *s, const struct vn_fed_file *files, int n, const char *regions,
                    struct vn_arena *a, struct vn_err *e);
/* vn_opt_feed with the regions of --roi. */
int vn_opt_feed_regions(struct vn_session *s, struct vn_arena *a, struct vn_err *e);
/* Log to standard error (and to a file): "2025-01-31 12:00:00,123 INFO message". */
struct logger {
    FILE *file; /* second destination; NULL: none */
    FILE *terminal; /* the first; NULL: standard error */
    const char *origin; /* what the file's lines have in place of the level; NULL: the level */
    struct progress progress;
    int quiet; /* only warnings and errors on the terminal */
    int details; /* lines of level debug, too, as those of level info */
    struct vn_arena *arena; /* of the problems and kept lines; NULL: they are not kept */
    VEC(struct vn_err) problems;
    const char *keep_from; /* from the line that begins so on, lines below a warning wait for a release */
    VEC(const char *) kept;
};
struct vn_listener vn_logger_listener(struct logger *l);
void vn_log_line(struct logger *l, enum vn_log_level level, const char *text);
/* Write the lines that wait, as far as the one that begins so; NULL: all, and keep no more. */
void vn_log_release(struct logger *l, const char *last);
/* More than one problem of `file`: a line for each, and their number is what a command ends with. One: as it
 * is. Returns `status`. */
int vn_logger_problems(const struct logger *l, const char *command, const char *file, int status,
                       struct vn_err *e);
/* What the key `advice` of a program's configuration asks for: its instructions that take that much longer
 * than arithmetic and memory of this CPU need, as measured now. Without the key: nothing. */
int vn_print_advice(FILE *f, const char *bin, struct vn_arena *a, struct vn_err *e);
/* Print JSON and a newline; takes the reference. */
int vn_print_json(json_t *j);

/* ---- failures as programs read them (failure.c) ---- */

/* What the command line says, behind the command's name. */
void vn_failure_line(const struct command *c, int argc, char **argv);
int vn_failure_wanted(void); /* 1: it has --json */
/* Cause, evidence and next_command of a failure into a result. */
void vn_failure_add(json_t *j, const struct vn_failure *f, struct vn_arena *a);
/* The result with cause, evidence and next_command where it failed (f not NULL; next_command NULL: as
 * failures.def has it). Returns the exit status. Takes the reference. */
int vn_print_result(json_t *j, const struct vn_failure *f, struct vn_arena *a);
/* An error in place of a result. */
void vn_print_failure(int status, const struct vn_err *e, struct vn_arena *a);
/* The first finding that is no warning; 0: there is none. */
int vn_finding_failure(struct vn_failure *f, const struct vn_finding *v, int n);
/* The cause that an error has. */
const char *vn_failure_cause(int status, const struct vn_err *e);

#endif
