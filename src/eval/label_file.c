/* Labels of images as text: a file of lines "IMAGE LABEL". */
#include "base/file.h"
#include "eval/evaluate.h"

int vn_eval_label_wrong(const struct label_line *l, const char *path, const char *label, struct vn_err *e)
{
    return vn_fail(e, VN_E_INPUT, "%s:%d: expected the name of an image and %s, got '%.80s%s%.80s'", path,
                   l->number, label, l->image, l->label ? " " : "", l->label ? l->label : "");
}

int vn_eval_labels(struct label_file *out, struct vn_arena *a, const char *path, const char *label,
                   struct vn_err *e)
{
    char **lines;
    int n;
    TRY(vn_file_lines(a, path, &lines, &n, e));
    *out = (struct label_file){ NEW_ARRAY(a, struct label_line, n), 0, vn_map_new(a) };
    for (int i = 0; i < n; i++) {
        if (!*lines[i])
            continue;
        char *const tab = strrchr(lines[i], '\t'), *const cut = tab ? tab : strrchr(lines[i], ' ');
        struct label_line *const l = &out->lines[out->n++];
        *l = (struct label_line){ lines[i], cut ? cut + 1 : NULL, i + 1 };
        if (!cut)
            return vn_eval_label_wrong(l, path, label, e);
        *cut = 0;
        if (vn_map_get(out->of, l->image))
            return vn_fail(e, VN_E_INPUT, "%s:%d: duplicate image %s", path, l->number, l->image);
        vn_map_set(out->of, l->image, l);
    }
    return VN_OK;
}
