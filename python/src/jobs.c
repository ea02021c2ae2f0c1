/* Whole jobs: conversions, comparisons, evaluations. */
#include "native.h"

PyMethodDef native_jobs[] = {
    { 0 },
};
