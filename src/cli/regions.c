/* --roi: regions of images, for inputs that a resizer feeds. */
#include <string.h>

#include "base/escape.h"
#include "cli/cli.h"

/* "left,top,right,bottom" at *text, which moves behind it and a ';'. */
static int read_region(int *edge, const char **text, struct vn_err *e)
{
    int used = 0;
    if (sscanf(*text, " %9d , %9d , %9d , %9d %n", &edge[0], &edge[1], &edge[2], &edge[3], &used) != 4 ||
        ((*text)[used] && (*text)[used] != ';'))
        return vn_fail(e, VN_E_USAGE, "--roi: expected left,top,right,bottom, got '%s'",
                       vn_shown(*text, (char[VN_SHOWN]){ 0 }));
    *text += used + ((*text)[used] == ';');
    return VN_OK;
}

static int takes_image(const struct vn_port *p) { return p->type != VN_IN_FEATUREMAP; }

int vn_feed_regions(struct vn_session *s, const char *const *files, const char *regions, struct vn_err *e)
{
    int n, used = 0;
    const struct vn_port *in = vn_session_inputs(s, &n);
    for (int i = 0; i < n; i++) {
        int edge[4];
        if (!takes_image(&in[i]) || !files[i])
            continue;
        if (!*regions)
            return vn_fail(e, VN_E_USAGE, "--roi: %d regions; image input %s has none", used,
                           vn_shown(in[i].name, (char[VN_SHOWN]){ 0 }));
        TRY(read_region(edge, &regions, e));
        TRY(vn_session_feed_region(s, i, files[i], edge[0], edge[1], edge[2], edge[3], e));
        used++;
    }
    return *regions ? vn_fail(e, VN_E_USAGE, "--roi: more regions than the %d image inputs with a file", used)
                    : VN_OK;
}

int vn_opt_feed_regions(struct vn_session *s, struct vn_arena *a, struct vn_err *e)
{
    const char **words;
    int n_in;
    const int n = vn_opt_all("--input", &words);
    vn_session_inputs(s, &n_in);
    const char **files = NEW_ARRAY(a, const char *, n_in);
    for (int i = 0; i < n; i++) {
        const char *eq = strchr(words[i], '=');
        const int named = eq ? vn_session_input(s, vn_arena_strn(a, words[i], (size_t)(eq - words[i]))) : -1,
                  at = named < 0 ? i : named;
        if (at >= n_in)
            return vn_fail(e, VN_E_USAGE, "%s: expected at most %d files, one per input, got %d",
                           vn_session_path(s), n_in, n);
        files[at] = named < 0 ? words[i] : eq + 1;
    }
    if (!n)
        return vn_fail(e, VN_E_USAGE, "--roi requires --input: the image that the region is of");
    TRY(vn_session_feed_random(s, 1, e));
    int count;
    const struct vn_port *in = vn_session_inputs(s, &count);
    for (int i = 0; i < n_in; i++)
        if (files[i] && !takes_image(&in[i]))
            TRY(vn_session_feed_file(s, i, files[i], e));
    return vn_feed_regions(s, files, vn_opt("--roi"), e);
}
