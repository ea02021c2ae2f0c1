/* debug/probe.h - a calibrated network whose nodes and tensors are quantized one by one.
 *
 * Two programs of one structure are compiled: all in float32, and the same with the quantized constants
 * rounded. A run takes each instruction from the one or the other, and rounds activations between them, so
 * that any part of the network is quantized without compiling again; and it begins where the first change
 * lies: what is before it is computed once per sample. Results depend on network, sample and change alone. */
#ifndef VN_PROBE_H
#define VN_PROBE_H

#include "graph/graph.h"
#include "session/session.h"

/* What of a node is quantized. */
enum probe_part {
    PROBE_FLOAT = 0,
    PROBE_CONSTANTS, /* weights, operands */
    PROBE_WHOLE, /* these, and what it reads, for this node alone */
};

/* What is quantized in a run; all zero: nothing. */
struct probe_plan {
    const struct qparam **value; /* by value: it is rounded to these for all that read it; NULL: it is not */
    unsigned char *node; /* by node: enum probe_part */
};

/* The network: shared by all threads. */
struct probe {
    struct vn_arena *arena;
    const struct graph *graph; /* float; its ids are meant everywhere */
    const struct qparam **q; /* by value: as the file has it; NULL: not quantized, or implied by a clamp */
    const char *folder; /* of samples */
    struct vn_session *floats, *rounded;
    int n; /* instructions */
    struct vn_instruction *instr;
    int *node_of; /* by instruction: the node that it computes; -1: it moves what others made */
    int *first; /* by node: its first instruction; -1: it has none */
    int *made; /* by value: the instruction that finishes it; -1: an input; -2: it is in no memory */
    int *starts; /* by value: the instruction that writes it first; 0: an input */
    int *tensor; /* by value: the tensor that is the value itself */
    int *finishes; /* by instruction: the value that is finished; -1: none */
    struct vn_options run; /* of each session: one thread */
    size_t bytes; /* that each thread needs */
};

/* Read a calibrated ONNX model; run: CPU features. VN_E_INPUT where its constants are integers already. */
int vn_probe_open(struct probe *p, struct vn_arena *a, const char *model, const struct vn_options *run,
                  const struct vn_listener *l, struct vn_err *e);
/* The same of a graph in memory, which is copied. floats: another one of the same structure and names, with
 * other constants where nothing is quantized (biases without correction); NULL: there is none. */
int vn_probe_open_graph(struct probe *p, struct vn_arena *a, const struct graph *calibrated,
                        const struct graph *floats, const struct vn_options *run, struct vn_err *e);

/* Nodes in the order in which the fewest lie behind each; ids are new. */
void vn_probe_order(struct graph *g);

typedef void probe_seen(void *user, int value);

/* A session, and what is quantized in it. */
struct probe_side {
    struct vn_session *s;
    const struct probe_plan *plan; /* NULL: nothing */
    unsigned char *special; /* by instruction: the plan changes something here */
};

/* What one thread needs; closed with the arena. */
struct probe_worker {
    const struct probe *p;
    struct vn_session *clean; /* what changes start from: float, or the base */
    struct vn_session *changed;
    struct vn_session *rounded;
    struct probe_side base, other; /* of both */
    int at; /* the next instruction of `clean` */
    /* Each value of the changed network that is about to be rounded for all its readers; NULL: none. */
    probe_seen *seen;
    void *user;
};
int vn_probe_worker(struct probe_worker *w, struct vn_arena *a, const struct probe *p, struct vn_err *e);

/* What is quantized in the clean network from the next sample on, borrowed; NULL: nothing. */
void vn_probe_base(struct probe_worker *w, const struct probe_plan *plan);

/* Feed a sample; nothing has run. files: one of each input, as vn_session_feed_files takes them. */
int vn_probe_feed(struct probe_worker *w, const char *const *files, int n, struct vn_err *e);
/* float32 arrays of all inputs, as vn_samples_load makes them. */
int vn_probe_feed_values(struct probe_worker *w, float *const *x, struct vn_err *e);
/* Run the clean network on, up to instruction `end`. */
int vn_probe_advance(struct probe_worker *w, int end, struct vn_err *e);
/* Run w->changed to its end, with the plan, from the state of the clean one, which has not passed the first
 * difference between the plan and the base: the first instruction of a node; of a value that is rounded, the
 * one behind its last; of one that is not rounded any more, the first that writes it. */
int vn_probe_run(struct probe_worker *w, const struct probe_plan *plan, struct vn_err *e);
/* Both networks side by side, with the plan from the first instruction on: begin, then each instruction in
 * its order. */
void vn_probe_pair_begin(struct probe_worker *w, const struct probe_plan *plan);
int vn_probe_pair_step(struct probe_worker *w, int i, struct vn_err *e);

#endif
