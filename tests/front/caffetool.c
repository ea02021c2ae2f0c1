/* caffetool: print every Caffe layer that can be read, one a line, for tools/caffe_docs.py: type, other names, what becomes of it,
 * parameters. caffetool PROTOTXT CAFFEMODEL ONNX: write a network as ONNX. */
#include <stdio.h>

#include "front/caffe/caffe.h"
#include "front/caffe/layer.h"

static void print_names(const struct caffe_layer *k)
{
    const char *const names[] = { k->also, k->v1, k->v0 };
    const char *comma = "";
    for (int i = 0; i < 3; i++)
        if (names[i]) {
            printf("%s%s", comma, names[i]);
            comma = ",";
        }
}

static void print_params(const struct caffe_layer *k)
{
    const char *comma = "";
    if (!k->param)
        return;
    printf("%s:", k->param);
    for (const struct text_field *f = k->params->fields; f->kind; f++)
        if (f->kind != TEXT_ANY) {
            printf("%s%s", comma, f->name);
            comma = ",";
        }
}

static int convert(char **files)
{
    struct vn_arena *a = vn_arena_new();
    struct graph *g;
    struct vn_err e;
    int status = vn_caffe_read(&g, a, files[0], files[1], NULL, &e);
    if (status == VN_OK) {
        vn_graph_index(g);
        status = vn_onnx_write(g, files[2], NULL, &e);
    }
    if (status < 0)
        fprintf(stderr, "%s\n", e.msg);
    vn_arena_free(&a);
    return status < 0;
}

int main(int argc, char **argv)
{
    if (argc == 4)
        return convert(argv + 1);
    for (int i = 0; i < vn_caffe_layers_count; i++) {
        const struct caffe_layer *k = vn_caffe_layers[i];
        printf("%s\t", k->type);
        print_names(k);
        printf("\t%s\t", k->onnx);
        print_params(k);
        printf("\n");
    }
    return 0;
}
