/* vernier align - two traces of one preprocessing, stage by stage, and why they part. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "cli/cli.h"
#include "align/align.h"
#include "tensor/npy.h"

static const struct option_def options[] = {
    { "--pipeline", 0, "P.yaml", 0, 0, "our side: this pipeline on the pictures of --images" },
    { "--trace", 0, "DIR", 0, 0, "with --pipeline: the trace of the original program on the same pictures" },
    { "--images", 0, "FILE", 1, 0, "a picture; further words are pictures, too; in the order of the trace's folders" },
    { "--model", 0, "M.onnx", 0, 0, "with --pipeline: run it on the pipeline's result; its first output is the stage 'infer', the others those of their names" },
    { "--yaml", 0, "X.yaml", 0, 0, "our side: the calibration data of a conversion's configuration, normalised" },
    { "--image", 0, "FILE", 0, 0, "with --yaml: the picture" },
    { "--reference", 0, "T.npy", 0, 0, "with --yaml: what the training program fed its network with for this picture" },
    { "--tolerance", 0, "X", 0, 0, "floats up to X times the largest value apart count as equal (default 1e-5; infer 1e-3, COCO results 1e-9)" },
    { "--no-explain", 0, NULL, 0, 0, "only compare" },
    { "--pictures", 0, "DIR", 0, 0, "write left, right and difference of each unaligned stage as PNG" },
    { "--describe", 0, NULL, 0, 0, "of one trace: what the program does, stage by stage, as steps of a pipeline" },
    { "--causes", 0, NULL, 0, 0, "print the table of causes, and stop" },
    JSON_OPTION,
    { 0 },
};

/* ---- text ---- */

static const char *const states[] = { [STAGE_ALIGNED] = "aligned", [STAGE_UNALIGNED] = "UNALIGNED", [STAGE_FOLLOWS] = "UNALIGNED", [STAGE_MISSING] = "missing" };

/* Which side is to become as the other: in `align LEFT RIGHT` the right one, else ours, which is the left. */
struct advice {
    int change; /* 0 left, 1 right */
    const struct vn_pipeline *pipeline; /* of the left side; NULL: none */
};

/* Causes i to `end` whose sides are the same two texts. */
static int alike(const struct explanation *x, int i)
{
    int end = i + 1;
    while (end < x->causes.n && !strcmp(x->sides[0].v[i], x->sides[0].v[end]) && !strcmp(x->sides[1].v[i], x->sides[1].v[end]))
        end++;
    return end;
}

static void print_list(const char *const *v, int from, int to)
{
    for (int i = from; i < to; i++)
        printf("%s%s", i > from ? ", " : "", v[i]);
}

/* "P.yaml:3: " where the stage's step stands. */
static void print_place(const struct vn_pipeline *p, const char *stage)
{
    for (int i = 0; p && p->path && i < p->steps.n; i++)
        if (!strcmp(p->steps.v[i].stage, stage))
            printf("%s:%d: ", p->path, p->steps.v[i].line);
}

static void print_why(const struct stage_result *s, const struct advice *how)
{
    const struct explanation *x = s->why;
    if (!x->found) {
        printf("    unexplained: %d rules tried%s\n", x->tried, x->refuted ? "; some fit the first pictures, but not all" : "");
        for (int i = 0; i < x->facts.n; i++)
            printf("    %s\n", x->facts.v[i]);
        return;
    }
    for (int i = 0, end; i < x->causes.n; i = end) {
        end = alike(x, i);
        fputs("    explained by: ", stdout);
        print_list(x->causes.v, i, end);
        printf(": %s vs %s\n", x->sides[0].v[i], x->sides[1].v[i]);
        printf("    to make the %s side as the other: ", how->change ? "right" : "left");
        print_place(how->change ? NULL : how->pipeline, s->name);
        print_list(x->settings.v, i, end);
        printf(" -> %s\n", x->sides[!how->change].v[i]);
    }
    if (x->steps[!how->change] && *x->steps[!how->change])
        printf("    the other side as steps: '%s'\n", x->steps[!how->change]);
    printf("    left with that: %g", x->residual);
    if (x->checked)
        printf("; holds on %d picture%s that the search has not seen", x->checked, x->checked == 1 ? "" : "s");
    putchar('\n');
}

static void print_alignment(const struct alignment *r, const struct advice *how)
{
    int width = 8;
    for (int i = 0; i < r->n; i++)
        width = (int)strlen(r->stage[i].name) > width ? (int)strlen(r->stage[i].name) : width;
    for (int i = 0; i < r->n; i++) {
        const struct stage_result *s = &r->stage[i];
        printf("%-*s  %-9s", width, s->name, states[s->state]);
        if (s->state == STAGE_MISSING)
            printf("  in %s", s->missing_in);
        if (s->state == STAGE_UNALIGNED || s->state == STAGE_FOLLOWS) {
            if (!s->same_shape)
                printf("  %s %s vs %s %s", s->shape[0], s->dtype[0], s->shape[1], s->dtype[1]);
            else
                printf("  max |d| %-8.4g  %.2f %% differ, first at %lld", s->max, s->share * 100, (long long)s->first);
            if (s->from)
                printf("  follows from %s", s->from);
        }
        putchar('\n');
        if (s->why)
            print_why(s, how);
    }
}

/* "result  aligned  751, 9.114606 vs 751, 9.114609": of the picture that tells most. */
static void print_winners(const struct alignment *r, const struct trace *t)
{
    int at = 0;
    for (int i = r->samples - 1; i >= 0 && r->winners; i--)
        if (r->winners[i].class[0] != r->winners[i].class[1])
            at = i;
    if (!r->winners)
        return;
    const struct winners *w = &r->winners[at];
    printf("result    %s  %d, %.6f vs %d, %.6f", r->other_winners ? "UNALIGNED" : "aligned  ", w->class[0], w->score[0], w->class[1], w->score[1]);
    if (r->samples > 1)
        printf("  (%s); %d of %d pictures have the same class", t->sample[at].name, r->samples - r->other_winners, r->samples);
    putchar('\n');
}

/* ---- JSON ---- */

static json_t *json_why(const struct explanation *x)
{
    json_t *causes = json_array();
    for (int i = 0; i < x->causes.n; i++)
        json_array_append_new(causes, json_pack("{s:s, s:s, s:s, s:s}", "cause", x->causes.v[i], "setting", x->settings.v[i], "left", x->sides[0].v[i],
                                                "right", x->sides[1].v[i]));
    json_t *facts = json_array();
    for (int i = 0; i < x->facts.n; i++)
        json_array_append_new(facts, json_string(x->facts.v[i]));
    return json_pack("{s:b, s:o, s:[s?, s?], s:o, s:o, s:i, s:i, s:i, s:f}", "found", x->found, "facts", facts, "steps", x->steps[0], x->steps[1], "causes", causes, "residual", vn_json_real(x->residual), "checked",
                     x->checked, "refuted", x->refuted, "tried", x->tried, "seconds", x->seconds);
}

static json_t *json_winners(const struct alignment *r, const struct trace *t)
{
    json_t *list = json_array();
    for (int i = 0; i < r->samples; i++) {
        const struct winners *w = &r->winners[i];
        json_array_append_new(list, json_pack("{s:s, s:[ii], s:[oo]}", "picture", t->sample[i].name, "class", w->class[0], w->class[1], "score",
                                              vn_json_real(w->score[0]), vn_json_real(w->score[1])));
    }
    return list;
}

static json_t *json_alignment(const struct alignment *r, const struct trace *t, const int left_out[2])
{
    json_t *list = json_array();
    for (int i = 0; i < r->n; i++) {
        const struct stage_result *s = &r->stage[i];
        json_t *o = json_pack("{s:s, s:s, s:o, s:f, s:I, s:i}", "stage", s->name, "state", s->state == STAGE_FOLLOWS ? "follows" : s->state == STAGE_UNALIGNED ? "unaligned" : states[s->state],
                              "max", vn_json_real(s->max), "share", s->share, "first", (json_int_t)s->first, "sample", s->sample);
        if (s->shape[0])
            json_object_set_new(o, "left", json_pack("{s:s, s:s}", "shape", s->shape[0], "dtype", s->dtype[0]));
        if (s->shape[1])
            json_object_set_new(o, "right", json_pack("{s:s, s:s}", "shape", s->shape[1], "dtype", s->dtype[1]));
        if (s->from)
            json_object_set_new(o, "from", json_string(s->from));
        if (s->why)
            json_object_set_new(o, "why", json_why(s->why));
        json_array_append_new(list, o);
    }
    json_t *o = json_pack("{s:i, s:[ii], s:i, s:o}", "pictures", r->samples, "left_out", left_out[0], left_out[1], "unaligned", r->unaligned, "stages", list);
    if (r->winners)
        json_object_set_new(o, "result", json_winners(r, t));
    return o;
}

/* ---- our side ---- */

struct tracer {
    struct trace *t;
    struct vn_arena *a;
};

static int add_stage(void *user, const char *stage, const struct vn_frame *f, struct vn_err *e)
{
    struct tracer *t = user;
    (void)e;
    vn_trace_add(t->t, t->a, stage, vn_frame_tensor(f, t->a));
    return VN_OK;
}

static struct vn_tensor *copy_of(const struct vn_tensor *t, struct vn_arena *a)
{
    struct vn_tensor *y = NEW(a, struct vn_tensor);
    *y = *t;
    y->data = vn_arena_copy(a, t->data, vn_tensor_bytes(t));
    return y;
}

/* The model on the pipeline's result: its first output, and all that the other side has, too. */
static int infer(struct trace *t, const struct trace *right, struct vn_arena *a, struct runner *r, const struct vn_tensor *x, struct vn_err *e)
{
    struct feed f = vn_feed_new(r, a);
    char got[VN_SHAPE_TEXT], want[VN_SHAPE_TEXT];
    const int64_t n = vn_shape_count(&r->in_shape[0]);
    if (r->n_in != 1 || !f.tensor[0] || r->kind != RUN_ONNX)
        return vn_fail(e, VN_E_USAGE, "%s: want an .onnx with one float input", r->path);
    if (vn_shape_count(&x->shape) != n)
        return vn_fail(e, VN_E_INPUT, "the pipeline gives %s, input %s of %s wants %s", vn_shape_text(&x->shape, got), r->in_name[0], r->path,
                       vn_shape_text(&r->in_shape[0], want));
    for (int64_t i = 0; i < n; i++)
        f.tensor[0][i] = (float)vn_tensor_f64(x, i);
    TRY(vn_runner_run(r, &f, NULL, e));
    vn_trace_add(t, a, "infer", copy_of(r->out[0], a));
    for (int i = 0; i < r->n_out; i++)
        if (vn_trace_find(right, r->out_name[i]) >= 0 && strcmp(r->out_name[i], "infer"))
            vn_trace_add(t, a, r->out_name[i], copy_of(r->out[i], a));
    return VN_OK;
}

struct names {
    VEC(const char *) of;
};

/* The pictures that are named, from words[skip] on; as many as the trace has, or none where there need be none. */
static int read_images(struct names *images, const struct trace *t, int skip, int needed, struct vn_arena *a, struct vn_err *e)
{
    const char **given, **words;
    const int n = vn_opt_all("--images", &given), m = vn_words(&words);
    for (int i = 0; i < n; i++)
        VEC_PUSH(a, &images->of, given[i]);
    for (int i = skip; i < m; i++)
        VEC_PUSH(a, &images->of, words[i]);
    if (images->of.n != t->samples && (needed || images->of.n))
        return vn_fail(e, VN_E_USAGE, "%d pictures for the %d of %s; want --images for each", images->of.n, t->samples, t->path);
    return VN_OK;
}

static int run_pipeline(struct trace *left, const struct vn_pipeline **pipeline, const struct trace *right, struct vn_arena *a, struct vn_err *e)
{
    struct vn_pipeline *p;
    struct runner *r = NULL;
    struct names images = { 0 };
    TRY(read_images(&images, right, vn_opt("--model") != NULL, 1, a, e)); /* the value of --model is the first word */
    TRY(vn_pipeline_parse(&p, a, vn_opt("--pipeline"), e));
    *pipeline = p;
    if (vn_opt("--model")) {
        struct runner_options o = { .level = 3 };
        vn_options_default(&o.run);
        TRY(vn_runner_open(&r, a, vn_opt("--model"), &o, e));
    }
    *left = (struct trace){ .path = vn_opt("--pipeline") };
    for (int i = 0; i < right->samples; i++) {
        struct tracer t = { left, a };
        struct vn_frame f;
        vn_trace_begin(left, a, right->sample[i].name);
        left->sample[i].source = images.of.v[i];
        TRY(vn_pipeline_file(&f, a, p, images.of.v[i], add_stage, &t, e));
        if (r)
            TRY(infer(left, right, a, r, vn_frame_tensor(&f, a), e));
    }
    return VN_OK;
}

/* Two traces, or two files of results. */
static int read_two(struct trace *left, struct trace *right, const char *const *words, struct vn_arena *a, struct vn_err *e)
{
    struct names images = { 0 };
    if (vn_path_has_suffix(words[0], ".json") && vn_path_has_suffix(words[1], ".json"))
        return vn_trace_of_results(left, right, a, words[0], words[1], e);
    TRY(vn_trace_read(left, a, words[0], e));
    TRY(vn_trace_read(right, a, words[1], e));
    TRY(read_images(&images, left, 2, 0, a, e));
    for (int i = 0; i < images.of.n; i++)
        left->sample[i].source = images.of.v[i];
    return VN_OK;
}

/* ---- the command ---- */

static int write_pictures(const struct alignment *r, const struct trace *left, const struct trace *right, const char *dir, struct vn_arena *a, struct vn_err *e)
{
    TRY(vn_dir_make(dir, e));
    for (int i = 0; i < r->n; i++) {
        const struct stage_result *s = &r->stage[i];
        if (s->state != STAGE_UNALIGNED && s->state != STAGE_FOLLOWS)
            continue;
        const struct vn_tensor *x = left->sample[s->sample].t[vn_trace_find(left, s->name)], *y = right->sample[s->sample].t[vn_trace_find(right, s->name)];
        TRY(vn_align_picture(vn_path_join(a, dir, vn_arena_fmt(a, "%s.png", s->name)), x, y, e));
    }
    return VN_OK;
}

static int print_causes(void)
{
    int n;
    const struct cause *c = vn_causes(&n);
    for (int i = 0; i < n; i++)
        printf("%s | %s | %s\n", c[i].name, c[i].from, c[i].setting);
    return EXIT_DONE;
}

static int read_sides(struct trace *left, struct trace *right, struct advice *how, struct vn_arena *a, struct vn_err *e)
{
    const char **words;
    const int n = vn_words(&words);
    *how = (struct advice){ .change = !vn_opt("--yaml") && !vn_opt("--pipeline") };
    if (vn_opt("--yaml")) {
        if (!vn_opt("--model") || !vn_opt("--image") || !vn_opt("--reference"))
            return vn_fail(e, VN_E_USAGE, "--yaml wants --model, --image and --reference");
        return vn_trace_of_config(left, right, a, vn_opt("--yaml"), vn_opt("--model"), vn_opt("--image"), vn_opt("--reference"), e);
    }
    if (vn_opt("--pipeline")) {
        if (!vn_opt("--trace"))
            return vn_fail(e, VN_E_USAGE, "--pipeline wants --trace and --images");
        TRY(vn_trace_read(right, a, vn_opt("--trace"), e));
        return run_pipeline(left, &how->pipeline, right, a, e);
    }
    if (vn_opt("--model"))
        return vn_fail(e, VN_E_USAGE, "--model wants --pipeline, or --yaml");
    if (n < 2 || (n > 2 && !vn_opt("--images")))
        return vn_fail(e, VN_E_USAGE, "want two traces, or two files of COCO results (.json), or --pipeline, or --yaml");
    return read_two(left, right, words, a, e);
}

/* The steps of all stages as one pipeline; NULL: some are not known. */
static const char *whole_pipeline(const struct description *d, struct vn_arena *a)
{
    const char *all = "";
    for (int i = 0; i < d->n; i++) {
        if (!d->steps[i])
            return NULL;
        if (*d->steps[i])
            all = vn_arena_fmt(a, "%s%s%s", all, *all ? "; " : "", d->steps[i]);
    }
    return all;
}

static void print_description(const struct description *d, const char *all)
{
    int width = 8;
    for (int i = 0; i < d->n; i++)
        width = (int)strlen(d->stage[i]) > width ? (int)strlen(d->stage[i]) : width;
    for (int i = 0; i < d->n; i++)
        printf("%-*s  %s\n", width, d->stage[i], !d->steps[i] ? "unexplained" : *d->steps[i] ? d->steps[i] : "nothing");
    if (all)
        printf("pipeline: '%s'\n", all);
}

static json_t *json_description(const struct description *d, const char *all)
{
    json_t *list = json_array();
    for (int i = 0; i < d->n; i++)
        json_array_append_new(list, json_pack("{s:s, s:s?}", "stage", d->stage[i], "steps", d->steps[i]));
    return json_pack("{s:o, s:s?}", "stages", list, "pipeline", all);
}

static int describe(struct vn_arena *a, struct vn_err *e)
{
    struct trace t;
    struct description d;
    struct names images = { 0 };
    const char **words;
    const int n = vn_words(&words);
    if (n < 1 || (n > 1 && !vn_opt("--images")))
        return vn_fail(e, VN_E_USAGE, "--describe wants one trace");
    TRY(vn_trace_read(&t, a, words[0], e));
    TRY(read_images(&images, &t, 1, 0, a, e));
    for (int i = 0; i < images.of.n; i++)
        t.sample[i].source = images.of.v[i];
    vn_describe(&d, a, &t);
    const char *all = whole_pipeline(&d, a);
    if (vn_opt("--json"))
        vn_print_json(json_description(&d, all));
    else
        print_description(&d, all);
    return all ? EXIT_DONE : EXIT_CHECK_FAILED;
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    struct trace left, right;
    struct advice how;
    struct alignment *r;
    int left_out[2];
    const char **words;
    const int results = vn_words(&words) && vn_path_has_suffix(words[0], ".json");
    struct align_options o = { .tolerance = results ? 1e-9 : 1e-5, .infer_tolerance = vn_opt("--tolerance") ? 0 : 1e-3, .explain = !vn_opt("--no-explain") };
    if (vn_opt("--causes"))
        return print_causes();
    if (vn_opt("--describe"))
        return describe(a, e);
    if (vn_opt("--tolerance")) {
        char *end;
        o.tolerance = strtod(vn_opt("--tolerance"), &end);
        if (*end || end == vn_opt("--tolerance") || !(o.tolerance >= 0 && o.tolerance < 1))
            return vn_fail(e, VN_E_USAGE, "--tolerance: want a number from 0 to 1, got '%s'", vn_opt("--tolerance"));
    }
    TRY(read_sides(&left, &right, &how, a, e));
    TRY(vn_trace_common(&left, &right, a, left_out, e));
    o.any_input = vn_opt("--yaml") != NULL;
    TRY(vn_align(&r, a, &left, &right, &o, e));
    if (vn_opt("--pictures"))
        TRY(write_pictures(r, &left, &right, vn_opt("--pictures"), a, e));
    if (vn_opt("--json"))
        vn_print_json(json_alignment(r, &left, left_out));
    else {
        print_alignment(r, &how);
        print_winners(r, &left);
        for (int i = 0; i < 2; i++)
            if (left_out[i])
                printf("not compared, as only %s has them: %d of its pictures\n", i ? right.path : left.path, left_out[i]);
    }
    return r->unaligned ? EXIT_CHECK_FAILED : EXIT_DONE;
}

const struct command vn_cmd_align = { "align", "LEFT RIGHT [options]", "compare two preprocessing programs stage by stage, and explain", options, 0, -1, run };
