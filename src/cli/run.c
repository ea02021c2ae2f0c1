/* vernier run - any stage's ONNX or a .bin on pictures, arrays or random data. */
#include <stdlib.h>
#include <time.h>

#include "base/file.h"
#include "cli/cli.h"
#include "tensor/npy.h"

static const struct option_def options[] = {
    { "--input", 'i', "[NAME=]FILE", 1, 0, "picture (jpg, png), .npy or raw file for an input; random data where left out" },
    { "--images", 0, "DIR", 0, 0, "run every picture (or .npy) of a folder; outputs are stacked in name order" },
    { "--pipeline", 0, "STEPS", 0, 0, "steps for pictures, e.g. 'short_side 256; center_crop 224' (default: resize to the input)" },
    { "--output-dir", 'o', "DIR", 0, 0, "write outputs there" },
    { "--format", 0, "npy|bin|txt", 0, 0, "of the outputs (default npy)" },
    { "--dump-all", 0, NULL, 0, 0, "write every tensor of the run, too (into DIR/tensors, as .npy; integers as stored)" },
    { "--dequantize", 0, NULL, 0, 0, "with --dump-all: integers as real numbers" },
    { "--reference", 0, NULL, 0, 0, "run an .onnx on the reference executor (float64, slow)" },
    { "--repeat", 0, "N", 0, 0, "run N times and print times" },
    { "--profile", 0, NULL, 0, 0, "print the time of each instruction" },
    { "--level", 0, "0..3", 0, 0, "fusion of programs made from .onnx (default 3)" },
    MODEL_OPTIONS,
    RUN_OPTIONS,
    JSON_OPTION,
    { 0 },
};

/* ---- writing ---- */

static int write_txt(const char *path, const struct vn_tensor *t, struct vn_arena *a, struct vn_err *e)
{
    struct vn_file_out *f;
    TRY(vn_file_create(&f, a, path, e));
    const int64_t n = vn_shape_count(&t->shape);
    for (int64_t i = 0; i < n; i++) {
        char text[40];
        const int len = snprintf(text, sizeof text, "%.9g\n", vn_tensor_f64(t, i));
        TRY(vn_file_put(f, text, (size_t)len, e));
    }
    return vn_file_commit(f, e);
}

/* `taken` lives in `a`. */
static int write_tensor(const char *dir, struct vn_map *taken, const char *name, const char *format, const struct vn_tensor *t, struct vn_arena *a, struct vn_err *e)
{
    const char *path = vn_path_join(a, dir, vn_arena_fmt(a, "%s.%s", vn_file_name(a, taken, name), format));
    if (!strcmp(format, "npy"))
        return vn_npy_write(path, t, e);
    if (!strcmp(format, "bin"))
        return vn_file_write(path, t->data, vn_tensor_bytes(t), e);
    return write_txt(path, t, a, e);
}

struct dump {
    struct vn_arena *arena;
    const char *dir;
    struct vn_map *written, *taken;
    int dequantize, status;
    struct vn_err *e;
};

/* What stands for the value has its name; everything else says what it is. NULL: written already. */
static const char *dump_name(struct dump *d, const struct vn_view *s)
{
    if (!vn_view_is_value(s))
        return vn_arena_fmt(d->arena, "%s.%s", s->name, vn_role_word(s->role));
    if (vn_map_get(d->written, s->name))
        return NULL;
    vn_map_set(d->written, vn_arena_str(d->arena, s->name), d);
    return s->name;
}

static void dump_tensor(void *user, const struct vn_view *s)
{
    struct dump *d = user;
    const int is_number = s->dtype == VN_F32 || s->dtype == VN_I8 || s->dtype == VN_I16;
    const char *name = d->status < 0 || !is_number ? NULL : dump_name(d, s);
    if (!name)
        return;
    struct vn_arena *a = vn_arena_new();
    const struct vn_shape shape = vn_shape_of(s->rank, s->shape);
    const int real = s->dtype == VN_F32 || d->dequantize;
    struct vn_tensor *t = vn_tensor_new(a, real ? VN_F32 : VN_I32, &shape);
    if (real)
        vn_view_real(t->data, s);
    else
        vn_view_integers(t->data, s);
    d->status = write_tensor(d->dir, d->taken, name, "npy", real ? t : vn_tensor_cast(a, t, s->dtype), d->arena, d->e);
    vn_arena_free(&a);
}

/* ---- inputs ---- */

static int feed_inputs(struct feed *f, const struct runner *r, const struct vn_pipeline *p, struct vn_arena *a, struct vn_err *e)
{
    const char **given;
    const int n = vn_opt_all("--input", &given);
    vn_feed_random(f, r, 1);
    for (int i = 0; i < n; i++) {
        const char *eq = strchr(given[i], '=');
        int k = i;
        if (eq) {
            const char *name = vn_arena_strn(a, given[i], (size_t)(eq - given[i]));
            for (k = 0; k < r->n_in && strcmp(r->in_name[k], name); k++)
                ;
            if (k == r->n_in) {
                const char *near = vn_nearest(name, r->in_name, r->n_in);
                return vn_fail(e, VN_E_USAGE, "%s has no input '%s'; nearest: '%s'", r->path, name, near ? near : r->in_name[0]);
            }
        }
        if (k >= r->n_in)
            return vn_fail(e, VN_E_USAGE, "%s has %d inputs, --input is given %d times", r->path, r->n_in, n);
        TRY(vn_feed_file(f, r, k, eq ? eq + 1 : given[i], p, e));
    }
    return VN_OK;
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int ascending(const void *x, const void *y)
{
    const uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
    return a < b ? -1 : a > b;
}

/* ---- one sample ---- */

struct extremes {
    double min, max;
    int64_t top; /* first flat index of max */
};

static struct extremes extremes(const struct vn_tensor *t)
{
    const int64_t n = vn_shape_count(&t->shape);
    struct extremes x = { 0 };
    if (n)
        x.min = x.max = vn_tensor_f64(t, 0);
    for (int64_t k = 1; k < n; k++) {
        const double v = vn_tensor_f64(t, k);
        x.min = v < x.min ? v : x.min;
        if (v > x.max) {
            x.max = v;
            x.top = k;
        }
    }
    return x;
}

static void print_outputs(const struct runner *r)
{
    for (int i = 0; i < r->n_out; i++) {
        const struct extremes x = extremes(r->out[i]);
        char shape[VN_SHAPE_TEXT];
        printf("output %s: %s %s, min %g, max %g at flat index %lld\n", r->out_name[i], vn_shape_text(&r->out[i]->shape, shape),
               vn_dtype_name(r->out[i]->dtype), x.min, x.max, (long long)x.top);
    }
}

static json_t *json_outputs(const struct runner *r)
{
    json_t *list = json_array();
    for (int i = 0; i < r->n_out; i++) {
        const struct extremes x = extremes(r->out[i]);
        json_t *shape = json_array();
        for (int k = 0; k < r->out[i]->shape.rank; k++)
            json_array_append_new(shape, json_integer(r->out[i]->shape.d[k]));
        json_array_append_new(list, json_pack("{s:s, s:o, s:s, s:o, s:o, s:I}", "output", r->out_name[i], "shape", shape, "dtype",
                                              vn_dtype_name(r->out[i]->dtype), "min", vn_json_real(x.min), "max", vn_json_real(x.max),
                                              "argmax", (json_int_t)x.top));
    }
    return list;
}

static void print_profile(const struct runner *r)
{
    static const char *const titles[] = { "Instruction", "Node", "Microseconds" };
    struct table *t = vn_table_new(3, titles);
    for (int i = 0; i < vn_model_instructions(r->program.model); i++) {
        struct vn_instruction s;
        char us[32];
        vn_model_instruction(r->program.model, i, &s);
        snprintf(us, sizeof us, "%.1f", (double)s.nanoseconds / 1000);
        vn_table_row(t, (const char *const[]){ s.opcode, s.node, us });
    }
    vn_table_print(t, stdout);
    vn_table_free(&t);
}

static int time_runs(struct runner *r, const struct feed *f, int repeat, json_t *json, struct vn_arena *a, struct vn_err *e)
{
    uint64_t *ns = NEW_ARRAY(a, uint64_t, repeat);
    for (int i = 0; i < repeat; i++) {
        const uint64_t start = now();
        TRY(vn_runner_run(r, f, NULL, e));
        ns[i] = now() - start;
    }
    qsort(ns, (size_t)repeat, sizeof *ns, ascending);
    const double median = (double)ns[repeat / 2] / 1e6, least = (double)ns[0] / 1e6;
    json_object_set_new(json, "time", json_pack("{s:i, s:f, s:f}", "runs", repeat, "median_ms", median, "min_ms", least));
    if (!vn_opt("--json"))
        printf("%d runs: median %.3f ms, min %.3f ms\n", repeat, median, least);
    return VN_OK;
}

static int run_one(struct runner *r, const struct vn_pipeline *p, const char *dir, const char *format, struct vn_arena *a, struct vn_err *e)
{
    int repeat;
    struct feed f = vn_feed_new(r, a);
    TRY(vn_opt_int("--repeat", 0, 1, 1000000, &repeat, e));
    TRY(feed_inputs(&f, r, p, a, e));
    struct dump d = { .arena = a, .written = vn_map_new(a), .taken = vn_map_new(a), .dequantize = vn_opt("--dequantize") != NULL, .e = e };
    const int dump = vn_opt("--dump-all") != NULL;
    if (dump) {
        d.dir = vn_path_join(a, dir, "tensors");
        TRY(vn_dir_make(d.dir, e));
    }
    if (vn_opt("--profile") && !r->reference)
        vn_model_profile(r->program.model, 1);
    TRY(vn_runner_run(r, &f, dump ? &(struct vn_watch){ .after = dump_tensor, .user = &d } : NULL, e));
    TRY(d.status);
    struct vn_map *taken = vn_map_new(a);
    for (int i = 0; dir && i < r->n_out; i++)
        TRY(write_tensor(dir, taken, r->out_name[i], format, r->out[i], a, e));
    json_t *json = json_pack("{s:s, s:o}", "model", r->path, "outputs", json_outputs(r));
    if (!vn_opt("--json"))
        print_outputs(r);
    if (vn_opt("--profile") && !r->reference && !vn_opt("--json"))
        print_profile(r);
    const int status = repeat ? time_runs(r, &f, repeat, json, a, e) : VN_OK;
    if (status == VN_OK && vn_opt("--json"))
        return vn_print_json(json);
    json_decref(json);
    return status;
}

/* ---- a folder ---- */

static int image_paths(struct vn_arena *a, const char *dir, const char ***paths, int *n, struct vn_err *e)
{
    const char **names;
    TRY(vn_dir_list(a, dir, &names, n, e));
    VEC(const char *) v = { 0 };
    for (int i = 0; i < *n; i++)
        if (vn_picture_is_image_name(names[i]) || vn_path_has_suffix(names[i], ".npy") || vn_path_has_suffix(names[i], ".bin"))
            VEC_PUSH(a, &v, vn_path_join(a, dir, names[i]));
    *paths = v.v;
    *n = v.n;
    return v.n ? VN_OK : vn_fail(e, VN_E_INPUT, "%s: no pictures, .npy or .bin files", dir);
}

static int run_folder(struct runner *r, const struct vn_pipeline *p, const char *images, const char *dir, const char *format, struct vn_arena *a,
                      struct vn_err *e)
{
    const char **paths;
    int n;
    if (r->n_in != 1)
        return vn_fail(e, VN_E_USAGE, "--images wants a model with one input; %s has %d", r->path, r->n_in);
    TRY(image_paths(a, images, &paths, &n, e));
    struct vn_tensor **all = NEW_ARRAY(a, struct vn_tensor *, r->n_out);
    struct feed f = vn_feed_new(r, a);
    struct logger log = { 0 };
    const struct vn_listener l = vn_logger_listener(&log);
    for (int i = 0; i < n; i++) {
        r->sample = paths[i];
        TRY(vn_feed_file(&f, r, 0, paths[i], p, e));
        TRY(vn_runner_run(r, &f, NULL, e));
        for (int k = 0; k < r->n_out; k++) {
            if (!i) { /* N x shape of one output, whose own leading 1 is dropped */
                struct vn_shape s = r->out[k]->shape;
                if (s.rank && s.d[0] == 1)
                    s.d[0] = n;
                else
                    return vn_fail(e, VN_E_USAGE, "--images wants outputs of batch 1; output %s has another", r->out_name[k]);
                all[k] = vn_tensor_new(a, r->out[k]->dtype, &s);
            }
            const size_t bytes = vn_tensor_bytes(r->out[k]);
            memcpy((char *)all[k]->data + (size_t)i * bytes, r->out[k]->data, bytes);
        }
        vn_progress(&l, "pictures", i + 1, n);
    }
    struct vn_map *taken = vn_map_new(a);
    for (int k = 0; dir && k < r->n_out; k++)
        TRY(write_tensor(dir, taken, r->out_name[k], format, all[k], a, e));
    VEC(char) names = { 0 };
    for (int i = 0; i < n; i++)
        for (const char *s = vn_path_base(paths[i]);; s++) {
            VEC_PUSH(a, &names, *s ? *s : '\n');
            if (!*s)
                break;
        }
    if (dir)
        TRY(vn_file_write(vn_path_join(a, dir, "files.txt"), names.v, (size_t)names.n, e));
    if (vn_opt("--json"))
        return vn_print_json(json_pack("{s:s, s:i, s:s?}", "model", r->path, "files", n, "output_dir", dir));
    printf("%d files of %s%s%s\n", n, images, dir ? ", outputs in " : "", dir ? dir : "");
    return VN_OK;
}

static void warn_slow(const struct runner *r, const struct vn_options *o)
{
    if (r->kind == RUN_BIN && (vn_model_isa(r->program.model) & ~(vn_cpu_detect() & o->cpumask)))
        fprintf(stderr, "%s was made for march %s; kernels for it cannot be used here, so it runs more slowly (results are the same)\n",
                r->path, vn_model_meta(r->program.model, "march"));
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    const char **words, *dir = vn_opt("--output-dir"), *format = vn_opt("--format") ? vn_opt("--format") : "npy";
    vn_words(&words);
    struct runner_options o = { .reference = vn_opt("--reference") != NULL, .prototxt = vn_opt("--proto") };
    TRY(vn_opt_int("--level", 3, 0, 3, &o.level, e));
    TRY(vn_opt_run(&o.run, e));
    if (strcmp(format, "npy") && strcmp(format, "bin") && strcmp(format, "txt"))
        return vn_fail(e, VN_E_USAGE, "--format: want npy, bin or txt, got '%s'", format);
    if (vn_opt("--dump-all") && (!dir || o.reference))
        return vn_fail(e, VN_E_USAGE, "--dump-all wants --output-dir, and no --reference");
    struct vn_pipeline *p = NULL;
    if (vn_opt("--pipeline"))
        TRY(vn_pipeline_parse(&p, a, vn_opt("--pipeline"), e));
    struct runner *r;
    TRY(vn_runner_open(&r, a, words[0], &o, e));
    warn_slow(r, &o.run);
    if (dir)
        TRY(vn_dir_make(dir, e));
    if (vn_opt("--images"))
        return run_folder(r, p, vn_opt("--images"), dir, format, a, e);
    return run_one(r, p, dir, format, a, e);
}

const struct command vn_cmd_run = { "run", "MODEL.onnx|MODEL.bin|MODEL.caffemodel [options]", "run any stage's ONNX, a Caffe network or a .bin", options, 1, 1, run };
