/* Text by greedy CTC decoding: the largest class of each time step, repeats merged, blanks dropped. A
 * sample's record: the edit distance to its label, and the length of the longer of both. */
#include <math.h>

#include "base/file.h"
#include "eval/evaluate.h"

/* Characters as symbols: the first class that stands for them. */
struct ctc_text {
    int n;
    int *symbol;
};

struct truth {
    struct vn_map *symbol; /* of a character, as int */
    int n_classes, blank;
    int *symbol_of; /* a class */
    const struct ctc_text **label; /* of each sample */
};

/* ---- alphabet and labels ---- */

/* Bytes of the UTF-8 character at p; 0: it is none. */
static int character(const char *p)
{
    const unsigned char first = (unsigned char)*p;
    const int n = !first         ? 0
                  : first < 0x80 ? 1
                  : first < 0xc2 ? 0
                  : first < 0xe0 ? 2
                  : first < 0xf0 ? 3
                  : first < 0xf5 ? 4
                                 : 0;
    for (int i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

static int read_alphabet(struct truth *t, struct eval_set *ev, struct vn_err *e)
{
    const char *path = ev->task->alphabet;
    char **lines;
    if (!path)
        return vn_fail(e, VN_E_USAGE,
                       "ctc requires --alphabet: a file with the character of each class, one per line");
    TRY(vn_file_lines(ev->arena, path, &lines, &t->n_classes, e));
    if (t->n_classes < 2)
        return vn_fail(e, VN_E_INPUT, "%s: expected two or more lines, one per class, got %d", path,
                       t->n_classes);
    t->blank = ev->task->blank < 0 ? t->n_classes - 1 : ev->task->blank;
    if (t->blank >= t->n_classes)
        return vn_fail(e, VN_E_USAGE, "blank: expected a class from 0 to %d, got %d", t->n_classes - 1,
                       t->blank);
    t->symbol = vn_map_new(ev->arena);
    t->symbol_of = NEW_ARRAY(ev->arena, int, t->n_classes);
    for (int i = 0; i < t->n_classes; i++) {
        if (i == t->blank)
            continue;
        const int n = character(lines[i]);
        if (!n || lines[i][n])
            return vn_fail(e, VN_E_INPUT, "%s:%d: expected one character in UTF-8, got '%.80s'", path, i + 1,
                           lines[i]);
        const int *earlier = vn_map_get(t->symbol, lines[i]);
        t->symbol_of[i] = earlier ? *earlier : i;
        vn_map_set(t->symbol, lines[i], &t->symbol_of[t->symbol_of[i]]);
    }
    return VN_OK;
}

static int read_word(struct ctc_text *w, const struct label_line *l, const struct truth *t,
                     struct eval_set *ev, struct vn_err *e)
{
    const char *path = ev->task->labels;
    w->symbol = NEW_ARRAY(ev->arena, int, strlen(l->label));
    for (const char *p = l->label; *p;) {
        char text[5] = "";
        const int n = character(p);
        memcpy(text, p, (size_t)n);
        const int *symbol = vn_map_get(t->symbol, text);
        if (!n)
            return vn_fail(e, VN_E_INPUT, "%s:%d: expected text in UTF-8", path, l->number);
        if (!symbol)
            return vn_fail(e, VN_E_INPUT, "%s:%d: label '%.80s': character '%s' is not in %s", path,
                           l->number, l->label, text, ev->task->alphabet);
        w->symbol[w->n++] = *symbol;
        p += n;
    }
    return VN_OK;
}

static int read_words(struct truth *t, struct eval_set *ev, struct vn_err *e)
{
    struct label_file f;
    TRY(vn_eval_labels(&f, ev->arena, ev->task->labels, "its text", e));
    struct ctc_text *words = NEW_ARRAY(ev->arena, struct ctc_text, f.n);
    for (int i = 0; i < f.n; i++)
        TRY(read_word(&words[i], &f.lines[i], t, ev, e));
    ev->n_labelled = f.n;
    t->label = NEW_ARRAY(ev->arena, const struct ctc_text *, ev->n_samples);
    for (int i = 0; i < ev->n_samples; i++) {
        const struct label_line *line = vn_map_get(f.of, ev->samples[i].name);
        if (!line)
            return vn_fail(e, VN_E_INPUT, "%s: no text for %s", ev->task->labels, ev->samples[i].name);
        t->label[i] = &words[line - f.lines];
    }
    return VN_OK;
}

static int prepare(struct eval_set *ev, struct vn_err *e)
{
    struct truth *t = ev->truth = NEW(ev->arena, struct truth);
    if (!ev->task->labels || !strcmp(ev->task->labels, "folders"))
        return vn_fail(e, VN_E_USAGE, "ctc requires --labels: a file of lines 'IMAGE TEXT'");
    TRY(read_alphabet(t, ev, e));
    TRY(read_words(t, ev, e));
    static const char *const names[] = { "exact match", "character accuracy" };
    ev->n_scores = 2;
    ev->score_name = (const char **)vn_arena_copy(ev->arena, names, sizeof names);
    return VN_OK;
}

/* ---- decoding ---- */

/* Where the values of a class and of a time step stand. */
struct ctc_axes {
    int64_t steps, step_stride, class_stride;
};

/* One axis is the classes; at most one other is longer than 1. */
static int layout_of(struct ctc_axes *l, const struct vn_shape *s, int classes)
{
    int class_axes = 0, others = 0;
    int64_t stride = 1;
    *l = (struct ctc_axes){ .steps = 1 };
    for (int i = s->rank - 1; i >= 0; stride *= s->d[i--])
        if (s->d[i] == classes) {
            l->class_stride = stride;
            class_axes++;
        } else if (s->d[i] != 1) {
            l->steps = s->d[i];
            l->step_stride = stride;
            others++;
        }
    return class_axes == 1 && others <= 1;
}

static int largest(const double *v, int n, int64_t stride)
{
    int best = 0;
    for (int c = 1; c < n; c++)
        if (v[c * stride] > v[best * stride])
            best = c;
    return best;
}

static int decode(struct ctc_text *out, struct vn_arena *a, const struct vn_session *model,
                  const struct eval_set *ev, struct vn_err *e)
{
    const struct truth *t = ev->truth;
    struct output_values x;
    struct ctc_axes l;
    char text[VN_SHAPE_TEXT];
    TRY(vn_eval_output(&x, a, model, ev->task->output, e));
    if (!layout_of(&l, x.shape, t->n_classes))
        return vn_fail(
            e, VN_E_INPUT,
            "%s: output of shape %s: expected one axis of %d classes, the lines of %s, and one of time steps",
            vn_session_path(model), vn_shape_text(x.shape, text), t->n_classes, ev->task->alphabet);
    *out = (struct ctc_text){ 0, NEW_ARRAY(a, int, l.steps) };
    for (int64_t i = 0, before = t->blank; i < l.steps; i++) {
        const int class = largest(x.v + i * l.step_stride, t->n_classes, l.class_stride);
        if (class != before && class != t->blank)
            out->symbol[out->n++] = t->symbol_of[class];
        before = class;
    }
    return VN_OK;
}

/* Fewest insertions, deletions and replacements that make one the other (Levenshtein), row by row. */
static int edit_distance(const struct ctc_text *x, const struct ctc_text *y, struct vn_arena *a)
{
    int *row = NEW_ARRAY(a, int, x->n + 1);
    for (int i = 0; i <= x->n; i++)
        row[i] = i;
    for (int k = 0; k < y->n; k++)
        for (int i = 0, diagonal = row[0]++; i < x->n; i++) {
            const int replaced = diagonal + (x->symbol[i] != y->symbol[k]);
            diagonal = row[i + 1];
            const int moved = (row[i] < diagonal ? row[i] : diagonal) + 1;
            row[i + 1] = moved < replaced ? moved : replaced;
        }
    return row[x->n];
}

static int keep(struct record *out, struct vn_arena *a, const struct eval_set *ev, int i,
                const struct vn_session *model, const struct vn_origin *from, struct vn_err *e)
{
    const struct ctc_text *label = ((const struct truth *)ev->truth)->label[i];
    struct vn_arena *work = vn_arena_new();
    struct ctc_text found = { 0 };
    double *v = NEW_ARRAY(a, double, 2);
    (void)from;
    const int status = decode(&found, work, model, ev, e);
    if (status == VN_OK) {
        v[0] = edit_distance(&found, label, work);
        v[1] = found.n > label->n ? found.n : label->n;
    }
    vn_arena_free(&work);
    *out = (struct record){ 2, v };
    return status;
}

static int valid(const struct record *r, const struct eval_set *ev, int i)
{
    const struct ctc_text *label = ((const struct truth *)ev->truth)->label[i];
    return r->n == 2 && r->v[0] >= 0 && r->v[0] <= r->v[1] && r->v[1] >= label->n && r->v[1] <= INT32_MAX &&
           r->v[0] == rint(r->v[0]) && r->v[1] == rint(r->v[1]);
}

static void score(double *out, const struct eval_set *ev, const struct record *const *of, const int *times)
{
    double exact = 0, characters = 0, all = 0;
    for (int i = 0; i < ev->n_samples; i++) {
        const double distance = of[i]->v[0], length = of[i]->v[1];
        exact += distance == 0 ? times[i] : 0;
        characters += times[i] * (length > 0 ? 1 - distance / length : 1);
        all += times[i];
    }
    out[0] = 100 * exact / all;
    out[1] = 100 * characters / all;
}

static double change(const char **text, struct vn_arena *a, const struct eval_set *ev, int i,
                     const struct record *x, const struct record *y)
{
    (void)ev, (void)i;
    if (x->v[0] == y->v[0])
        return 0;
    *text = vn_arena_fmt(a, "wrong characters: %.0f -> %.0f", x->v[0], y->v[0]);
    return y->v[0] - x->v[0];
}

const struct metric vn_metric_ctc = {
    "ctc", "%", prepare, keep, valid, score, .change = change,
};
