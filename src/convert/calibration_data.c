/* Samples of the calibration: opened, looked at, hashed, and how they were made. */
#include "convert/stages.h"

#include <math.h>

#include "base/file.h"
#include "base/hash.h"
#include "data/manifest.h"
#include "tensor/npy.h"

static void note(struct vn_conversion *c, const char *key, const char *text)
{
    vn_graph_meta_set(c->original, key, text);
    vn_graph_meta_set(c->optimized, key, text);
}

static int hash_samples(struct vn_conversion *c, struct vn_err *e)
{
    uint64_t h = 0;
    for (int i = 0; i < vn_samples_count(c->samples); i++) {
        const char *of_file;
        TRY(vn_convert_hash(&of_file, c->arena, vn_samples_name(c->samples, i), e));
        const char *pair = vn_arena_fmt(c->arena, "%016llx%s", (unsigned long long)h, of_file);
        h = vn_hash(pair, strlen(pair), SIZE_MAX);
    }
    note(c, "calibration.hash", vn_arena_fmt(c->arena, "%016llx", (unsigned long long)h));
    return VN_OK;
}

#define RANDOM_SAMPLES 8

static int has_errors(const struct vn_conversion *c)
{
    for (int i = 0; i < c->findings.n; i++)
        if (c->findings.v[i].severity == VN_FINDING_ERROR)
            return 1;
    return 0;
}

const struct masked_elements *vn_convert_masked_inputs(struct vn_conversion *c)
{
    struct graph *g = c->original;
    struct masked_elements *m = NEW_ARRAY(c->arena, struct masked_elements, g->inputs.n);
    vn_graph_index(g);
    const struct mask *masks = vn_masks_find(c->arena, g);
    for (int i = 0; i < g->inputs.n; i++) {
        const struct mask *of = &masks[g->inputs.v[i]->id];
        m[i] = (struct masked_elements){ of->sign > 0 ? of->limit : -INFINITY,
                                         of->sign < 0 ? -of->limit : INFINITY };
    }
    return m;
}

static int check_samples(struct vn_conversion *c, struct vn_err *e)
{
    struct data_report r;
    TRY(vn_dataset_check(&r, c->arena, c->config, c->original, c->samples, NULL, vn_convert_masked_inputs(c),
                         e));
    vn_convert_keep_findings(c, &r);
    if (!has_errors(c))
        vn_convert_judge_inputs(c);
    for (int i = 0; i < c->findings.n; i++) {
        const struct vn_finding *f = &c->findings.v[i];
        if (f->severity == VN_FINDING_ERROR && !c->accept_data)
            TRY(vn_convert_note(c, vn_fail(e, VN_E_INPUT, "%s", f->text), e));
        else
            WARN(c, "%s", f->text);
    }
    return VN_OK;
}

/* The middle 4 x 4 pixels, R, G, B, in hexadecimal. */
static const char *small_crop(struct vn_arena *a, const struct vn_picture *p)
{
    const int w = p->w < 4 ? p->w : 4, h = p->h < 4 ? p->h : 4, left = (p->w - w) / 2, top = (p->h - h) / 2;
    const char *text = "";
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w * p->c; x++)
            text = vn_arena_fmt(a, "%s%02x", text, p->data[((size_t)(top + y) * p->w + left) * p->c + x]);
    return text;
}

/* Steps that make the network's own tensor are known to the first stage, too: those of the configuration, or
 * of prep. Those that make pixels are noted with their golden example. */
int vn_convert_note_steps(struct vn_conversion *c, struct vn_err *e)
{
    const struct input_config *in = &c->config->inputs[0];
    struct vn_pipeline *p = NULL;
    if (c->config->preprocess_on && in->type_rt == VN_IN_FEATUREMAP)
        TRY(vn_samples_pipeline(&p, c->arena, c->config, e));
    else if (!c->config->preprocess_on && in->cal_dir)
        p = vn_manifest_steps(c->arena, in->cal_dir);
    if (p)
        vn_graph_meta_set(c->original, "pipeline", vn_pipeline_line(p, c->arena));
    return VN_OK;
}

/* How images became calibration data, and one of them as a golden example, which a device can be held
 * against. */
static int note_pipeline(struct vn_conversion *c, struct vn_err *e)
{
    const char *first = vn_samples_name(c->samples, 0);
    const struct graph *g = c->original;
    struct vn_pixel_format f;
    struct vn_pipeline *p;
    struct vn_frame frame;
    struct vn_arena *a = c->arena;
    const char *of_file;
    if (!c->config->preprocess_on || !vn_picture_is_image_name(first) ||
        !vn_input_format(&f, &c->config->inputs[0], &g->inputs.v[0]->shape))
        return VN_OK;
    TRY(vn_pipeline_parse(
        &p, a, c->config->pipeline ? c->config->pipeline : vn_arena_fmt(a, "resize %d %d", f.w, f.h), e));
    TRY(vn_pipeline_pixels(&frame, a, p, first, e));
    TRY(vn_convert_hash(&of_file, a, first, e));
    const struct vn_picture out = frame.p;
    const unsigned long long h = vn_hash(out.data, vn_picture_values(&out), SIZE_MAX);
    const char *const notes[][2] = {
        { "pipeline", vn_pipeline_line(p, a) },
        { "pipeline.golden_input", vn_arena_fmt(a, "%s %s", vn_path_base(first), of_file) },
        { "pipeline.golden_output", vn_arena_fmt(a, "%dx%dx%d rgb uint8 %016llx, middle %s", out.h, out.w,
                                                 out.c, h, small_crop(a, &out)) },
    };
    for (int i = 0; i < 3; i++)
        note(c, notes[i][0], notes[i][1]);
    return VN_OK;
}

int vn_convert_open_samples(struct vn_conversion *c, struct vn_err *e)
{
    if (c->config->random_data)
        return vn_samples_random(&c->samples, c->arena, c->config, c->original, RANDOM_SAMPLES, e);
    TRY(vn_samples_open(&c->samples, c->arena, c->config, c->original, e));
    return check_samples(c, e);
}

/* Files that are arrays, by input. */
static void tell_files(const struct vn_conversion *c)
{
    for (int i = 0; i < c->original->inputs.n && !c->config->random_data; i++) {
        if (vn_samples_are_images(c->samples, i))
            continue;
        DETAIL(c, "created RawImageDirLoader of shape:%s",
               vn_convert_sizes(c->arena, &c->original->inputs.v[i]->shape));
        for (int k = 0; k < vn_samples_count(c->samples); k++)
            DETAIL(c, "Read raw file: %s", vn_samples_path(c->samples, k, i));
    }
}

int vn_convert_note_samples(struct vn_conversion *c, struct vn_err *e)
{
    TRY(note_pipeline(c, e));
    tell_files(c);
    INFO(c, "num of calibration data: %d", vn_samples_count(c->samples));
    INFO(c, "First calibration picture name: %s", vn_samples_name(c->samples, 0));
    return c->config->random_data ? VN_OK : hash_samples(c, e);
}

int vn_convert_dump_samples(struct vn_conversion *c, struct vn_err *e)
{
    for (int i = 0; c->config->dump_calibration && i < vn_samples_count(c->samples); i++) {
        struct vn_arena *a = vn_arena_new();
        float **x = NEW_ARRAY(a, float *, c->original->inputs.n);
        int status = vn_samples_load(c->samples, i, a, x, e);
        for (int k = 0; status == VN_OK && k < c->original->inputs.n; k++) {
            const struct value *v = c->original->inputs.v[k];
            const struct vn_tensor t = { VN_F32, v->shape, x[k] };
            const char *dir =
                vn_path_join(a, c->config->working_dir, vn_arena_fmt(a, "calibration_data/%s", v->name));
            status = vn_dir_make(dir, e);
            if (status == VN_OK)
                status = vn_npy_write(vn_path_join(a, dir, vn_arena_fmt(a, "%d.npy", i)), &t, e);
        }
        vn_arena_free(&a);
        TRY(status);
    }
    return VN_OK;
}
