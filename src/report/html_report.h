/* report/html_report.h - a result as one self-contained HTML file, and its numbers as JSON beside it. */
#ifndef VN_HTML_REPORT_H
#define VN_HTML_REPORT_H

#include <stdio.h>

#include <jansson.h>
#include <vernier/session.h>

#include "base/arena.h"

struct vn_html_report {
    const char *command; /* "verify" */
    const char *line; /* the command as it was typed */
    int passed; /* 1 or 0; -1: there is nothing to pass */
    json_t *result; /* what --json prints. Rows with the key "node" belong to nodes of the drawing */
    const char *const *files; /* artefacts: hashes and metadata; the last graph among them is drawn */
    int n_files;
    const struct vn_session_options *open; /* how to open them; NULL: the defaults */
    const char *config; /* YAML file; NULL: none */
    /* [{"sample": name, "note": text, "numbers": {...}, "outputs": [{"output": name, "sides": [{"label":
     * text, "image": id, "rows": [{...}]}]}]}], the worst first; NULL: none */
    json_t *samples;
    json_t *images; /* {id: "data:image/png;base64,..."}; NULL */
    const char *overlay; /* file for vn_json_overlay; NULL: none */
};
/* Writes `path` (vn_html_is_name; NULL: only the overlay), and the same name with .json: everything but the
 * images. Artefacts that cannot be opened are listed, and not drawn. Errors: VN_E_IO. */
int vn_html_write(const char *path, const struct vn_html_report *r, struct vn_err *e);
/* The same for what vn_html_json or vn_html_two_runs made; images NULL: none. */
int vn_html_write_page(const char *path, const json_t *page, const json_t *images, struct vn_err *e);
/* 1: a name that vn_html_write takes. */
int vn_html_is_name(const char *path);
/* What FILE.json holds; `a` is only needed while it is made. */
json_t *vn_html_json(const struct vn_html_report *r, struct vn_arena *a);

/* Two pages of one command (what FILE.json holds) as one: the second one's, with a result that says what
 * changed, the largest change first; `worse_by` is above 0 where the second is worse. (two_runs.c) */
json_t *vn_html_two_runs(const json_t *a, const json_t *b, struct vn_arena *arena);
void vn_print_two_runs(FILE *f, const json_t *result);
/* Node data of Model Explorer: the column of a page's rows that says most. (overlay.c) */
json_t *vn_json_overlay(const json_t *page);

/* ---- the worst samples (odd_samples.c) ---- */

/* For vn_html_report.samples and .images. */
struct vn_odd_list {
    json_t *samples, *images;
};
#define VN_ODD_SHOWN 6 /* how many a report shows */
void vn_odd_init(struct vn_odd_list *l);
void vn_odd_free(struct vn_odd_list *l);
/* A vn_odd_listener.show for a struct vn_odd_list. */
void vn_odd_add(void *list, const struct vn_odd_sample *s);

/* An image of `panels` of equal width: left, right and their difference; 1: left beside right.
 * Takes `numbers`. Adds nothing where there is no such image. */
void vn_odd_add_panels(struct vn_odd_list *l, const char *name, json_t *numbers, const char *path,
                       int panels);

/* ---- the network (network_json.c, layout.c) ---- */

/* {"nodes": [...], "values": [...], "edges": [...], "width", "height"}. ms: milliseconds of nodes by name,
 * for their sizes. NULL: the session has neither graph nor program. */
json_t *vn_json_network(const struct vn_session *s, const json_t *ms, struct vn_arena *a);

struct vn_layout_edge {
    int from, to;
    int n; /* points of a line of cubic curves; 0: straight */
    float *xy;
};
struct vn_layout {
    int n, n_edges;
    float *w, *h, *x, *y; /* of node i: size, centre; pixels, y downward */
    struct vn_layout_edge *edges;
    float width, height;
};
/* Place the nodes: n, w, h and the ends of the edges are given, edges lead from lower numbers to higher ones.
 * By graphviz's `dot` where it is installed and ready in time, else by a layout of its own. */
void vn_layout_place(struct vn_layout *l, struct vn_arena *a);

/* ---- made from src/report/html (tools/report_page.py) ---- */

extern const char vn_report_head[], vn_report_tail[]; /* in front of and behind the data */

#endif
