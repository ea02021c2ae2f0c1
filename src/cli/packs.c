/* Packs among the files of a command line. */
#include "base/file.h"
#include "cli/cli.h"

int vn_pack_names(const char ***names, struct vn_arena *a, const char *path)
{
    const uint8_t *image;
    size_t bytes;
    *names = NULL;
    if (!vn_file_exists(path) || vn_file_map(a, path, &image, &bytes, NULL) < 0)
        return 0;
    const int n = vn_model_pack_names(NULL, 0, image, bytes);
    if (n <= 0)
        return n;
    *names = NEW_ARRAY(a, const char *, n);
    return vn_model_pack_names(*names, n, image, bytes);
}
