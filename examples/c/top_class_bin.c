/* top_class_bin FILE.bin PIXELS - with the runtime alone; PIXELS: a file of the raw bytes of the input. */
#include <stdio.h>
#include <stdlib.h>

#include <vernier/runtime.h>

static int read_bytes(void *data, size_t bytes, const char *path)
{
    FILE *f = fopen(path, "rb");
    const int whole = f && fread(data, 1, bytes, f) == bytes && fgetc(f) == EOF;
    if (f)
        fclose(f);
    return whole;
}

static void print_top(const float *scores, size_t n)
{
    size_t top = 0;
    for (size_t i = 1; i < n; i++)
        if (scores[i] > scores[top])
            top = i;
    printf("class %zu, score %g\n", top, scores[top]);
}

static int classify(struct vn_model *m, const char *path)
{
    struct vn_err err;
    int inputs, outputs, status = 1;
    const struct vn_io *in = vn_model_inputs(m, &inputs), *out = vn_model_outputs(m, &outputs);
    if (inputs != 1 || outputs != 1 || out->dtype != VN_F32) {
        fprintf(stderr, "expected one input and one float32 output\n");
        return 1;
    }
    void *pixels = malloc(in->bytes), *scores = malloc(out->bytes);
    if (!pixels || !scores)
        fprintf(stderr, "out of memory\n");
    else if (!read_bytes(pixels, in->bytes, path))
        fprintf(stderr, "%s: expected a file of %zu bytes\n", path, in->bytes);
    else if (vn_model_run(m, (const void *const[]){ pixels }, (void *const[]){ scores }, &err) < 0)
        fprintf(stderr, "%s\n", err.msg);
    else {
        print_top(scores, out->bytes / sizeof(float));
        status = 0;
    }
    free(pixels);
    free(scores);
    return status;
}

int main(int argc, char **argv)
{
    struct vn_err err;
    struct vn_model *m;
    if (argc != 3) {
        fprintf(stderr, "usage: %s FILE.bin PIXELS\n", argv[0]);
        return 2;
    }
    if (vn_model_open(&m, argv[1], NULL, &err) < 0) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    const int status = classify(m, argv[2]);
    vn_model_close(&m);
    return status;
}
