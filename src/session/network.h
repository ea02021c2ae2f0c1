/* session/network.h - what sessions of one network share, and a session itself: for this folder only. */
#ifndef VN_NETWORK_H
#define VN_NETWORK_H

#include <stdatomic.h>

#include "base/guard.h"
#include "session/session.h"

struct network {
    struct vn_arena *arena; /* detached; dies with the last user */
    atomic_int users; /* sessions and saved states */
    enum vn_artefact kind;
    const char *path;
    const struct graph *graph; /* NULL: a .bin */
    const void *image; /* the program; NULL: the reference executor */
    size_t image_bytes;
    struct vn_pipeline *pipeline; /* of images; NULL: they are resized */
    struct vn_pipeline *features; /* of images for feature maps: the same, else the artefact's; NULL: none */
    const struct vn_listener *listener;
    int n_in, n_out;
    struct vn_port *in, *out;
    /* what the artefact says of its inputs; a feature map where it says nothing */
    struct input_config *config;
    int n_values;
    const char **value_name;
    struct vn_map *by_name; /* to entries of value_name */
    int n_tensors;
    int *value_of; /* by tensor; -1: none */
    unsigned char *itself; /* by tensor: shown as the value itself */
    size_t limit; /* 0: none */
    atomic_size_t taken;
};

/* One input: its buffers. */
struct fed_input {
    struct vn_tensor t; /* see vn_session_fed */
    uint8_t *pixels; /* the device's bytes of an image; NULL: none */
    void *given; /* what the program takes: t's data, pixels, or integers of their own */
    struct vn_origin from;
    int fed;
};

struct vn_session {
    struct vn_arena *arena; /* detached */
    struct network *net;
    struct vn_model *model; /* NULL: the reference executor */
    void *memory; /* of the model */
    size_t taken; /* of the network's limit */
    struct fed_input *in;
    const void **given; /* as the program takes them */
    void **result; /* where each output goes; the reference executor has none */
    void **own_result; /* a buffer for each output */
    struct vn_arena *run_arena; /* results of the reference executor's last run */
    struct vn_tensor **computed; /* in it */
    int done; /* the last instruction has run */
    const char *sample;
    int main_input;
    struct vn_observer watch;
    unsigned char *wanted_value, *wanted_tensor; /* what it shows */
};

/* Count what is about to be taken; VN_E_NOMEM where it passes the limit. */
int vn_network_take(struct network *n, size_t bytes, const char *what, struct vn_err *e);
void vn_network_leave(struct network *n); /* one user less */
int vn_session_take(struct vn_session *s, size_t bytes, const char *what, struct vn_err *e);

/* Where a session comes from: path, image or graph. */
struct session_source {
    const char *path;
    const void *image;
    size_t bytes;
    const struct graph *graph;
    const struct compile_options *compile;
};
/* Read and compile; names and ports follow when the program is loaded (vn_network_describe). */
int vn_network_read(struct network *n, const struct session_source *from, const struct vn_session_options *o,
                    struct vn_err *e);
int vn_network_describe(struct network *n, const struct vn_model *m, struct vn_err *e);
static inline int vn_network_is_pixels(const struct network *n, int i)
{
    return n->in[i].type != VN_IN_FEATUREMAP;
}

/* Buffers of the inputs. */
int vn_session_feed_init(struct vn_session *s, struct vn_err *e);
/* VN_E_USAGE where an input was not fed. */
int vn_session_check_fed(const struct vn_session *s, struct vn_err *e);

/* Bytes that values of the reference executor take at most at one time. */
size_t vn_reference_bytes(const struct graph *g);
int vn_reference_run(struct vn_session *s, struct vn_err *e);

/* Show the model's tensors to whom vn_session_watch has set. */
void vn_session_watch_model(struct vn_session *s);
/* The shape of the device's bytes of image i. */
struct vn_shape vn_session_pixel_shape(const struct vn_session *s, int i);
int vn_session_save_io(const struct vn_session *s, struct vn_err *e);

/* ---- files ---- */

const char *vn_view_format_word(enum vn_view_format f);
/* A file for a tensor's name; `taken` lives in `a` and has the names that were given before. */
const char *vn_view_path(struct vn_arena *a, const char *folder, struct vn_map *taken, const char *name,
                         enum vn_view_format format);
int vn_tensor_write(const struct vn_tensor *t, const char *path, enum vn_view_format format,
                    struct vn_arena *a, struct vn_err *e);

#endif
