/* top_class MODEL IMAGE - the most likely class, from any artefact: .onnx of any stage, or .bin. */
#include <stdio.h>

#include <vernier/session.h>

static int classify(struct vn_session *s, const char *image, struct vn_err *err)
{
    struct vn_view scores;
    int status = vn_session_feed_file(s, 0, image, err);
    if (status == VN_OK)
        status = vn_session_run(s, err);
    if (status == VN_OK)
        status = vn_session_output(s, 0, &scores, err);
    if (status < 0)
        return status;
    const int64_t top = vn_view_extremes(&scores).top;
    printf("class %lld, score %g\n", (long long)top, vn_view_at(&scores, top));
    return VN_OK;
}

int main(int argc, char **argv)
{
    struct vn_err err;
    struct vn_session *s;
    if (argc != 3) {
        fprintf(stderr, "usage: %s MODEL IMAGE\n", argv[0]);
        return 2;
    }
    int status = vn_session_open(&s, argv[1], NULL, &err);
    if (status == VN_OK)
        status = classify(s, argv[2], &err);
    if (status < 0)
        fprintf(stderr, "%s: %s\n", argv[0], err.msg);
    vn_session_close(&s);
    return status < 0;
}
