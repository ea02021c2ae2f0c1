/* What prep says of the files that it made, and whether that is what the configuration requires. */
#include "data/manifest.h"

#include "base/file.h"
#include "config/json_text.h"
#include "data/dataset_check.h"

json_t *vn_manifest_read(struct vn_arena *a, const char *folder)
{
    const char *path = vn_path_join(a, folder, VN_MANIFEST);
    json_t *m;
    if (!vn_file_exists(path) || vn_json_read(&m, a, path, NULL) < 0)
        return NULL;
    return vn_manifest_pipeline(m) && json_object_get(m, "files") ? m : NULL;
}

const char *vn_manifest_pipeline(const json_t *manifest)
{
    return json_string_value(json_object_get(manifest, "pipeline"));
}

static int parse_steps(struct vn_pipeline **p, const json_t *manifest, struct vn_arena *a)
{
    const char *text = vn_manifest_pipeline(manifest);
    return vn_pipeline_yaml(p, a, text, strlen(text), VN_MANIFEST, NULL);
}

struct vn_pipeline *vn_manifest_steps(struct vn_arena *a, const char *folder)
{
    struct vn_pipeline *p;
    const json_t *m = vn_manifest_read(a, folder);
    return m && parse_steps(&p, m, a) == VN_OK ? p : NULL;
}

/* ---- one file ---- */

static int read_shape(struct vn_shape *s, const json_t *list)
{
    const size_t n = json_array_size(list);
    *s = (struct vn_shape){ .rank = (int)n };
    if (!json_is_array(list) || n > VN_MAX_RANK)
        return 0;
    for (size_t i = 0; i < n; i++) {
        s->d[i] = json_integer_value(json_array_get(list, i));
        if (s->d[i] < 1 || s->d[i] > 1 << 24)
            return 0;
    }
    return 1;
}

int vn_manifest_file(struct vn_made *out, const json_t *manifest, const char *name)
{
    const json_t *f = json_object_get(json_object_get(manifest, "files"), name);
    const char *dtype = json_string_value(json_object_get(f, "dtype"));
    out->colours = json_string_value(json_object_get(f, "colours"));
    out->dtype = dtype ? vn_dtype_from_name(dtype) : VN_NONE;
    return out->colours && out->dtype != VN_NONE && read_shape(&out->shape, json_object_get(f, "shape"));
}

json_t *vn_made_json(const struct vn_made *m)
{
    json_t *shape = json_array();
    int bad = 0;
    for (int i = 0; i < m->shape.rank; i++)
        bad |= json_array_append_new(shape, json_integer(m->shape.d[i]));
    if (!bad)
        return json_pack("{s:s, s:o, s:s}", "dtype", vn_dtype_name(m->dtype), "shape", shape, "colours",
                         m->colours);
    json_decref(shape);
    return NULL;
}

/* ---- against the configuration ---- */

#define SAY(d, ...) vn_arena_fmt((d)->arena, __VA_ARGS__)

/* The step that would give the axes another order, where that is all. */
static const char *layout_advice(const struct dataset *d, const struct vn_shape *made)
{
    const struct vn_shape *s = &d->shape;
    if (made->rank < 3 || s->rank != 4)
        return "";
    const int64_t *m = made->d + made->rank - 3, *to = s->d + 1;
    if (m[0] == to[1] && m[1] == to[2] && m[2] == to[0])
        return "; add 'layout NCHW' to its pipeline";
    return m[0] == to[2] && m[1] == to[0] && m[2] == to[1] ? "; add 'layout NHWC' to its pipeline" : "";
}

static const char *wrong_shape(const struct dataset *d, const struct vn_made *m, const char *file)
{
    char got[VN_SHAPE_TEXT], want[VN_SHAPE_TEXT];
    if (vn_samples_same_axes(&m->shape, &d->shape))
        return NULL;
    return SAY(d, "input %s requires shape %s, but prep wrote %s with shape %s%s", d->in->name,
               vn_shape_text(&d->shape, want), file, vn_shape_text(&m->shape, got),
               layout_advice(d, &m->shape));
}

/* Of raw files only: .npy files know their type. */
static const char *wrong_type(const struct dataset *d, const struct vn_made *m, const char *file)
{
    const enum vn_dtype type = d->in->cal_type == VN_NONE ? VN_F32 : d->in->cal_type;
    if (vn_path_has_suffix(file, ".npy") || m->dtype == type)
        return NULL;
    return SAY(d, "input %s: cal_data_type is %s, but prep wrote %s with %s values; set cal_data_type: %s",
               d->in->name, vn_dtype_name(type), file, vn_dtype_name(m->dtype), vn_dtype_name(m->dtype));
}

static const char *wrong_colours(const struct dataset *d, const struct vn_made *m, const char *file)
{
    const char *train = vn_input_type_word(d->in->type_train);
    if (!d->image || !strcmp(m->colours, train))
        return NULL;
    return SAY(d,
               "input %s: input_type_train is %s, but prep wrote %s in %s; set input_type_train: %s, or "
               "add 'colour %s' to the pipeline",
               d->in->name, train, file, m->colours, m->colours, train);
}

static const char *wrong_values(const struct dataset *d, const json_t *manifest)
{
    struct vn_pipeline *p;
    if (!d->image || parse_steps(&p, manifest, d->arena) < 0)
        return NULL;
    for (int i = 0; i < p->steps.n; i++)
        if (p->steps.v[i].kind && p->steps.v[i].kind->normalises)
            return SAY(d,
                       "input %s requires pixels in 0..255, but the pipeline of prep contains the step %s; "
                       "remove it, and set mean_value and scale_value instead",
                       d->in->name, p->steps.v[i].kind->name);
    return NULL;
}

static const char *wrong_file(const struct dataset *d, const struct vn_made *m, const char *file)
{
    const char *why = wrong_shape(d, m, file);
    why = why ? why : wrong_type(d, m, file);
    return why ? why : wrong_colours(d, m, file);
}

const char *vn_find_manifest(const struct dataset *d)
{
    const json_t *m = d->pictures ? NULL : vn_manifest_read(d->arena, d->in->cal_dir);
    struct vn_made made;
    const char *why = m ? wrong_values(d, m) : NULL;
    for (int i = 0; m && !why && i < d->all; i++) {
        const char *file = vn_path_base(vn_samples_path(d->samples, i, d->input));
        if (vn_manifest_file(&made, m, file))
            why = wrong_file(d, &made, file);
    }
    return why ? SAY(d, "%s (see %s)", why, vn_path_join(d->arena, d->in->cal_dir, VN_MANIFEST)) : NULL;
}
