/* session/session.h - what the library itself needs of sessions and the public header cannot say. */
#ifndef VN_SESSION_H
#define VN_SESSION_H

#include <vernier/session.h>

#include "compile/compile.h"
#include "config/config.h"
#include "graph/graph.h"
#include "image/image.h"

/* A graph in memory with inferred shapes; it must outlive the session and all that share it. Value ids are
 * its own. c: how to compile it; NULL: the defaults at o->level. o NULL: the defaults. */
int vn_session_open_graph(struct vn_session **s, const struct graph *g, const struct compile_options *c,
                          const struct vn_session_options *o, struct vn_err *e);

/* Does the program take several images at once? The network of its quantized ONNX file, for as many, on the
 * reference executor: *s lives as long as `a`. */
int vn_session_is_batched(const struct vn_session *s);
int vn_session_open_batched(struct vn_session **s, struct vn_arena *a, const struct vn_session *onnx,
                            const struct vn_session *bin, struct vn_err *e);

/* A place for a session, which is closed when the arena is freed: vn_session_open(vn_session_slot(a), ...).
 */
struct vn_session **vn_session_slot(struct vn_arena *a);

/* VN_E_USAGE where a shape or value is of an input that no artefact has: vn_session_options.marks, after all
 * were opened. */
int vn_session_check_settings(const struct vn_input_settings *in, const unsigned char *marks,
                              struct vn_err *e);

/* A hash of the program: of all that the network computes with. 0: the reference executor. */
uint64_t vn_session_hash(const struct vn_session *s);

const struct graph *vn_session_graph(const struct vn_session *s); /* NULL: a .bin */

/* What the artefact says of input i. */
const struct input_config *vn_session_input_config(const struct vn_session *s, int i);

/* 1: images can be fed to feature maps: there are steps that make them. */
int vn_session_makes_features(const struct vn_session *s);

/* "NAME=REST": *input is the input of that name, *rest REST. A word without "=", or a path whose
 * folder has one: *input unchanged, *rest the word. VN_E_USAGE: no such input. */
int vn_session_split_input(const struct vn_session *s, struct vn_arena *a, const char *word, int *input,
                           const char **rest, struct vn_err *e);

/* quantized_layout: metadata of inputs whose axes are N,H,W,C where training has N,C,H,W. */
#define VN_TURNED_KEY "turned."
int vn_session_is_turned(const struct vn_session *s, const char *input);

/* Feed all inputs with float32 arrays of their shapes in training (vn_samples_load). */
int vn_session_feed_values(struct vn_session *s, float *const *x, struct vn_err *e);
/* The memory of a tensor of the program, whether it is intact or not; NULL: a constant, or one that a fusion
 * keeps in registers. What is written there, later instructions read. */
void *vn_session_memory(struct vn_session *s, int tensor);
/* Make `to` stand in front of instruction `at`, as `from` does, of the same network: it can run on from
 * there. Cheaper than a saved state: only what later instructions read is copied. */
void vn_session_follow(struct vn_session *to, const struct vn_session *from, int at);

/* What input i was fed with, as the network's tensor: VN_F32 where vn_port.dtype is (quantized ones not yet
 * quantized), else of the port's type. */
const struct vn_tensor *vn_session_fed(const struct vn_session *s, int i);
/* Where its pixels come from; 0 x 0: it is not an image. Set after feeding an array that was made of one. */
const struct vn_origin *vn_session_origin(const struct vn_session *s, int i);
void vn_session_set_origin(struct vn_session *s, int i, const struct vn_origin *from);

/* The input whose samples are labelled, where there are several; 0 until it is set. */
int vn_session_main_input(const struct vn_session *s);
void vn_session_set_main_input(struct vn_session *s, int i);

/* 1: input i is an image that a resizer makes of a region (input_source). */
int vn_session_is_resizer(const struct vn_session *s, int i);
/* What vn_session_feed_region feeds: the image, in `a`, and its region. */
int vn_session_region(struct vn_planes *out, const struct vn_session *s, int i, const char *path,
                      const struct vn_region *r, struct vn_arena *a, struct vn_err *e);

/* The file that is run, one of several: VERNIER_SAVE_IO keeps each in a folder of its name. Borrowed; NULL:
 * only one. */
void vn_session_name_sample(struct vn_session *s, const char *path);

/* Are the elements, in the order of memory, numbers that vn_view_flat gives? Those of float32 and of int8 and
 * int16 with one scale, without gaps. */
int vn_view_is_flat(const struct vn_view *v);
/* vn_view_real in the order of memory. */
void vn_view_flat(float *out, const struct vn_view *v);

/* A view's elements with their shape, in C order and as they are stored. */
struct vn_tensor *vn_view_tensor(const struct vn_view *v, struct vn_arena *a);

/* (What a callback of vn_session_observe allocates must be in arenas that were made before the run: others
 * are freed where memory runs out within it.) */

#endif
