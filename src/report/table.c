#include <string.h>

#include "base/arena.h"
#include "base/escape.h"
#include "report/report.h"

#define MAX_COLUMNS 16

struct table {
    struct vn_arena *arena;
    int columns, rows;
    size_t width[MAX_COLUMNS];
    VEC(const char *) cells;
};

static void add_row(struct table *t, const char *const *cells)
{
    for (int i = 0; i < t->columns; i++) {
        const char *cell = cells[i] ? cells[i] : "--";
        const size_t most = 4 * strlen(cell) + 1;
        const char *copy = vn_escape(vn_arena_alloc(t->arena, most), most, cell);
        VEC_PUSH(t->arena, &t->cells, copy);
        const size_t n = strlen(copy);
        t->width[i] = n > t->width[i] ? n : t->width[i];
    }
    t->rows++;
}

struct table *vn_table_new(int columns, const char *const *titles)
{
    struct vn_arena *a = vn_arena_new();
    struct table *t = NEW(a, struct table);
    t->arena = a;
    t->columns = columns < MAX_COLUMNS ? columns : MAX_COLUMNS;
    add_row(t, titles);
    return t;
}

void vn_table_row(struct table *t, const char *const *cells) { add_row(t, cells); }

static void rule(FILE *f, char c, size_t n)
{
    while (n--)
        fputc(c, f);
    fputc('\n', f);
}

static void titled_rule(FILE *f, const char *title, size_t n)
{
    const size_t text = strlen(title), left = text < n ? (n - text) / 2 : 0;
    for (size_t i = 0; i < left; i++)
        fputc('=', f);
    fputs(title, f);
    rule(f, '=', text < n ? n - text - left : 0);
}

void vn_table_print_titled(const struct table *t, const char *title, FILE *f)
{
    size_t total = 0;
    for (int i = 0; i < t->columns; i++)
        total += t->width[i] + (i + 1 < t->columns ? 2 : 0);
    titled_rule(f, title, total);
    for (int r = 0; r < t->rows; r++) {
        for (int i = 0; i < t->columns; i++) {
            const char *cell = t->cells.v[r * t->columns + i];
            if (i + 1 < t->columns)
                fprintf(f, "%-*s  ", (int)t->width[i], cell);
            else
                fprintf(f, "%s\n", cell);
        }
        if (r == 0)
            rule(f, '-', total);
    }
}

void vn_table_print(const struct table *t, FILE *f) { vn_table_print_titled(t, "", f); }

void vn_table_free(struct table **t)
{
    if (!*t)
        return;
    struct vn_arena *a = (*t)->arena;
    vn_arena_free(&a);
    *t = NULL;
}

const char *vn_cut_left(const char *s, int max, char *buf)
{
    const int n = (int)strlen(s);
    if (n <= max)
        return s;
    memcpy(buf, "...", 3);
    memcpy(buf + 3, s + n - (max - 3), (size_t)(max - 3) + 1);
    return buf;
}
