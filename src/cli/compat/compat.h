/* cli/compat/compat.h - the vendor flow's tools by their names: one file each, one line in programs.def.
 *
 * They translate command lines and print in the forms that scripts of that flow read; what they do is what
 * the commands of vernier do. */
#ifndef VN_COMPAT_H
#define VN_COMPAT_H

#include "cli/cli.h"

extern const struct tool *const vn_compat_programs[];
extern const int vn_compat_programs_count;
/* The program that a path's last part names; NULL: none. */
const struct tool *vn_compat_program(const char *path);

/* Python packages of the vendor's names that forward to ours, into a folder that is made. What others wrote
 * there is an error, and nothing is written. */
int vn_compat_write_packages(const char *folder, struct vn_arena *a, struct vn_err *e);

/* The command line of a command of vernier, made word by word. */
struct words {
    struct vn_arena *arena;
    VEC(char *) v;
};
void vn_word_push(struct words *w, const char *word);
/* For each value that option `theirs` was given: `ours` and the value. */
void vn_word_push_all(struct words *w, const char *theirs, const char *ours);
/* Run a command with it; the tool's own options are gone then. */
int vn_compat_run(const struct command *c, struct words *w, struct vn_err *e);
extern const struct command vn_cmd_edit, vn_cmd_debug;

/* Run what was fed, and write the result of each node into a folder that is made. */
int vn_compat_write_layers(struct vn_session *s, const char *folder, int *written, struct vn_arena *a,
                           struct vn_err *e);
/* The same of convolutions only: all, or (map not NULL) those that a JSON file of layer_out_dump names. */
int vn_compat_write_convolutions(struct vn_session *s, const char *folder, const char *map, int *written,
                                 struct vn_arena *a, struct vn_err *e);

/* A model of a .bin or a pack. */
struct compat_model {
    const char *path, *name;
    const char *pick; /* vn_options.model; NULL: a .bin, whose name is its file's */
};
struct compat_models {
    struct compat_model *v;
    int n, cap;
};
/* All models of the files, or (wanted not NULL) those of that name: at least one. */
int vn_compat_models(struct compat_models *m, struct vn_arena *a, int n, const char *const *files,
                     const char *wanted, struct vn_err *e);
/* VN_E_INPUT: it is no .bin. */
int vn_compat_open(struct vn_session **s, const struct compat_model *m, struct vn_err *e);

/* What a .bin says of itself, in the form of hb_model_info. */
void vn_compat_print_info(FILE *f, const struct vn_session *s);

/* Medians of runs on random data, on this machine. */
struct speed {
    const char *name;
    double ms; /* of a run */
    const struct vn_profile_row *layer; /* its instructions */
    int layers, detailed; /* detailed 0: the key `debug` is off, they are not shown */
    size_t constants, working; /* bytes of a whole program; 0: of a part */
};
/* Everything but the name. */
int vn_compat_measure(struct speed *f, struct vn_session *s, struct vn_arena *a, struct vn_err *e);
/* NAME.html and NAME.json, into a folder that is made. */
int vn_compat_write_speed(const struct speed *f, const char *folder, struct vn_arena *a, struct vn_err *e);

/* Shared option tables. */
#define BOARD_OPTION(name, letter, value) \
    { \
        name, letter, value, 0, 0, "boards come with the next version", OPTION_LATER \
    }

/* The parts of a text between separators, without spaces around them and without empty ones. */
struct pieces {
    int n;
    const char **v;
};
struct pieces vn_split(struct vn_arena *a, const char *text, char separator);

#endif
