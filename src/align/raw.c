#include "align/raw.h"

#include "base/file.h"

int vn_raw_is_name(const char *file)
{
    static const char *const suffixes[] = { ".bin", ".dat", ".bmrt" };
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (vn_path_has_suffix(file, suffixes[i]))
            return 1;
    return 0;
}

/* The form given for this stage, else the one for all stages; NULL: none. */
static const char *form_of(const struct raw_forms *forms, const char *stage)
{
    const size_t n = strlen(stage);
    const char *of_all = NULL;
    for (int i = 0; i < forms->n; i++) {
        const char *form = forms->v[i];
        if (!strncmp(form, stage, n) && form[n] == '=')
            return form + n + 1;
        if (!strchr(form, '='))
            of_all = form;
    }
    return of_all;
}

/* "1x3x224x224:float32" */
static int parse(struct vn_tensor *t, struct vn_arena *a, const char *form, struct vn_err *e)
{
    const char *colon = strrchr(form, ':');
    struct vn_err why;
    t->dtype = colon ? vn_dtype_from_name(colon + 1) : VN_NONE;
    if (t->dtype != VN_NONE &&
        vn_shape_parse(&t->shape, vn_arena_strn(a, form, (size_t)(colon - form)), &why) == VN_OK)
        return VN_OK;
    return vn_fail(
        e, VN_E_USAGE,
        "raw: expected a shape and a type, such as 1x3x224x224:float32 or STAGE=10:uint8, got '%s'", form);
}

int vn_raw_read(struct vn_tensor **out, struct vn_arena *a, const struct raw_forms *forms, const char *stage,
                const char *path, struct vn_err *e)
{
    const char *form = form_of(forms, stage);
    const uint8_t *data;
    size_t bytes;
    char shape[VN_SHAPE_TEXT];
    *out = NULL;
    if (!form)
        return VN_OK;
    struct vn_tensor *t = NEW(a, struct vn_tensor);
    TRY(parse(t, a, form, e));
    TRY(vn_file_map(a, path, &data, &bytes, e));
    if (bytes != vn_tensor_bytes(t))
        return vn_fail(e, VN_E_INPUT, "%s: %zu bytes, expected %zu for shape %s of %s", path, bytes,
                       vn_tensor_bytes(t), vn_shape_text(&t->shape, shape), vn_dtype_name(t->dtype));
    t->data = vn_arena_copy(a, data, bytes);
    *out = t;
    return VN_OK;
}
