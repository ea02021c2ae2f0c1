#include "calib/calib.h"

#define CALIB(name) extern const struct calibrator vn_calib_##name;
#include "calib/calib.def"
#undef CALIB

const struct calibrator *const vn_calibrators[] = {
#define CALIB(name) &vn_calib_##name,
#include "calib/calib.def"
#undef CALIB
};
const int vn_calibrators_count = sizeof vn_calibrators / sizeof *vn_calibrators;

const struct calibrator *vn_calibrator_find(const char *name)
{
    for (int i = 0; i < vn_calibrators_count; i++)
        if (!strcmp(vn_calibrators[i]->name, name))
            return vn_calibrators[i];
    return NULL;
}
