/* Traces, and the table of their comparison. */
#include "inspect/align.h"

#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "tensor/npy.h"

/* ---- traces ---- */

int vn_trace_find(const struct trace *t, const char *stage)
{
    for (int i = 0; i < t->n; i++)
        if (!strcmp(t->stage[i], stage))
            return i;
    return -1;
}

void vn_trace_add(struct trace *t, struct vn_arena *a, const char *stage, struct vn_tensor *x)
{
    int i = vn_trace_find(t, stage);
    if (i < 0) {
        const char **names = NEW_ARRAY(a, const char *, t->n + 1);
        if (t->n)
            memcpy(names, t->stage, (size_t)t->n * sizeof *names);
        names[i = t->n++] = stage;
        t->stage = names;
        for (int k = 0; k < t->samples; k++) {
            struct vn_tensor **more = NEW_ARRAY(a, struct vn_tensor *, t->n);
            if (t->n > 1)
                memcpy(more, t->sample[k].t, (size_t)(t->n - 1) * sizeof *more);
            t->sample[k].t = more;
        }
    }
    t->sample[t->samples - 1].t[i] = x;
}

void vn_trace_begin(struct trace *t, struct vn_arena *a, const char *name)
{
    struct trace_sample *more = NEW_ARRAY(a, struct trace_sample, t->samples + 1);
    if (t->samples)
        memcpy(more, t->sample, (size_t)t->samples * sizeof *more);
    more[t->samples++] = (struct trace_sample){ name, NEW_ARRAY(a, struct vn_tensor *, t->n + 1) };
    t->sample = more;
}

/* The lines of order.txt; 0 where there is none. */
static int read_order(const char ***names, int *n, struct vn_arena *a, const char *folder, struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    const char *path = vn_path_join(a, folder, "order.txt");
    VEC(const char *) lines = { 0 };
    if (!vn_file_exists(path))
        return 0;
    TRY(vn_file_map(a, path, &data, &bytes, e));
    char *text = vn_arena_strn(a, (const char *)data, bytes), *rest = text;
    for (char *line; (line = strtok_r(NULL, "\r\n", &rest));)
        VEC_PUSH(a, &lines, line);
    *names = lines.v;
    *n = lines.n;
    return 1;
}

static int read_folder(struct trace *t, struct vn_arena *a, const char *folder, const char *name, struct vn_err *e)
{
    const char **files, **names;
    int n, lines = 0;
    vn_trace_begin(t, a, name);
    TRY(vn_dir_list(a, folder, &files, &n, e));
    const int ordered = read_order(&names, &lines, a, folder, e);
    TRY(ordered);
    for (int i = 0; i < (ordered ? lines : n); i++) {
        struct vn_tensor *x;
        if (!ordered && !vn_path_has_suffix(files[i], ".npy"))
            continue;
        const char *stage = ordered ? names[i] : vn_path_stem(a, files[i]);
        if (strchr(stage, '/') || *stage == '.')
            return vn_fail(e, VN_E_INPUT, "%s/order.txt: '%s' is no stage's name", folder, stage);
        TRY(vn_npy_read(&x, a, vn_path_join(a, folder, vn_arena_fmt(a, "%s.npy", stage)), e));
        vn_trace_add(t, a, stage, x);
    }
    return VN_OK;
}

/* ---- .npz: a zip whose members are stored as they are (numpy.savez) ---- */

static uint32_t le(const uint8_t *p, int n)
{
    uint32_t x = 0;
    for (int i = 0; i < n; i++)
        x |= (uint32_t)p[i] << 8 * i;
    return x;
}

enum { END_BYTES = 22, ENTRY_BYTES = 46, LOCAL_BYTES = 30 };

/* One entry of the zip's directory; how long it is. */
static int read_member(struct trace *t, struct vn_arena *a, const char *path, const uint8_t *d, size_t bytes, size_t at, size_t *next, struct vn_err *e)
{
    if (at > bytes || bytes - at < ENTRY_BYTES || le(d + at, 4) != 0x02014b50)
        return vn_fail(e, VN_E_INPUT, "%s: damaged .npz: no directory entry at %zu", path, at);
    const uint8_t *c = d + at;
    const size_t size = le(c + 24, 4), name = le(c + 28, 2), local = le(c + 42, 4);
    *next = at + ENTRY_BYTES + name + le(c + 30, 2) + le(c + 32, 2);
    if (*next > bytes || local > bytes || bytes - local < LOCAL_BYTES)
        return vn_fail(e, VN_E_INPUT, "%s: damaged .npz: an entry outside of the file", path);
    const size_t from = local + LOCAL_BYTES + le(d + local + 26, 2) + le(d + local + 28, 2);
    if (le(c + 10, 2) != 0)
        return vn_fail(e, VN_E_UNSUPPORTED, "%s: compressed; want what numpy.savez writes, not savez_compressed", path);
    if (from > bytes || size > bytes - from)
        return vn_fail(e, VN_E_INPUT, "%s: damaged .npz: an array outside of the file", path);
    struct vn_tensor *x;
    const char *file = vn_arena_strn(a, (const char *)c + ENTRY_BYTES, name);
    TRY(vn_npy_parse(&x, a, d + from, size, path, e));
    vn_trace_add(t, a, vn_path_stem(a, file), x);
    return VN_OK;
}

static int read_npz(struct trace *t, struct vn_arena *a, const char *path, struct vn_err *e)
{
    const uint8_t *d;
    size_t bytes, at;
    TRY(vn_file_map(a, path, &d, &bytes, e));
    size_t end = bytes < END_BYTES ? 0 : bytes - END_BYTES;
    while (end && le(d + end, 4) != 0x06054b50)
        end--;
    if (!end)
        return vn_fail(e, VN_E_INPUT, "%s: no .npz: a zip's directory is missing", path);
    vn_trace_begin(t, a, "");
    const int n = (int)le(d + end + 10, 2);
    at = le(d + end + 16, 4);
    for (int i = 0; i < n; i++)
        TRY(read_member(t, a, path, d, bytes, at, &at, e));
    return VN_OK;
}

int vn_trace_read(struct trace *t, struct vn_arena *a, const char *path, struct vn_err *e)
{
    const char **folders;
    int n;
    *t = (struct trace){ .path = vn_arena_str(a, path) };
    if (vn_path_has_suffix(path, ".npz"))
        return read_npz(t, a, path, e);
    if (!vn_dir_exists(path))
        return vn_fail(e, VN_E_INPUT, "%s: no folder; want a trace: a folder of STAGE.npy, or an .npz", path);
    TRY(vn_dir_folders(a, path, &folders, &n, e));
    for (int i = 0; i < n; i++)
        TRY(read_folder(t, a, vn_path_join(a, path, folders[i]), folders[i], e));
    if (!n)
        TRY(read_folder(t, a, path, "", e));
    return t->n ? VN_OK : vn_fail(e, VN_E_INPUT, "%s: no stages; want STAGE.npy files", path);
}

/* ---- comparison ---- */

static void compare_arrays(struct stage_result *r, const struct vn_tensor *x, const struct vn_tensor *y, int sample, double tolerance, int64_t *different, int64_t *all)
{
    const int64_t n = vn_shape_count(&x->shape);
    const int floats = vn_dtype_is_float(x->dtype) || vn_dtype_is_float(y->dtype);
    double top = 0;
    *all += n;
    for (int64_t i = 0; floats && i < n; i++)
        top = fmax(top, fabs(vn_tensor_f64(x, i)));
    const double limit = floats ? tolerance * top : 0;
    for (int64_t i = 0; i < n; i++) {
        const double d = fabs(vn_tensor_f64(x, i) - vn_tensor_f64(y, i));
        if (!(d <= limit)) {
            if (r->first < 0) {
                r->first = i;
                r->sample = sample;
            }
            ++*different;
        }
        if (!(d <= r->max))
            r->max = d;
    }
}

static void compare_stage(struct stage_result *r, struct vn_arena *a, const struct trace *left, const struct trace *right, int l, int k, double tolerance)
{
    char text[VN_SHAPE_TEXT];
    int64_t different = 0, all = 0;
    r->first = -1;
    r->same_shape = 1;
    for (int i = 0; i < left->samples; i++) {
        const struct vn_tensor *t[2] = { left->sample[i].t[l], right->sample[i].t[k] };
        if (!t[0] || !t[1]) {
            r->state = STAGE_MISSING;
            r->missing_in = t[0] ? right->path : left->path;
            return;
        }
        for (int s = 0; s < 2 && !i; s++) {
            r->shape[s] = vn_arena_str(a, vn_shape_text(&t[s]->shape, text));
            r->dtype[s] = vn_dtype_name(t[s]->dtype);
        }
        if (!vn_shape_equal(&t[0]->shape, &t[1]->shape))
            r->same_shape = 0;
        else
            compare_arrays(r, t[0], t[1], i, tolerance, &different, &all);
    }
    r->share = all ? (double)different / (double)all : 0;
    const int types = strcmp(r->dtype[0], r->dtype[1]) != 0 && different;
    r->state = !r->same_shape || different || types ? STAGE_UNALIGNED : STAGE_ALIGNED;
}

/* Of stage i, as made of the stage `from`; -1: of nothing. */
static struct stage_arrays *arrays_of(struct vn_arena *a, const struct trace *left, const struct trace *right, const int *l, const int *k, int i, int from)
{
    struct stage_arrays *s = NEW_ARRAY(a, struct stage_arrays, left->samples);
    for (int m = 0; m < left->samples; m++) {
        s[m].y[0] = left->sample[m].t[l[i]];
        s[m].y[1] = right->sample[m].t[k[i]];
        if (from >= 0) {
            s[m].x[0] = left->sample[m].t[l[from]];
            s[m].x[1] = right->sample[m].t[k[from]];
        }
    }
    return s;
}

/* The first unaligned stage is explained. A later one follows from it unless both sides do different things with their inputs. */
static void explain_stages(struct alignment *r, struct vn_arena *a, const struct trace *left, const struct trace *right, const int *l, const int *k, int any_input)
{
    const char *from = NULL;
    for (int i = 0; i < r->n; i++) {
        struct stage_result *s = &r->stage[i];
        if (s->state != STAGE_UNALIGNED)
            continue;
        const struct stage_arrays *arrays = arrays_of(a, left, right, l, k, i, i - 1);
        if (from && vn_explain_same(arrays, left->samples) != 0) {
            s->state = STAGE_FOLLOWS;
            s->from = from;
            continue;
        }
        from = s->name;
        s->why = NEW(a, struct explanation);
        vn_explain_stage(s->why, a, arrays, left->samples);
        for (int m = i - 2; any_input && !s->why->found && m >= 0; m--)
            vn_explain_stage(s->why, a, arrays_of(a, left, right, l, k, i, m), left->samples);
    }
}

static int same_samples(const struct trace *left, const struct trace *right, struct vn_err *e)
{
    if (left->samples != right->samples)
        return vn_fail(e, VN_E_INPUT, "%s has %d pictures, %s has %d; want the same", left->path, left->samples, right->path, right->samples);
    for (int i = 0; i < left->samples; i++)
        if (strcmp(left->sample[i].name, right->sample[i].name))
            return vn_fail(e, VN_E_INPUT, "%s has the picture %s where %s has %s; want the same names", left->path, left->sample[i].name, right->path,
                           right->sample[i].name);
    return VN_OK;
}

int vn_align(struct alignment **out, struct vn_arena *a, const struct trace *left, const struct trace *right, const struct align_options *o,
             struct vn_err *e)
{
    struct alignment *r = *out = NEW(a, struct alignment);
    TRY(same_samples(left, right, e));
    r->samples = left->samples;
    r->stage = NEW_ARRAY(a, struct stage_result, left->n + right->n);
    int *l = NEW_ARRAY(a, int, left->n), *k = NEW_ARRAY(a, int, left->n), common = 0;
    for (int i = 0; i < left->n; i++) {
        const int other = vn_trace_find(right, left->stage[i]);
        struct stage_result *s = &r->stage[r->n];
        *s = (struct stage_result){ .name = left->stage[i] };
        if (other < 0)
            continue;
        l[r->n] = i;
        k[r->n++] = other;
        compare_stage(s, a, left, right, i, other, o->tolerance);
        common += s->state != STAGE_MISSING;
    }
    if (!common)
        return vn_fail(e, VN_E_INPUT, "%s and %s have no stage in common; the first has %s, the second %s", left->path, right->path, left->stage[0],
                       right->stage[0]);
    if (o->explain)
        explain_stages(r, a, left, right, l, k, o->any_input);
    for (int i = 0; i < r->n; i++)
        r->unaligned += r->stage[i].state == STAGE_UNALIGNED;
    /* stages of one side only */
    for (int i = 0; i < left->n; i++)
        if (vn_trace_find(right, left->stage[i]) < 0)
            r->stage[r->n++] = (struct stage_result){ .name = left->stage[i], .state = STAGE_MISSING, .missing_in = right->path, .first = -1 };
    for (int i = 0; i < right->n; i++)
        if (vn_trace_find(left, right->stage[i]) < 0)
            r->stage[r->n++] = (struct stage_result){ .name = right->stage[i], .state = STAGE_MISSING, .missing_in = left->path, .first = -1 };
    return VN_OK;
}

/* ---- a picture ---- */

/* Values to 0..255: as they are where they look like pixels, else stretched. */
static struct vn_picture shown(const struct vn_tensor *t, struct vn_arena *a, int *ok)
{
    struct vn_frame f;
    struct vn_picture p = { 0 }, out = { 0 };
    struct vn_err e;
    *ok = vn_frame_from_tensor(&f, a, (struct vn_tensor *)t, &e) == VN_OK &&
          (!f.t ? (p = f.p, 1) : vn_picture_from_tensor(&p, a, t, !f.channels_first, &e) == VN_OK) &&
          vn_picture_new(&out, a, p.w, p.h, 3, VN_PIXEL_U8, &e) == VN_OK;
    if (!*ok)
        return out;
    double lo = 0, hi = 255;
    const size_t n = vn_picture_values(&p);
    for (size_t i = 0; p.type != VN_PIXEL_U8 && i < n; i++) {
        const double v = vn_picture_value(&p, i);
        lo = !i || v < lo ? v : lo;
        hi = !i || v > hi ? v : hi;
    }
    for (size_t i = 0; i < (size_t)p.w * p.h; i++)
        for (int c = 0; c < 3; c++) {
            const double v = hi > lo ? (vn_picture_value(&p, i * p.c + (size_t)(c < p.c ? c : p.c == 1 ? 0 : p.c - 1)) - lo) * 255 / (hi - lo) : 0;
            out.data[i * 3 + c] = (uint8_t)(v > 0 ? v < 255 ? v : 255 : 0);
        }
    return out;
}

static void put(struct vn_picture *to, const struct vn_picture *p, int x)
{
    for (int y = 0; y < p->h; y++)
        memcpy(to->data + ((size_t)y * to->w + x) * 3, p->data + (size_t)y * p->w * 3, (size_t)p->w * 3);
}

static int write_png(const char *path, const struct vn_picture *p, struct vn_err *e)
{
    png_image png = { .version = PNG_IMAGE_VERSION, .width = (unsigned)p->w, .height = (unsigned)p->h, .format = PNG_FORMAT_RGB };
    png_alloc_size_t bytes = 0;
    if (!png_image_write_get_memory_size(png, bytes, 0, p->data, 0, NULL))
        return vn_fail(e, VN_E_IO, "%s: cannot write: %s", path, png.message);
    struct vn_arena *a = vn_arena_new();
    void *data = vn_arena_alloc(a, bytes);
    int status = png_image_write_to_memory(&png, data, &bytes, 0, p->data, 0, NULL) ? VN_OK : vn_fail(e, VN_E_IO, "%s: cannot write: %s", path, png.message);
    if (status == VN_OK)
        status = vn_file_write(path, data, bytes, e);
    vn_arena_free(&a);
    return status;
}

int vn_align_picture(const char *path, const struct vn_tensor *left, const struct vn_tensor *right, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    int ok[2];
    struct vn_picture p[2] = { shown(left, a, &ok[0]), shown(right, a, &ok[1]) }, all;
    int status = VN_OK;
    if (ok[0] && ok[1]) {
        const int same = p[0].w == p[1].w && p[0].h == p[1].h, h = p[0].h > p[1].h ? p[0].h : p[1].h;
        status = vn_picture_new(&all, a, p[0].w + p[1].w + (same ? p[0].w : 0), h, 3, VN_PIXEL_U8, e);
        if (status == VN_OK) {
            int top = 1;
            put(&all, &p[0], 0);
            put(&all, &p[1], p[0].w);
            for (size_t i = 0; same && i < vn_picture_values(&p[0]); i++) {
                const int d = abs(p[0].data[i] - p[1].data[i]);
                top = d > top ? d : top;
            }
            for (size_t i = 0; same && i < vn_picture_values(&p[0]); i++)
                p[0].data[i] = (uint8_t)(abs(p[0].data[i] - p[1].data[i]) * 255 / top);
            if (same)
                put(&all, &p[0], p[0].w * 2);
            status = write_png(path, &all, e);
        }
    }
    vn_arena_free(&a);
    return status < 0 ? status : ok[0] && ok[1];
}
