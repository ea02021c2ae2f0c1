#include "image/origin.h"

#include <string.h>

#include "image/geometry.h"

void vn_affine_after(double out[6], const double outer[6], const double inner[6])
{
    double m[6];
    for (int row = 0; row < 6; row += 3)
        for (int i = 0; i < 3; i++)
            m[row + i] =
                outer[row] * inner[i] + outer[row + 1] * inner[3 + i] + (i == 2 ? outer[row + 2] : 0);
    memcpy(out, m, sizeof m);
}

void vn_affine_invert(double out[6], const double m[6])
{
    double d = m[0] * m[4] - m[1] * m[3];
    d = d != 0 ? 1. / d : 0;
    const double a = m[4] * d, b = m[1] * -d, c = m[3] * -d, e = m[0] * d;
    const double x = -a * m[2] - b * m[5], y = -c * m[2] - e * m[5];
    memcpy(out, (const double[6]){ a, b, x, c, e, y }, 6 * sizeof *out);
}

struct vn_origin vn_origin_of_file(int w, int h, int orientation)
{
    struct vn_origin o = { .w = orientation > 4 ? h : w, .h = orientation > 4 ? w : h };
    double shown_to_stored[6];
    vn_orient_back(shown_to_stored, orientation, w, h);
    vn_affine_invert(o.m, shown_to_stored);
    return o;
}

void vn_origin_step(struct vn_origin *o, const double back[6]) { vn_affine_after(o->m, o->m, back); }

void vn_origin_resized(struct vn_origin *o, int from_w, int from_h, int w, int h)
{
    vn_origin_step(o, (const double[6]){ (double)from_w / w, 0, 0, 0, (double)from_h / h, 0 });
}

void vn_origin_cropped(struct vn_origin *o, int x, int y)
{
    vn_origin_step(o, (const double[6]){ 1, 0, x, 0, 1, y });
}

void vn_origin_turned(struct vn_origin *o, int orientation, int from_w, int from_h)
{
    double back[6];
    vn_orient_back(back, orientation, from_w, from_h);
    vn_origin_step(o, back);
}

void vn_origin_warped(struct vn_origin *o, const double m[6], int inverse)
{
    double back[6];
    if (inverse)
        memcpy(back, m, sizeof back);
    else
        vn_affine_invert(back, m);
    back[2] += 0.5 - 0.5 * (back[0] + back[1]);
    back[5] += 0.5 - 0.5 * (back[3] + back[4]);
    vn_origin_step(o, back);
}
