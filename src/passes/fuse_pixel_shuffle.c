/* Reshape, Transpose, Reshape that deals channels out to squares of pixels, or back. */
#include "ops/blocks.h"
#include "passes/match.h"

static const char *const forms[] = { "(Reshape t=(Transpose r=(Reshape x #a)) #b)", NULL };

/* Which axes of the 6-dimensional tensor in the middle are the block's, the channels', the image's; and
 * what that is. */
static const struct shuffle {
    int64_t perm[6];
    const struct op_def *becomes;
    int widens; /* the wide image is the result */
    int mode; /* 1: CRD */
    int block[2], channels, height, width; /* axes of the tensor in the middle */
} shuffles[] = {
    { { 0, 3, 4, 1, 5, 2 }, &vn_op_depthtospace, 1, 0, { 1, 2 }, 3, 4, 5 },
    { { 0, 1, 4, 2, 5, 3 }, &vn_op_depthtospace, 1, 1, { 2, 3 }, 1, 4, 5 },
    { { 0, 3, 5, 1, 2, 4 }, &vn_op_spacetodepth, 0, 0, { 3, 5 }, 1, 2, 4 },
};

static int fits(const struct match *m, const struct shuffle *s)
{
    const struct vn_shape *x = &vn_match_value(m, 'x')->shape, *r = &vn_match_value(m, 'r')->shape,
                          *y = &m->root->out[0]->shape;
    const struct perm_attrs *a = vn_match_node(m, 't')->attrs;
    if (x->rank != 4 || r->rank != 6 || y->rank != 4 || a->perm.n != 6 ||
        memcmp(a->perm.v, s->perm, sizeof s->perm))
        return 0;
    const int64_t b = r->d[s->block[0]], c = r->d[s->channels], h = r->d[s->height], w = r->d[s->width];
    const struct vn_shape *deep = s->widens ? x : y, *flat = s->widens ? y : x;
    const struct vn_shape want_deep = { .rank = 4, .d = { r->d[0], c * b * b, h, w } },
                          want_flat = { .rank = 4, .d = { r->d[0], c, h * b, w * b } };
    return b > 1 && b == r->d[s->block[1]] && vn_shape_equal(deep, &want_deep) &&
           vn_shape_equal(flat, &want_flat);
}

static int fuse(struct match *m)
{
    for (size_t i = 0; i < sizeof shuffles / sizeof *shuffles; i++) {
        if (!fits(m, &shuffles[i]))
            continue;
        const int64_t size = vn_match_value(m, 'r')->shape.d[shuffles[i].block[0]];
        struct blocks_attrs *a =
            vn_match_replace(m, shuffles[i].becomes, 1, (struct value *[]){ vn_match_value(m, 'x') })->attrs;
        a->size = size;
        a->mode = shuffles[i].mode;
        return 1;
    }
    return 0;
}

PATTERN_PASS(fuse_pixel_shuffle, "pixel shuffles become DepthToSpace or SpaceToDepth", forms, fuse);
