#include "inspect/verify_inputs.h"

#include "base/file.h"
#include "image/image.h"
#include "inspect/verify_regions.h"

int vn_verify_open(struct vn_session **s, const char *path, int inspect, const struct vn_verify_options *o,
                   unsigned char *marks, struct vn_err *e)
{
    struct vn_session_options how;
    vn_session_options_default(&how);
    how.run = o->run;
    how.pipeline = o->pipeline;
    how.inspect = inspect;
    how.inputs = o->inputs;
    how.marks = marks;
    how.prototxt = vn_path_has_suffix(path, ".caffemodel") ? o->prototxt : NULL;
    return vn_session_open(s, path, &how, e);
}

struct list {
    VEC(const char *) v;
};

/* The rest of "NAME=REST", or of a word for the only input. */
static int split(const char **rest, int *input, const struct vn_session *s, struct vn_arena *a,
                 const char *word, const char *option, struct vn_err *e)
{
    int n;
    const struct vn_port *in = vn_session_inputs(s, &n);
    *input = n == 1 ? 0 : -1;
    TRY(vn_session_split_input(s, a, word, input, rest, e));
    return *input >= 0
               ? VN_OK
               : vn_fail(
                     e, VN_E_USAGE,
                     "%s has %d inputs: expected %s NAME=%s with the name of one of them (%s, ...), got '%s'",
                     vn_session_path(s), n, option, strcmp(option, "--images") ? "FILE" : "DIR", in[0].name,
                     word);
}

static int add_folder(struct list *to, struct vn_arena *a, const char *folder, struct vn_err *e)
{
    const char **names;
    int n;
    const int before = to->v.n;
    TRY(vn_dir_list(a, folder, &names, &n, e));
    for (int i = 0; i < n; i++)
        if (vn_picture_is_image_name(names[i]) || vn_path_has_suffix(names[i], ".npy"))
            VEC_PUSH(a, &to->v, vn_path_join(a, folder, names[i]));
    return to->v.n > before ? VN_OK : vn_fail(e, VN_E_INPUT, "%s: no images or .npy files", folder);
}

/* order: inputs as they are named. */
static int collect(struct list *lists, int *order, struct vn_arena *a, const struct vn_session *s,
                   const struct vn_verify_options *o, struct vn_err *e)
{
    const char *path;
    int input;
    for (int i = 0; i < o->n_files; i++) {
        TRY(split(&path, &input, s, a, o->files[i], "--input", e));
        VEC_PUSH(a, &lists[input].v, path);
        order[i] = input;
    }
    for (int i = 0; i < o->n_folders; i++) {
        TRY(split(&path, &input, s, a, o->folders[i], "--images", e));
        TRY(add_folder(&lists[input], a, path, e));
        order[o->n_files + i] = input;
    }
    return VN_OK;
}

static int check_lists(const struct list *lists, const struct vn_session *s, struct vn_err *e)
{
    int n;
    const struct vn_port *in = vn_session_inputs(s, &n);
    for (int i = 0; i < n; i++)
        if (lists[i].v.n != lists[0].v.n)
            return vn_fail(
                e, VN_E_USAGE,
                "input %s has %d files, input %s has %d; each sample requires one file for every input",
                in[0].name, lists[0].v.n, in[i].name, lists[i].v.n);
    return VN_OK;
}

int vn_verify_inputs(struct verify_inputs *in, struct vn_arena *a, const struct vn_session *s,
                     const struct vn_verify_options *o, struct vn_err *e)
{
    *in = (struct verify_inputs){ .samples = o->random_samples };
    vn_session_inputs(s, &in->n);
    struct list *lists = NEW_ARRAY(a, struct list, in->n);
    const int named = o->n_files + o->n_folders;
    if (o->n_regions && !named)
        return vn_fail(e, VN_E_USAGE, "regions require image files as inputs");
    if (named) {
        int *order = NEW_ARRAY(a, int, named);
        TRY(collect(lists, order, a, s, o, e));
        TRY(check_lists(lists, s, e));
        in->files = NEW_ARRAY(a, const char **, in->n);
        for (int i = 0; i < in->n; i++)
            in->files[i] = lists[i].v.v;
        in->samples = in->n ? lists[0].v.n : 0;
        if (o->limit && o->limit < in->samples)
            in->samples = o->limit;
        if (o->n_regions)
            TRY(vn_verify_pair_regions(in, a, s, order, named, o, e));
    }
    return in->samples > 0 ? VN_OK
                           : vn_fail(e, VN_E_USAGE, "expected at least one sample, got %d", in->samples);
}

int vn_verify_feed(struct vn_session *s, const struct verify_inputs *in, int sample, struct vn_err *e)
{
    if (in->files)
        vn_session_name_sample(s, in->samples > 1 ? in->files[0][sample] : NULL);
    else
        TRY(vn_session_feed_random(s, (uint64_t)sample + 1, e));
    for (int i = 0; i < in->n && in->files; i++)
        if (!in->regions || !in->regions[i])
            TRY(vn_session_feed_file(s, i, in->files[i][sample], e));
    return vn_verify_feed_regions(s, in, sample, e);
}

int vn_verify_feed_same(struct vn_session *s, const struct vn_session *from, struct vn_err *e)
{
    int n;
    const struct vn_port *in = vn_session_inputs(s, &n);
    for (int i = 0; i < n; i++) {
        const struct vn_tensor *x = vn_session_fed(from, i);
        TRY(vn_session_feed_array(s, i, x->dtype, in[i].rank, in[i].shape, NULL, x->data, e));
    }
    return VN_OK;
}

static int64_t elements(const struct vn_port *p)
{
    const struct vn_shape s = vn_shape_of(p->rank, p->shape);
    return vn_shape_count(&s);
}

static const char *port_text(const struct vn_port *p, char text[VN_SHAPE_TEXT])
{
    const struct vn_shape s = vn_shape_of(p->rank, p->shape);
    return vn_shape_text(&s, text);
}

/* The first node that was removed from a file; NULL: none. */
static const char *removed_node(const struct vn_session *s)
{
    static const char prefix[] = "deleted.";
    const char *key, *text;
    for (int i = 0; vn_session_meta_at(s, i, &key, &text) == VN_OK; i++)
        if (!strncmp(key, prefix, sizeof prefix - 1))
            return key + sizeof prefix - 1;
    return NULL;
}

/* Appended to what differs: an edit that only one of them has is the likely cause. */
static int fail_different(const struct vn_session *a, const struct vn_session *b, struct vn_err *e)
{
    const char *const in_a = removed_node(a), *const in_b = removed_node(b);
    const struct vn_session *edited = in_a ? a : b, *other = in_a ? b : a;
    const struct vn_err why = *e;
    if (!in_a == !in_b)
        return vn_fail(e, VN_E_INPUT, "%s: not the same network; compare files of one conversion", why.msg);
    return vn_fail(e, VN_E_INPUT,
                   "%s: nodes were removed from %s only; compare the unedited file, or remove them from the "
                   "other one, too: vernier edit %s --remove-node '%s'",
                   why.msg, vn_session_path(edited), vn_session_path(other), in_a ? in_a : in_b);
}

int vn_verify_same_network(const struct vn_session *a, const struct vn_session *b, struct vn_err *e)
{
    int n, b_n, out, b_out;
    const struct vn_port *x = vn_session_inputs(a, &n), *y = vn_session_inputs(b, &b_n);
    vn_session_outputs(a, &out);
    vn_session_outputs(b, &b_out);
    if (n != b_n || out != b_out) {
        vn_fail(e, VN_E_INPUT, "%s has %d inputs and %d outputs, %s has %d and %d", vn_session_path(a), n,
                out, vn_session_path(b), b_n, b_out);
        return fail_different(a, b, e);
    }
    for (int i = 0; i < n; i++)
        if (strcmp(x[i].name, y[i].name) || elements(&x[i]) != elements(&y[i])) {
            char left[VN_SHAPE_TEXT], right[VN_SHAPE_TEXT];
            vn_fail(e, VN_E_INPUT, "input %d is %s (%s) in %s, %s (%s) in %s", i, x[i].name,
                    port_text(&x[i], left), vn_session_path(a), y[i].name, port_text(&y[i], right),
                    vn_session_path(b));
            return fail_different(a, b, e);
        }
    return VN_OK;
}
