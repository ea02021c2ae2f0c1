/* fuzz/main.h - included at the end of a fuzz target: with -DVN_FUZZ_MAIN a main that replays files without a
 * fuzzing engine. */
#ifdef VN_FUZZ_MAIN
#include <stdio.h>

#include "base/file.h"

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct vn_arena *a = vn_arena_new();
        struct vn_err e;
        const uint8_t *data;
        size_t bytes;
        fprintf(stderr, "replay %s\n", argv[i]); /* the last line of a crash's report names the file */
        if (vn_file_map(a, argv[i], &data, &bytes, &e) < 0)
            fprintf(stderr, "%s\n", e.msg);
        else
            LLVMFuzzerTestOneInput(data, bytes);
        vn_arena_free(&a);
    }
    return 0;
}
#endif
