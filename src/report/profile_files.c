/* A profile as the files profiler.log and profiler.csv. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "report/report.h"

static json_t *times(const struct vn_clocked *c)
{
    return json_pack("{s:f, s:f, s:f}", "avg_time", c->sum / (c->runs ? c->runs : 1) / 1e6, "max_time",
                     c->max / 1e6, "min_time", c->min / 1e6);
}

static json_t *result(const struct vn_profile_run *r)
{
    const double ms = r->latency.sum / 1e6;
    return json_pack("{s:{s:f, s:f}, s:{s:i, s:i, s:s, s:f, s:i}}", "perf_result", "FPS", r->fps,
                     "average_latency", ms / r->latency.runs, "running_condition", "core_id", 0,
                     "frame_count", r->latency.runs, "model_name", r->model, "run_time", ms, "thread_num",
                     r->threads);
}

/* A program waits for nothing. */
static json_t *latencies(const struct vn_profile *p, const struct vn_profile_run *r)
{
    const struct vn_clocked none = { 0 };
    json_t *nodes = json_object();
    for (int i = 0; i < p->n_nodes; i++)
        json_object_set_new(nodes, p->nodes[i].node, times(&p->nodes[i].time));
    return json_pack("{s:{s:o, s:o}, s:o, s:{s:o, s:o}}", "chip_latency", "BPU_inference_time_cost",
                     times(&p->unit[VN_UNIT_INTEGER]), "CPU_inference_time_cost",
                     times(&p->unit[VN_UNIT_FLOAT]), "model_latency", nodes, "task_latency",
                     "TaskPendingTime", times(&none), "TaskRunningTime", times(&r->latency));
}

static const char *text_of(json_t *j, struct vn_arena *a)
{
    char *text = json_dumps(j, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9));
    const char *copy = vn_arena_fmt(a, "%s", text ? text : "");
    free(text);
    json_decref(j);
    return copy;
}

const char *vn_profile_log(const struct vn_profile *p, const struct vn_profile_run *r, struct vn_arena *a)
{
    return vn_arena_fmt(a, "%s\n***\n%s\n", text_of(result(r), a), text_of(latencies(p, r), a));
}

/* ---- profiler.csv ---- */

/* A name with its quotes doubled, between quotes. */
static const char *quoted(const char *s, struct vn_arena *a)
{
    char *text = vn_arena_alloc(a, 2 * strlen(s) + 3), *at = text;
    *at++ = '"';
    for (; *s; s++) {
        *at++ = *s;
        if (*s == '"')
            *at++ = '"';
    }
    *at++ = '"';
    *at = 0;
    return text;
}

static void add_lines(FILE *f, const char *what, const struct vn_profile_row *rows, int n, struct vn_arena *a)
{
    for (int i = 0; i < n; i++) {
        const struct vn_profile_row *r = &rows[i];
        fprintf(f, "%s,%s,%s,%.6f,%.6f,%.6f,", what, quoted(r->node, a), r->opcode,
                r->time.sum / (r->time.runs ? r->time.runs : 1) / 1e6, r->time.max / 1e6, r->time.min / 1e6);
        if (r->macs > 0)
            fprintf(f, "%.0f,%.3f", r->macs, vn_profile_speed(r));
        else
            fputc(',', f);
        if (r->peak > 0)
            fprintf(f, ",%.4f\n", vn_profile_reached(r));
        else
            fputs(",\n", f);
    }
}

const char *vn_profile_csv(const struct vn_profile *p, struct vn_arena *a)
{
    char *text = NULL;
    size_t bytes;
    FILE *f = open_memstream(&text, &bytes);
    if (!f)
        return "";
    fputs("kind,node,instruction,avg_time,max_time,min_time,macs,gmac_per_s,of_peak\n", f);
    add_lines(f, "node", p->nodes, p->n_nodes, a);
    add_lines(f, "instruction", p->instructions, p->n_instructions, a);
    fclose(f);
    const char *copy = vn_arena_fmt(a, "%s", text);
    free(text);
    return copy;
}

int vn_profile_write(const char *folder, const struct vn_profile *p, const struct vn_profile_run *r,
                     struct vn_arena *a, struct vn_err *e)
{
    const char *log = vn_profile_log(p, r, a), *csv = vn_profile_csv(p, a);
    TRY(vn_dir_make(folder, e));
    TRY(vn_file_write(vn_path_join(a, folder, "profiler.log"), log, strlen(log), e));
    return vn_file_write(vn_path_join(a, folder, "profiler.csv"), csv, strlen(csv), e);
}
