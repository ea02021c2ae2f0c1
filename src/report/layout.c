/* Where the nodes of a drawing are: by graphviz, or in rows by the longest way from the inputs. */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "report/html_report.h"

extern char **environ;

#define DOTS 72.0f /* in an inch */
#define GAP_X 20.0f
#define GAP_Y 34.0f
#define PATIENCE_MS 20000

/* ---- our own ---- */

/* Row of each node; returns how many there are. */
static int rows_of(const struct vn_layout *l, int *row)
{
    int rows = 0;
    for (int changed = 1; changed;) { /* edges come in no order, but lead upward: few rounds */
        changed = 0;
        for (int i = 0; i < l->n_edges; i++)
            if (row[l->edges[i].to] <= row[l->edges[i].from]) {
                row[l->edges[i].to] = row[l->edges[i].from] + 1;
                changed = 1;
            }
    }
    for (int i = 0; i < l->n; i++)
        rows = row[i] + 1 > rows ? row[i] + 1 : rows;
    return rows;
}

static void place_rows(struct vn_layout *l, struct vn_arena *a)
{
    int *row = NEW_ARRAY(a, int, l->n);
    const int rows = rows_of(l, row);
    float *width = NEW_ARRAY(a, float, rows), *height = NEW_ARRAY(a, float, rows), y = 0;
    for (int i = 0; i < l->n; i++) {
        l->x[i] = width[row[i]] + l->w[i] / 2;
        width[row[i]] += l->w[i] + GAP_X;
        height[row[i]] = l->h[i] > height[row[i]] ? l->h[i] : height[row[i]];
    }
    for (int r = 0; r < rows; r++)
        l->width = width[r] > l->width ? width[r] : l->width;
    for (int r = 0; r < rows; r++) {
        for (int i = 0; i < l->n; i++)
            if (row[i] == r) {
                l->x[i] += (l->width - width[r]) / 2;
                l->y[i] = y + height[r] / 2;
            }
        y += height[r] + GAP_Y;
    }
    l->height = y;
}

/* ---- graphviz ---- */

/* Nodes are numbers: no text of a model gets there. */
static void write_dot(FILE *f, const struct vn_layout *l)
{
    fputs("digraph g { nodesep=0.25; ranksep=0.4; edge [dir=none];\n"
          "node [shape=box, fixedsize=true, label=\"\"];\n",
          f);
    for (int i = 0; i < l->n; i++)
        fprintf(f, "%d [width=%.3f, height=%.3f];\n", i, l->w[i] / DOTS, l->h[i] / DOTS);
    for (int i = 0; i < l->n_edges; i++)
        fprintf(f, "%d -> %d;\n", l->edges[i].from, l->edges[i].to);
    fputs("}\n", f);
}

static int wait_for(pid_t child)
{
    int status;
    for (int ms = 0; ms < PATIENCE_MS; ms += 5) {
        const pid_t got = waitpid(child, &status, WNOHANG);
        if (got)
            return got == child && WIFEXITED(status) && !WEXITSTATUS(status);
        nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return 0;
}

static int run_dot(FILE *in, FILE *out)
{
    static char *const words[] = { "dot", "-Tplain", "-Gnslimit=4", "-Gnslimit1=4", "-Gmclimit=0.5", NULL };
    posix_spawn_file_actions_t files;
    pid_t child;
    if (posix_spawn_file_actions_init(&files))
        return 0;
    posix_spawn_file_actions_adddup2(&files, fileno(in), 0);
    posix_spawn_file_actions_adddup2(&files, fileno(out), 1);
    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    const int started = !posix_spawnp(&child, "dot", &files, NULL, words, environ);
    posix_spawn_file_actions_destroy(&files);
    return started && wait_for(child);
}

static int read_edge(struct vn_layout *l, const char *line, int *at, struct vn_arena *a)
{
    int from, to, n, used;
    if (sscanf(line, "edge %d %d %d%n", &from, &to, &n, &used) != 3 || n < 2 || n > 10000)
        return 0;
    struct vn_layout_edge *edge = &l->edges[*at];
    if (*at >= l->n_edges || edge->from != from || edge->to != to)
        return 0;
    float *xy = NEW_ARRAY(a, float, 2 * n);
    for (int i = 0, more; i < n; i++, used += more) {
        if (sscanf(line + used, "%f %f%n", &xy[2 * i], &xy[2 * i + 1], &more) != 2)
            return 0;
        xy[2 * i] *= DOTS;
        xy[2 * i + 1] = l->height - xy[2 * i + 1] * DOTS;
    }
    edge->n = n;
    edge->xy = xy;
    ++*at;
    return 1;
}

static int read_line(struct vn_layout *l, const char *line, int *placed, int *edges, struct vn_arena *a)
{
    int i;
    float x, y;
    if (sscanf(line, "graph %*f %f %f", &x, &y) == 2) {
        l->width = x * DOTS;
        l->height = y * DOTS;
        return 1;
    }
    if (sscanf(line, "node %d %f %f", &i, &x, &y) == 3) {
        if (i < 0 || i >= l->n)
            return 0;
        l->x[i] = x * DOTS;
        l->y[i] = l->height - y * DOTS;
        ++*placed;
        return 1;
    }
    return line[0] == 's' || read_edge(l, line, edges, a);
}

/* dot writes edges by their tails. */
static int by_ends(const void *x, const void *y)
{
    const struct vn_layout_edge *a = x, *b = y;
    return a->from != b->from ? a->from - b->from : a->to - b->to;
}

static int read_plain(FILE *f, struct vn_layout *l, struct vn_arena *a)
{
    char *line = NULL;
    size_t room = 0;
    int ok = 1, placed = 0, edges = 0;
    rewind(f);
    while (ok && getline(&line, &room, f) > 0)
        ok = read_line(l, line, &placed, &edges, a);
    free(line);
    return ok && placed == l->n && edges == l->n_edges;
}

static int place_dot(struct vn_layout *l, struct vn_arena *a)
{
    FILE *in = tmpfile(), *out = tmpfile();
    int ok = in && out;
    if (ok) {
        write_dot(in, l);
        rewind(in);
        ok = run_dot(in, out) && read_plain(out, l, a);
    }
    if (in)
        fclose(in);
    if (out)
        fclose(out);
    return ok;
}

void vn_layout_place(struct vn_layout *l, struct vn_arena *a)
{
    l->x = NEW_ARRAY(a, float, l->n);
    l->y = NEW_ARRAY(a, float, l->n);
    if (l->n_edges)
        qsort(l->edges, (size_t)l->n_edges, sizeof *l->edges, by_ends);
    if (place_dot(l, a))
        return;
    for (int i = 0; i < l->n_edges; i++)
        l->edges[i].n = 0;
    l->width = 0;
    place_rows(l, a);
}
