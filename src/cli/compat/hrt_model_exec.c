/* hrt_model_exec model_info | infer | perf: a program's inputs and outputs, one inference, its speed. */
#include <ctype.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/escape.h"
#include "base/file.h"
#include "cli/compat/compat.h"

#define MODEL_FILE_OPTION \
    { \
        "--model_file", 0, "FILE.bin,...", 0, 0, "programs and packs" \
    }
#define MODEL_NAME_OPTION \
    { \
        "--model_name", 0, "NAME", 0, 0, \
            "name of a model; required by infer and perf if there are several models" \
    }
#define CORE_OPTION \
    { \
        "--core_id", 0, "N", 0, 0, "the system chooses the CPU", OPTION_WITHOUT_EFFECT \
    }
#define THREAD_OPTION(help) \
    { \
        "--thread_num", 0, "1..8", 0, 0, help \
    }
#define FRAME_OPTION(help) \
    { \
        "--frame_count", 0, "N", 0, 0, help \
    }
#define ROI_OPTIONS \
    { "--roi_infer", 0, NULL, 0, 0, "use the regions of --roi" }, \
    { \
        "--roi", 0, "l,t,r,b;...", 0, 0, \
            "region of each image for a resizer input; right and bottom are inclusive" \
    }

static const struct option_def info_options[] = { MODEL_FILE_OPTION, MODEL_NAME_OPTION, { 0 } };
static const struct option_def infer_options[] = {
    MODEL_FILE_OPTION,
    MODEL_NAME_OPTION,
    CORE_OPTION,
    ROI_OPTIONS,
    { "--input_file", 0, "FILE,...", 0, 0, "image, raw bytes (.bin) or numbers (.txt) for each input" },
    FRAME_OPTION("runs (default 1)"),
    { "--enable_dump", 0, NULL, 0, 0, "write inputs and outputs as files" },
    { "--dump_intermediate", 0, "0..3", 0, 0, "write every tensor: 1: .bin, 2 and 3: also .txt (default 0)" },
    { "--dump_precision", 0, "N", 0, 0, "decimal places in .txt files (default 9)" },
    { "--dump_format", 0, "bin|txt", 0, 0, "format of the inputs and outputs (default bin)" },
    { "--dump_txt_axis", 0, "N", 0, 0, ".txt: one line per element of axes 0 to N-1 (default 4)" },
    { "--hybrid_dequantize_process", 0, NULL, 0, 0, "write integer outputs as float32" },
    { "--enable_cls_post_process", 0, NULL, 0, 0, "print the class" },
    { 0 },
};
static const struct option_def perf_options[] = {
    MODEL_FILE_OPTION,
    MODEL_NAME_OPTION,
    CORE_OPTION,
    ROI_OPTIONS,
    { "--input_file", 0, "FILE,...", 0, 0, "as for infer; random if omitted" },
    FRAME_OPTION("runs of each thread (default 200)"),
    { "--perf_time", 0, "MINUTES", 0, 0, "measure for this time instead of frame_count runs" },
    THREAD_OPTION("threads that run at the same time (default 1)"),
    { "--profile_path", 0, "DIR", 0, 0,
      "write profiler.log and profiler.csv there (default: $HB_DNN_PROFILER_LOG_PATH, if set)" },
    { 0 },
};

/* ---- the model ---- */

static int find_models(struct compat_models *m, struct vn_arena *a, struct vn_err *e)
{
    const char *files = vn_opt("--model_file");
    if (!files)
        return vn_fail(e, VN_E_USAGE, "--model_file FILE.bin is required");
    const struct pieces p = vn_split(a, files, ',');
    return p.n ? vn_compat_models(m, a, p.n, p.v, vn_opt("--model_name"), e)
               : vn_fail(e, VN_E_USAGE, "--model_file: expected FILE.bin, got ''");
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* The session of --model_file; *ms: how long loading took. */
static int open_model(struct vn_session **s, double *ms, struct vn_arena *a, struct vn_err *e)
{
    struct compat_models m = { 0 };
    TRY(find_models(&m, a, e));
    if (m.n > 1)
        return vn_fail(e, VN_E_USAGE, "--model_file: %d models; select one by --model_name", m.n);
    const double start = now_ms();
    TRY(vn_compat_open(s, m.v, e));
    *ms = now_ms() - start;
    return VN_OK;
}

/* ---- model_info ---- */

static const char *tensor_type(const struct vn_io *io, int input)
{
    static const char *const images[] = {
        NULL, "IMG_TYPE_RGB", "IMG_TYPE_BGR", "IMG_TYPE_YUV444", "IMG_TYPE_NV12", "IMG_TYPE_Y"
    };
    static const char *const numbers[] = {
        [VN_F32] = "TENSOR_TYPE_F32", [VN_U8] = "TENSOR_TYPE_U8",   [VN_I8] = "TENSOR_TYPE_S8",
        [VN_U16] = "TENSOR_TYPE_U16", [VN_I16] = "TENSOR_TYPE_S16", [VN_I32] = "TENSOR_TYPE_S32",
        [VN_I64] = "TENSOR_TYPE_S64", [VN_BOOL] = "TENSOR_TYPE_U8", [VN_F64] = "TENSOR_TYPE_F64",
        [VN_U32] = "TENSOR_TYPE_U32", [VN_U64] = "TENSOR_TYPE_U64",
    };
    const int t = (int)io->dtype;
    if (input && io->type != VN_IN_FEATUREMAP)
        return images[io->type];
    return t < (int)(sizeof numbers / sizeof *numbers) && numbers[t] ? numbers[t] : "TENSOR_TYPE_MAX";
}

static void print_shape(const char *what, const struct vn_io *io)
{
    printf("%s: (", what);
    for (int i = 0; i < io->rank; i++)
        printf("%lld,", (long long)io->shape[i]);
    printf(")\n");
}

static void print_strides(const struct vn_io *io, int input)
{
    long long elements = 1, stride[VN_MAX_RANK] = { 0 };
    for (int i = 0; i < io->rank; i++)
        elements *= io->shape[i];
    long long step = elements ? (long long)io->bytes / elements : 0;
    for (int i = io->rank - 1; i >= 0 && !(input && io->type == VN_IN_NV12); i--) {
        stride[i] = step;
        step *= io->shape[i];
    }
    printf("stride: (");
    for (int i = 0; i < io->rank; i++)
        printf("%lld,", stride[i]);
    printf(")\n");
}

/* "PYRAMID": what the configuration said, in capitals; without it what the type is usually from. */
static const char *source_of(const struct vn_session *s, const struct vn_io *io, struct vn_arena *a)
{
    const char *said = vn_session_meta(s, vn_arena_fmt(a, "input_parameters.%s.input_source", io->name));
    const int camera = io->type == VN_IN_NV12 || io->type == VN_IN_GRAY;
    char *text = vn_arena_str(a, said ? said : camera ? "pyramid" : "ddr");
    for (char *p = text; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    return text;
}

/* port: as the session has it. */
static void print_io(const struct vn_io *io, const struct vn_port *port, int number, int input,
                     const char *source)
{
    printf("\n%s[%d]: \nname: %s\n", input ? "input" : "output", number,
           vn_shown(io->name, (char[VN_SHOWN]){ 0 }));
    if (input)
        printf("input source: HB_DNN_INPUT_FROM_%s\n", source);
    print_shape("valid shape", io);
    print_shape("aligned shape", io);
    printf("aligned byte size: %zu\n", io->bytes);
    printf("tensor type: HB_DNN_%s\n", tensor_type(io, input));
    const int features = io->type == VN_IN_FEATUREMAP, last = features ? port->nhwc : io->channels_last;
    printf("tensor layout: HB_DNN_LAYOUT_%s\n", io->rank != 4 ? "NONE" : last ? "NHWC" : "NCHW");
    printf("quanti type: %s\n", io->scale > 0 ? "SCALE" : "NONE");
    if (io->scale > 0)
        printf("scale data: %.9g,\nzero point data: %d,\n", (double)io->scale, io->zero);
    print_strides(io, input);
}

static int print_model(const struct compat_model *m, struct vn_arena *a, struct vn_err *e)
{
    struct vn_session *s;
    int n_in, n_out;
    TRY(vn_compat_open(&s, m, e));
    const struct vn_io *in = vn_model_inputs(vn_session_model(s), &n_in),
                       *out = vn_model_outputs(vn_session_model(s), &n_out);
    const struct vn_port *ports_in = vn_session_inputs(s, &n_in), *ports_out = vn_session_outputs(s, &n_out);
    printf("---------------------------------------------------------------------\n[model name]: %s\n",
           m->name);
    for (int i = 0; i < n_in; i++)
        print_io(&in[i], &ports_in[i], i, 1, source_of(s, &in[i], a));
    for (int i = 0; i < n_out; i++)
        print_io(&out[i], &ports_out[i], i, 0, NULL);
    vn_session_close(&s);
    return VN_OK;
}

static int run_info(struct vn_arena *a, struct vn_err *e)
{
    struct compat_models m = { 0 };
    struct vn_session *s;
    TRY(find_models(&m, a, e));
    const double start = now_ms();
    TRY(vn_compat_open(&s, m.v, e));
    printf("Load model to DDR cost %.3fms.\nThis model file has %d model:\n", now_ms() - start, m.n);
    vn_session_close(&s);
    for (int i = 0; i < m.n; i++)
        printf("[%s]\n", m.v[i].name);
    for (int i = 0; i < m.n; i++)
        TRY(print_model(&m.v[i], a, e));
    printf("---------------------------------------------------------------------\n");
    return EXIT_DONE;
}

/* ---- feeding ---- */

/* A .txt file: the numbers of the tensor, in C order. */
static int feed_text(struct vn_session *s, int i, const char *path, struct vn_arena *a, struct vn_err *e)
{
    int n;
    const struct vn_port *p = &vn_session_inputs(s, &n)[i];
    int64_t want = 1, got = 0;
    for (int k = 0; k < p->rank; k++)
        want *= p->shape[k];
    FILE *f = fopen(path, "r");
    if (!f)
        return vn_fail(e, VN_E_IO, "%s: cannot open", path);
    float *x = NEW_ARRAY(a, float, want);
    double v;
    while (got <= want && fscanf(f, " %lf%*[, \t]", &v) == 1)
        if (got++ < want)
            x[got - 1] = (float)v;
    const int whole = feof(f);
    fclose(f);
    if (got != want || !whole)
        return vn_fail(e, VN_E_INPUT, "%s: expected %lld numbers for input %s, found %s%lld", path,
                       (long long)want, vn_shown(p->name, (char[VN_SHOWN]){ 0 }),
                       whole ? "" : "unexpected text after ", (long long)got);
    return vn_session_feed_array(s, i, VN_F32, p->rank, p->shape, NULL, x, e);
}

static int feed(struct vn_session *s, struct vn_arena *a, struct vn_err *e)
{
    int n;
    const struct vn_port *in = vn_session_inputs(s, &n);
    if (!vn_opt("--roi_infer") != !vn_opt("--roi"))
        return vn_fail(e, VN_E_USAGE, "--roi_infer and --roi l,t,r,b;... require each other");
    if (!vn_opt("--input_file"))
        return vn_session_feed_random(s, 1, e);
    const struct pieces p = vn_split(a, vn_opt("--input_file"), ',');
    if (p.n != n)
        return vn_fail(e, VN_E_USAGE, "--input_file: expected %d files, one for each input, got %d", n, p.n);
    const int regions = vn_opt("--roi_infer") != NULL;
    struct vn_fed_file *files = NEW_ARRAY(a, struct vn_fed_file, n);
    for (int i = 0; i < n; i++) {
        const size_t len = strlen(p.v[i]);
        files[i] = (struct vn_fed_file){ i, p.v[i] };
        const int text = len > 4 && !strcmp(p.v[i] + len - 4, ".txt");
        if (regions && in[i].type != VN_IN_FEATUREMAP)
            continue;
        TRY(text ? feed_text(s, i, p.v[i], a, e) : vn_session_feed_file(s, i, p.v[i], e));
    }
    return regions ? vn_feed_regions(s, files, n, vn_opt("--roi"), a, e) : VN_OK;
}

/* ---- dumps ---- */

struct dump_options {
    int text, binary; /* forms */
    int precision, axis, real;
};

static int write_text(const char *path, const struct vn_view *v, const struct dump_options *o,
                      struct vn_err *e)
{
    const int64_t n = vn_view_count(v);
    const int integer = v->dtype != VN_F32 && v->dtype != VN_F64 && !(o->real && v->n_scale);
    int64_t line = 1;
    FILE *f = fopen(path, "w");
    if (!f)
        return vn_fail(e, VN_E_IO, "%s: cannot write", path);
    for (int i = o->axis; i < v->rank; i++)
        line *= v->shape[i];
    struct vn_view stored = *v;
    if (integer)
        stored.n_scale = 0;
    for (int64_t i = 0; i < n; i++)
        fprintf(f, "%.*f%c", integer ? 0 : o->precision, vn_view_at(&stored, i), (i + 1) % line ? ' ' : '\n');
    const int bad = ferror(f);
    return fclose(f) || bad ? vn_fail(e, VN_E_IO, "%s: cannot write", path) : VN_OK;
}

static int write_binary(const char *path, const struct vn_view *v, const struct dump_options *o,
                        struct vn_err *e)
{
    const int real = o->real && v->n_scale;
    const size_t bytes = real ? (size_t)vn_view_count(v) * sizeof(float) : v->bytes;
    void *data = malloc(bytes + 1);
    if (!data)
        return vn_fail(e, VN_E_NOMEM, "%s: out of memory", path);
    if (real)
        vn_view_real(data, v);
    else
        vn_view_copy(data, v);
    const int status = vn_file_write(path, data, bytes, e);
    free(data);
    return status;
}

static int write_view(const char *stem, const struct vn_view *v, const struct dump_options *o,
                      struct vn_arena *a, struct vn_err *e)
{
    if (o->binary)
        TRY(write_binary(vn_arena_fmt(a, "%s.bin", stem), v, o, e));
    return o->text ? write_text(vn_arena_fmt(a, "%s.txt", stem), v, o, e) : VN_OK;
}

struct dumping {
    struct vn_arena *arena;
    const struct vn_session *s;
    struct vn_map *taken; /* names of files */
    struct dump_options ports, tensors; /* of inputs and outputs; of what lies between */
    int status;
    struct vn_err *e;
};

/* model_infer_input_N: what the device hands over. Others: their names. */
static void dump_tensor(void *user, int value, const struct vn_view *v)
{
    struct dumping *d = user;
    const int input = v->instruction < 0 ? vn_session_input(d->s, v->name) : -1;
    (void)value;
    if (d->status < 0)
        return;
    if (input >= 0 && (v->role == VN_ROLE_VALUE || v->role == VN_ROLE_BYTES))
        d->status =
            write_view(vn_arena_fmt(d->arena, "model_infer_input_%d", input), v, &d->ports, d->arena, d->e);
    else if (v->role == VN_ROLE_VALUE && *v->node)
        d->status = write_view(vn_file_name(d->arena, d->taken, v->name), v, &d->tensors, d->arena, d->e);
}

static int read_dump_options(struct dump_options *outputs, struct dump_options *tensors, struct vn_err *e)
{
    const char *format = vn_opt("--dump_format") ? vn_opt("--dump_format") : "bin";
    int intermediate;
    if (strcmp(format, "bin") && strcmp(format, "txt"))
        return vn_fail(e, VN_E_USAGE, "--dump_format: expected bin or txt, got '%s'", format);
    TRY(vn_opt_int("--dump_precision", 9, 0, 20, &outputs->precision, e));
    TRY(vn_opt_int("--dump_txt_axis", 4, 0, VN_MAX_RANK, &outputs->axis, e));
    TRY(vn_opt_int("--dump_intermediate", 0, 0, 3, &intermediate, e));
    outputs->real = vn_opt("--hybrid_dequantize_process") != NULL;
    *tensors = *outputs;
    tensors->binary = intermediate > 0;
    tensors->text = intermediate > 1;
    outputs->text = vn_opt("--enable_dump") && !strcmp(format, "txt");
    outputs->binary = vn_opt("--enable_dump") && !outputs->text;
    return VN_OK;
}

static int dump_outputs(const struct vn_session *s, const struct dump_options *o, struct vn_arena *a,
                        struct vn_err *e)
{
    int n;
    vn_session_outputs(s, &n);
    for (int i = 0; i < n; i++) {
        struct vn_view v;
        TRY(vn_session_output(s, i, &v, e));
        TRY(write_view(vn_arena_fmt(a, "model_infer_output_%d", i), &v, o, a, e));
    }
    return VN_OK;
}

/* As hrt_bin_dump does, where the environment asks for it. */
static int dump_convolutions(struct vn_session *s, struct vn_arena *a, struct vn_err *e)
{
    const char *folder = getenv("HB_DNN_DUMP_PATH"), *map = getenv("HB_DNN_CONV_MAP_PATH");
    int written;
    return folder && map ? vn_compat_write_convolutions(s, folder, map, &written, a, e) : VN_OK;
}

/* ---- infer ---- */

static int print_class(const struct vn_session *s, struct vn_err *e)
{
    struct vn_view v;
    TRY(vn_session_output(s, 0, &v, e));
    int64_t top = 0;
    for (int64_t i = 1; i < vn_view_count(&v); i++)
        if (vn_view_at(&v, i) > vn_view_at(&v, top))
            top = i;
    printf("class result: [id]%lld, [score]%.4f\n", (long long)top,
           vn_view_count(&v) ? vn_view_at(&v, top) : NAN);
    return VN_OK;
}

static int infer(struct vn_session *s, struct vn_arena *a, struct vn_err *e)
{
    struct dumping d = { .arena = a, .s = s, .taken = vn_map_new(a), .e = e };
    const struct vn_observer o = { .after = dump_tensor,
                                   .roles = 1u << VN_ROLE_VALUE | 1u << VN_ROLE_BYTES,
                                   .user = &d };
    int frames;
    TRY(read_dump_options(&d.ports, &d.tensors, e));
    TRY(vn_opt_int("--frame_count", 1, 1, 1 << 30, &frames, e));
    TRY(feed(s, a, e));
    for (int i = 0; i < frames; i++) {
        uint64_t ns;
        TRY(vn_session_time(s, 1, &ns, e));
        printf("Infer time: %.3f ms\n", (double)ns / 1e6);
    }
    if (vn_opt("--enable_dump") || d.tensors.binary) {
        vn_session_observe(s, &o);
        TRY(vn_session_run(s, e));
        TRY(d.status);
    }
    TRY(dump_outputs(s, &d.ports, a, e));
    TRY(dump_convolutions(s, a, e));
    return vn_opt("--enable_cls_post_process") ? print_class(s, e) : VN_OK;
}

static int run_infer(struct vn_arena *a, struct vn_err *e)
{
    struct vn_session *s;
    double ms;
    if (!vn_opt("--input_file"))
        return vn_fail(e, VN_E_USAGE, "--input_file FILE is required, one for each input");
    TRY(open_model(&s, &ms, a, e));
    printf("Load model to DDR cost %.3fms.\n", ms);
    const int status = infer(s, a, e);
    vn_session_close(&s);
    return status;
}

/* ---- perf ---- */

struct worker {
    struct vn_session *s;
    int frames; /* 0: until `end` */
    double end, sum, max, min; /* ms */
    int done, status;
    struct vn_profile *profile; /* of the first thread; NULL: none */
    struct vn_err e;
    pthread_t thread;
};

static void *work(void *p)
{
    struct worker *w = p;
    while (w->status == VN_OK && (w->frames ? w->done < w->frames : !w->done || now_ms() < w->end)) {
        uint64_t ns = 0;
        w->status = vn_session_time(w->s, 1, &ns, &w->e);
        const double ms = (double)ns / 1e6;
        w->sum += ms;
        w->max = ms > w->max ? ms : w->max;
        w->min = !w->done || ms < w->min ? ms : w->min;
        if (w->profile)
            vn_profile_add(w->profile, vn_session_model(w->s));
        w->done++;
    }
    return NULL;
}

static int run_workers(struct worker *w, int n, struct vn_err *e)
{
    int started = 0, status = VN_OK;
    while (started < n && !pthread_create(&w[started].thread, NULL, work, &w[started]))
        started++;
    for (int i = 0; i < started; i++)
        pthread_join(w[i].thread, NULL);
    if (started < n)
        return vn_fail(e, VN_E_NOMEM, "thread %d of %d cannot be started", started + 1, n);
    for (int i = 0; i < n && status == VN_OK; i++)
        if (w[i].status < 0)
            status = vn_fail(e, w[i].status, "%s", w[i].e.msg);
    return status;
}

static void print_perf(const struct worker *w, int n, double wall)
{
    int frames = 0;
    double sum = 0, most = 0, least = w[0].min;
    for (int i = 0; i < n; i++) {
        frames += w[i].done;
        sum += w[i].sum;
        most = w[i].max > most ? w[i].max : most;
        least = w[i].min < least ? w[i].min : least;
    }
    const double fps = frames / wall * 1e3;
    printf("Frame count: %d, Thread Average: %f ms, thread max latency: %f ms, thread min latency: %f ms, "
           "FPS: %f\n\n",
           frames, sum / frames, most, least, fps);
    printf("Running condition:\n  Thread number is: %d\n  Frame count   is: %d\n  core number   is: 1\n", n,
           frames);
    printf("  Program run time: %f ms\n", wall);
    printf("Perf result:\n  Frame totally latency is: %f ms\n  Average    latency    is: %f ms\n", sum,
           sum / frames);
    printf("  Frame      rate       is: %f FPS\n", fps);
}

/* Where a profile goes; NULL: nowhere. */
static const char *profile_folder(void)
{
    const char *given = vn_opt("--profile_path");
    return given ? given : getenv("HB_DNN_PROFILER_LOG_PATH");
}

static void open_profile(struct worker *w, struct vn_arena *a)
{
    if (!profile_folder())
        return;
    w->profile = NEW(a, struct vn_profile);
    vn_profile_open(w->profile, vn_session_model(w->s), (const double[3]){ 0 }, a);
    vn_session_profile(w->s, 1);
}

static int write_profile(const struct worker *w, int threads, double wall, struct vn_arena *a,
                         struct vn_err *e)
{
    int frames = 0;
    if (!w->profile)
        return VN_OK;
    for (int i = 0; i < threads; i++)
        frames += w[i].done;
    const char *named = vn_opt("--model_name");
    const struct vn_profile_run r = {
        .model = named ? named : vn_path_stem(a, vn_session_path(w->s)),
        .latency = { .sum = w->sum * 1e6, .min = w->min * 1e6, .max = w->max * 1e6, .runs = w->done },
        .fps = frames / wall * 1e3,
        .threads = threads,
    };
    vn_profile_close(w->profile);
    return vn_profile_write(profile_folder(), w->profile, &r, a, e);
}

static int perf(struct vn_session *s, struct vn_arena *a, struct vn_err *e)
{
    enum { MOST_THREADS = 8 };
    int threads, frames, minutes, status = VN_OK;
    struct worker w[MOST_THREADS] = { 0 };
    TRY(vn_opt_int("--thread_num", 1, 1, 1 << 20, &threads, e));
    TRY(vn_opt_int("--frame_count", 200, 1, 1 << 30, &frames, e));
    TRY(vn_opt_int("--perf_time", 0, 0, 1 << 20, &minutes, e));
    threads = threads > MOST_THREADS ? MOST_THREADS : threads;
    for (int i = 0; i < threads && status == VN_OK; i++) {
        w[i].s = s;
        if (i)
            status = vn_session_share(&w[i].s, s, NULL, e);
        if (status == VN_OK)
            status = feed(w[i].s, a, e);
        w[i].frames = minutes ? 0 : frames;
    }
    open_profile(&w[0], a);
    const double start = now_ms();
    for (int i = 0; i < threads; i++)
        w[i].end = start + minutes * 60e3;
    if (status == VN_OK)
        status = run_workers(w, threads, e);
    const double wall = now_ms() - start;
    if (status == VN_OK) {
        print_perf(w, threads, wall);
        status = write_profile(w, threads, wall, a, e);
    }
    for (int i = 1; i < threads; i++)
        vn_session_close(&w[i].s);
    return status;
}

static int run_perf(struct vn_arena *a, struct vn_err *e)
{
    struct vn_session *s;
    double ms;
    TRY(open_model(&s, &ms, a, e));
    printf("Load model to DDR cost %.3fms.\n", ms);
    const int status = perf(s, a, e);
    vn_session_close(&s);
    return status;
}

static const struct command
    model_info = { "model_info", "--model_file FILE.bin", "print inputs and outputs", info_options, 0, -1,
                   run_info },
    infer_command = { "infer",
                      "--model_file FILE.bin --input_file FILE,... [flags]",
                      "run once, write inputs and outputs",
                      infer_options,
                      0,
                      -1,
                      run_infer },
    perf_command = { "perf",  "--model_file FILE.bin [flags]", "measure the latency", perf_options, 0, -1,
                     run_perf };
static const struct command *const commands[] = { &model_info, &infer_command, &perf_command };
const struct tool vn_tool_hrt_model_exec = {
    "hrt_model_exec",
    "Runs a .bin on this machine, as 'vernier info', 'run' and 'perf' do.",
    commands,
    3,
    1,
    NULL
};
