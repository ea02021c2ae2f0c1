/* caffetool: print every Caffe layer that can be read, one a line, for tools/caffe_docs.py: type, other
 * names, what becomes of it, parameters. caffetool PROTOTXT CAFFEMODEL ONNX: write a network as ONNX. */
#include <stdio.h>

#include "front/caffe/caffe.h"
#include "front/caffe/layer.h"
#include "toolmain.h"

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

static int convert(struct vn_arena *a, int argc, char **argv, struct vn_err *e)
{
    (void)argc;
    struct graph *g;
    TRY(vn_caffe_read(&g, a, argv[1], argv[2], NULL, e));
    vn_graph_index(g);
    return vn_onnx_write(g, argv[3], NULL, e);
}

int main(int argc, char **argv)
{
    if (argc == 4)
        return tool_run(convert, argc, argv);
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
