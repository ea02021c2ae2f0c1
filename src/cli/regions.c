/* --roi: regions of images, for inputs that a resizer feeds. */
#include <string.h>

#include "base/escape.h"
#include "cli/cli.h"

int vn_read_regions(struct vn_region_list *l, struct vn_arena *a, const char *text, struct vn_err *e)
{
    *l = (struct vn_region_list){ 0 };
    while (*text) {
        struct vn_region r;
        int used = 0;
        if (sscanf(text, " %9d , %9d , %9d , %9d %n", &r.left, &r.top, &r.right, &r.bottom, &used) != 4 ||
            (text[used] && text[used] != ';'))
            return vn_fail(e, VN_E_USAGE, "--roi: expected left,top,right,bottom, got '%s'",
                           vn_shown(text, (char[VN_SHOWN]){ 0 }));
        VEC_PUSH(a, l, r);
        text += used + (text[used] == ';');
    }
    return VN_OK;
}

static int takes_image(const struct vn_port *p) { return p->type != VN_IN_FEATUREMAP; }

int vn_feed_regions(struct vn_session *s, const struct vn_fed_file *files, int n, const char *regions,
                    struct vn_arena *a, struct vn_err *e)
{
    struct vn_region_list l;
    int count, used = 0;
    const struct vn_port *in = vn_session_inputs(s, &count);
    TRY(vn_read_regions(&l, a, regions, e));
    for (int k = 0; k < n; k++) {
        const int i = files[k].input;
        if (!takes_image(&in[i]))
            continue;
        if (used == l.n)
            return vn_fail(e, VN_E_USAGE, "--roi: %d regions; image input %s has none", used,
                           vn_shown(in[i].name, (char[VN_SHOWN]){ 0 }));
        TRY(vn_session_feed_region(s, i, files[k].path, &l.v[used++], e));
    }
    return used == l.n
               ? VN_OK
               : vn_fail(e, VN_E_USAGE, "--roi: more regions than the %d image inputs with a file", used);
}

/* The files of --input, in the order in which they were given. */
static int read_files(struct vn_fed_file *files, int n, const char *const *words, const struct vn_session *s,
                      struct vn_arena *a, struct vn_err *e)
{
    int n_in;
    vn_session_inputs(s, &n_in);
    for (int i = 0; i < n; i++) {
        const char *eq = strchr(words[i], '=');
        const int named = eq ? vn_session_input(s, vn_arena_strn(a, words[i], (size_t)(eq - words[i]))) : -1;
        files[i] = (struct vn_fed_file){ named < 0 ? i : named, named < 0 ? words[i] : eq + 1 };
        if (files[i].input >= n_in)
            return vn_fail(e, VN_E_USAGE, "%s: expected at most %d files, one per input, got %d",
                           vn_session_path(s), n_in, n);
        for (int k = 0; k < i; k++)
            if (files[k].input == files[i].input)
                return vn_fail(e, VN_E_USAGE, "%s: two files for the same input", words[i]);
    }
    return VN_OK;
}

int vn_opt_feed_regions(struct vn_session *s, struct vn_arena *a, struct vn_err *e)
{
    const char **words;
    int count;
    const int n = vn_opt_all("--input", &words);
    const struct vn_port *in = vn_session_inputs(s, &count);
    struct vn_fed_file *files = NEW_ARRAY(a, struct vn_fed_file, n);
    if (!n)
        return vn_fail(e, VN_E_USAGE, "--roi requires --input with the image of the region");
    TRY(read_files(files, n, words, s, a, e));
    TRY(vn_session_feed_random(s, 1, e));
    for (int k = 0; k < n; k++)
        if (!takes_image(&in[files[k].input]))
            TRY(vn_session_feed_file(s, files[k].input, files[k].path, e));
    return vn_feed_regions(s, files, n, vn_opt("--roi"), a, e);
}
