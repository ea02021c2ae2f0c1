/* Plots by cairo: a frame with ticks, and what is drawn in it. */
#include <cairo.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/escape.h"
#include "report/plot.h"

#define WIDTH 1000.0
#define HEIGHT 620.0
#define LEFT 86.0
#define RIGHT 24.0
#define TOP 46.0
#define BOTTOM 62.0
#define TICKS 6

/* Part of the image with scales of its own. */
struct frame {
    cairo_t *c;
    double top, bottom; /* of the part, in pixels */
    double x0, x1, y0, y1; /* scales */
};

static const double colours[][3] = { { 0.04, 0.35, 0.69 }, { 0.78, 0.28, 0.1 }, { 0.1, 0.5, 0.2 },
                                     { 0.5, 0.25, 0.66 },  { 0.6, 0.45, 0.02 }, { 0.1, 0.5, 0.53 } };
enum { COLOURS = sizeof colours / sizeof *colours, BLUE = 0, RED = 1 };

static void set_colour(cairo_t *c, int i)
{
    const double *rgb = colours[i % COLOURS];
    cairo_set_source_rgb(c, rgb[0], rgb[1], rgb[2]);
}

static double px(const struct frame *f, double x)
{
    return LEFT + (x - f->x0) / (f->x1 - f->x0) * (WIDTH - LEFT - RIGHT);
}

static double py(const struct frame *f, double y)
{
    const double height = f->bottom - f->top - TOP - BOTTOM;
    return f->bottom - BOTTOM - (y - f->y0) / (f->y1 - f->y0) * height;
}

/* ---- text ---- */

enum place { BEHIND, CENTRED, BEFORE };

/* Names come from files. */
static void write_text(cairo_t *c, double x, double y, enum place place, const char *text)
{
    cairo_text_extents_t size;
    const char *shown = vn_shown(text, (char[VN_SHOWN]){ 0 });
    cairo_text_extents(c, shown, &size);
    cairo_move_to(c, place == BEHIND ? x : place == CENTRED ? x - size.width / 2 : x - size.width, y);
    cairo_show_text(c, shown);
}

static void write_number(cairo_t *c, double x, double y, enum place place, double v)
{
    char text[40];
    snprintf(text, sizeof text, "%.4g", v);
    write_text(c, x, y, place, text);
}

/* The end of a long title is the part that tells names apart. */
static const char *tail(const char *text, size_t most)
{
    const size_t n = strlen(text);
    const char *at = n > most ? text + n - most : text;
    while ((*at & 0xc0) == 0x80)
        at++;
    return at;
}

/* ---- frames ---- */

static double step_of(double span)
{
    const double raw = span / TICKS, unit = pow(10, floor(log10(raw)));
    return unit * (raw > 5 * unit ? 10 : raw > 2 * unit ? 5 : raw > unit ? 2 : 1);
}

static void draw_grid(const struct frame *f)
{
    cairo_t *c = f->c;
    const double dx = step_of(f->x1 - f->x0), dy = step_of(f->y1 - f->y0);
    cairo_set_line_width(c, 1);
    for (double x = ceil(f->x0 / dx) * dx; x <= f->x1 + dx / 1e6; x += dx) {
        cairo_set_source_rgb(c, 0.88, 0.9, 0.92);
        cairo_move_to(c, px(f, x), py(f, f->y0));
        cairo_line_to(c, px(f, x), py(f, f->y1));
        cairo_stroke(c);
        cairo_set_source_rgb(c, 0.1, 0.1, 0.12);
        write_number(c, px(f, x), py(f, f->y0) + 18, CENTRED, fabs(x) < dx / 1e6 ? 0 : x);
    }
    for (double y = ceil(f->y0 / dy) * dy; y <= f->y1 + dy / 1e6; y += dy) {
        cairo_set_source_rgb(c, 0.88, 0.9, 0.92);
        cairo_move_to(c, px(f, f->x0), py(f, y));
        cairo_line_to(c, px(f, f->x1), py(f, y));
        cairo_stroke(c);
        cairo_set_source_rgb(c, 0.1, 0.1, 0.12);
        write_number(c, LEFT - 8, py(f, y) + 4, BEFORE, fabs(y) < dy / 1e6 ? 0 : y);
    }
}

static void draw_frame(const struct frame *f, const char *title, const char *x, const char *y)
{
    cairo_t *c = f->c;
    draw_grid(f);
    cairo_set_source_rgb(c, 0.4, 0.42, 0.45);
    cairo_rectangle(c, LEFT, py(f, f->y1), WIDTH - LEFT - RIGHT, py(f, f->y0) - py(f, f->y1));
    cairo_stroke(c);
    cairo_set_source_rgb(c, 0.1, 0.1, 0.12);
    write_text(c, WIDTH / 2, f->bottom - BOTTOM + 42, CENTRED, x);
    cairo_set_font_size(c, 15);
    write_text(c, WIDTH / 2, f->top + 24, CENTRED, tail(title, 110));
    cairo_set_font_size(c, 12);
    write_text(c, LEFT, f->top + 40, BEHIND, y);
}

/* Ends of a scale that are apart. */
static void spread(double *lo, double *hi)
{
    if (!(*hi > *lo)) {
        const double more = fabs(*lo) > 0 ? fabs(*lo) * 0.05 : 1;
        *lo -= more;
        *hi += more;
    }
}

static cairo_t *begin(double height)
{
    cairo_surface_t *s = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)WIDTH, (int)height);
    cairo_t *c = cairo_create(s);
    cairo_surface_destroy(s);
    cairo_set_source_rgb(c, 1, 1, 1);
    cairo_paint(c);
    cairo_select_font_face(c, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(c, 12);
    return c;
}

static int end(cairo_t *c, const char *path, struct vn_err *e)
{
    const cairo_status_t drawn = cairo_status(c);
    const cairo_status_t status =
        drawn == CAIRO_STATUS_SUCCESS ? cairo_surface_write_to_png(cairo_get_target(c), path) : drawn;
    cairo_destroy(c);
    return status == CAIRO_STATUS_SUCCESS
               ? VN_OK
               : vn_fail(e, VN_E_IO, "%s: cannot write: %s", path, cairo_status_to_string(status));
}

/* Entry i of n in one corner. */
static void draw_legend(const struct frame *f, int i, int colour, const char *label)
{
    const double x = WIDTH - RIGHT - 320, y = py(f, f->y1) + 16 + 18 * i;
    cairo_set_source_rgba(f->c, 1, 1, 1, 0.85);
    cairo_rectangle(f->c, x - 6, y - 13, 320, 18);
    cairo_fill(f->c);
    set_colour(f->c, colour);
    cairo_rectangle(f->c, x, y - 8, 22, 8);
    cairo_fill(f->c);
    cairo_set_source_rgb(f->c, 0.1, 0.1, 0.12);
    write_text(f->c, x + 30, y, BEHIND, tail(label, 46));
}

/* ---- lines ---- */

static void draw_line(const struct frame *f, const double *y, int n)
{
    int pen = 0;
    for (int i = 0; i < n; i++) {
        if (isfinite(y[i]) && pen)
            cairo_line_to(f->c, px(f, i), py(f, y[i]));
        else if (isfinite(y[i]))
            cairo_move_to(f->c, px(f, i), py(f, y[i]));
        pen = isfinite(y[i]);
    }
    cairo_stroke(f->c);
}

int vn_plot_lines(const char *path, const char *title, const char *x, const char *y,
                  const struct vn_plot_line *lines, int n, int points, struct vn_err *e)
{
    struct frame f = { .bottom = HEIGHT, .x1 = points > 1 ? points - 1 : 1, .y0 = HUGE_VAL, .y1 = -HUGE_VAL };
    for (int k = 0; k < n; k++)
        for (int i = 0; i < points; i++)
            if (isfinite(lines[k].y[i])) {
                f.y0 = fmin(f.y0, lines[k].y[i]);
                f.y1 = fmax(f.y1, lines[k].y[i]);
            }
    if (f.y0 > f.y1)
        f.y0 = f.y1 = 0;
    spread(&f.y0, &f.y1);
    f.c = begin(HEIGHT);
    draw_frame(&f, title, x, y);
    cairo_set_line_width(f.c, 1.8);
    for (int k = 0; k < n; k++) {
        set_colour(f.c, k);
        draw_line(&f, lines[k].y, points);
    }
    for (int k = 0; k < n && k < 20; k++)
        draw_legend(&f, k, k, lines[k].label);
    return end(f.c, path, e);
}

/* ---- distributions ---- */

static double most_of(const double *bins)
{
    double most = 0;
    for (int i = 0; bins && i < VN_DISTRIBUTION_BINS; i++)
        most = fmax(most, bins[i]);
    return most;
}

/* Counts have long tails: their logarithm. */
static double height_of(double count) { return log10(1 + count); }

static void draw_bins(const struct frame *f, const double *bins, double lo, double hi, int colour)
{
    const double w = (hi - lo) / VN_DISTRIBUTION_BINS;
    const double *rgb = colours[colour];
    cairo_set_source_rgba(f->c, rgb[0], rgb[1], rgb[2], 0.55);
    for (int i = 0; i < VN_DISTRIBUTION_BINS; i++) {
        const double x = px(f, lo + i * w), y = py(f, height_of(bins[i]));
        cairo_rectangle(f->c, x, y, fmax(px(f, lo + (i + 1) * w) - x, 1), py(f, 0) - y);
    }
    cairo_fill(f->c);
}

static void draw_triangle(const struct frame *f, double x)
{
    cairo_set_source_rgb(f->c, 0, 0, 1);
    cairo_move_to(f->c, px(f, x), py(f, 0) - 12);
    cairo_line_to(f->c, px(f, x) - 7, py(f, 0));
    cairo_line_to(f->c, px(f, x) + 7, py(f, 0));
    cairo_close_path(f->c);
    cairo_fill(f->c);
}

static void draw_threshold(const struct frame *f, double x)
{
    static const double dash[] = { 6, 4 };
    cairo_set_source_rgb(f->c, 0.85, 0, 0);
    cairo_set_dash(f->c, dash, 2, 0);
    cairo_set_line_width(f->c, 1.6);
    cairo_move_to(f->c, px(f, x), py(f, f->y0));
    cairo_line_to(f->c, px(f, x), py(f, f->y1));
    cairo_stroke(f->c);
    cairo_set_dash(f->c, NULL, 0, 0);
}

static void draw_numbers(struct frame f, const struct vn_distribution *d)
{
    char title[VN_SHOWN];
    double lo = d->lo, hi = d->hi;
    spread(&lo, &hi);
    f.x0 = lo - (hi - lo) * 0.04;
    f.x1 = hi + (hi - lo) * 0.04;
    if (d->threshold > 0 && d->threshold < 3 * fmax(fabs(lo), fabs(hi)))
        f.x1 = fmax(f.x1, d->threshold * 1.04);
    f.y1 = fmax(height_of(fmax(most_of(d->before), most_of(d->after))) * 1.08, 1);
    if (isfinite(d->cosine))
        snprintf(title, sizeof title, "%.460s  cosine %.6f", tail(d->name, 400), d->cosine);
    else
        snprintf(title, sizeof title, "%.500s", tail(d->name, 400));
    draw_frame(&f, title, "value", "log10(1 + count)");
    draw_bins(&f, d->before, d->lo, d->hi > d->lo ? d->hi : hi, BLUE);
    if (d->after)
        draw_bins(&f, d->after, d->lo, d->hi > d->lo ? d->hi : hi, RED);
    draw_triangle(&f, fabs(d->lo) > fabs(d->hi) ? d->lo : d->hi);
    if (d->threshold > 0 && d->threshold <= f.x1)
        draw_threshold(&f, d->threshold);
    if (d->threshold > 0 && -d->threshold >= f.x0)
        draw_threshold(&f, -d->threshold);
    draw_legend(&f, 0, BLUE, "Before calibration");
    if (d->after)
        draw_legend(&f, 1, RED, "After calibration");
}

static void draw_errors(struct frame f, const struct vn_distribution *d)
{
    f.x0 = d->error_lo;
    f.x1 = d->error_hi;
    spread(&f.x0, &f.x1);
    f.y1 = fmax(height_of(most_of(d->error)) * 1.08, 1);
    draw_frame(&f, "Quantization error distribution", "difference", "log10(1 + count)");
    draw_bins(&f, d->error, f.x0, f.x1, 2);
}

int vn_plot_distribution(const char *path, const struct vn_distribution *d, struct vn_err *e)
{
    const int both = d->error != NULL;
    struct frame f = { .c = begin(both ? 2 * HEIGHT : HEIGHT), .bottom = HEIGHT };
    draw_numbers(f, d);
    if (both) {
        f.top = HEIGHT;
        f.bottom = 2 * HEIGHT;
        draw_errors(f, d);
    }
    return end(f.c, path, e);
}

/* ---- channels ---- */

static void draw_stroke(const struct frame *f, double x0, double y0, double x1, double y1)
{
    cairo_move_to(f->c, px(f, x0), py(f, y0));
    cairo_line_to(f->c, px(f, x1), py(f, y1));
    cairo_stroke(f->c);
}

static void draw_box(const struct frame *f, const struct vn_channel_box *b, int i)
{
    static const double dash[] = { 3, 2 };
    cairo_t *c = f->c;
    cairo_set_line_width(c, 1);
    cairo_set_source_rgb(c, 0.2, 0.22, 0.25);
    draw_stroke(f, i, b->lo, i, b->q1);
    draw_stroke(f, i, b->q3, i, b->hi);
    cairo_rectangle(c, px(f, i - 0.35), py(f, b->q3), px(f, i + 0.35) - px(f, i - 0.35),
                    py(f, b->q1) - py(f, b->q3));
    cairo_stroke(c);
    cairo_set_source_rgb(c, 0.85, 0, 0);
    draw_stroke(f, i - 0.35, b->median, i + 0.35, b->median);
    cairo_set_source_rgb(c, 0, 0, 1);
    cairo_set_dash(c, dash, 2, 0);
    draw_stroke(f, i - 0.35, b->mean, i + 0.35, b->mean);
    cairo_set_dash(c, NULL, 0, 0);
}

int vn_plot_channels(const char *path, const struct vn_distribution *d, struct vn_err *e)
{
    struct frame f = { .bottom = HEIGHT, .x0 = -1, .x1 = d->channels, .y0 = d->lo, .y1 = d->hi };
    spread(&f.y0, &f.y1);
    f.c = begin(HEIGHT);
    draw_frame(&f, d->name, "channel", "value");
    for (int i = 0; i < d->channels; i++)
        draw_box(&f, &d->box[i], i);
    draw_legend(&f, 0, RED, "median; blue, dashed: mean");
    return end(f.c, path, e);
}
