/* report/plot.h - plots of debug as PNG files. */
#ifndef VN_PLOT_H
#define VN_PLOT_H

#include <vernier/debug.h>

struct vn_plot_line {
    const char *label;
    const double *y; /* not finite: a gap */
};
/* Lines over 0..points-1. Errors of all: VN_E_IO. */
int vn_plot_lines(const char *path, const char *title, const char *x, const char *y,
                  const struct vn_plot_line *lines, int n, int points, struct vn_err *e);
/* Numbers before and after quantization and, below, their differences; of activations the numbers alone. A
 * blue triangle marks the largest magnitude, a dashed red line the threshold. */
int vn_plot_distribution(const char *path, const struct vn_distribution *d, struct vn_err *e);
/* A box for each channel: quartiles, whiskers to the ends; the median red, the mean blue and dashed. */
int vn_plot_channels(const char *path, const struct vn_distribution *d, struct vn_err *e);

#endif
