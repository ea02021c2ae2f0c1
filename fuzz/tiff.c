/* Fuzz the TIFF decoder. */
#define FORMAT_NAME "tiff"
#include "picture.h"
