#include "image/resize_rules.h"
RUN(vn_resize_opencv) { (void)out; (void)a; (void)in; (void)w; (void)h; return vn_fail(e, VN_E_UNSUPPORTED, "resize: opencv %s", r->interpolation); }
