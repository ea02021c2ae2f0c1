/* Fuzz the Caffe reader: any text and any weights give a graph or an error. What was read can be written as
 * ONNX. The input is the prototxt, a zero byte, and the caffemodel. */
#include "front/caffe/caffe.h"
#include "guarded.h"

static void ignore(void *user, enum vn_log_level level, const char *text)
{
    (void)user;
    (void)level;
    (void)text;
}

static void one(struct vn_arena *a, const uint8_t *data, size_t size)
{
    struct graph *g;
    struct vn_err e;
    const uint8_t *zero = size ? memchr(data, 0, size) : NULL, *end = data + size;
    const uint8_t *weights = zero ? zero + 1 : end;
    const struct vn_caffe_file text = { "fuzz.prototxt", data, (size_t)((zero ? zero : end) - data) };
    const struct vn_caffe_file model = { "fuzz.caffemodel", weights, (size_t)(end - weights) };
    const struct vn_listener listener = { .log = ignore };
    const struct vn_onnx_options o = { .listener = &listener };
    if (vn_caffe_read_memory(&g, a, &text, &model, &o, &e) == VN_OK) {
        const uint8_t *image;
        size_t bytes;
        vn_onnx_write_memory(&image, &bytes, a, g, NULL, &e);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return guarded(one, data, size); }

#include "main.h"
