/* Fuzz the WebP decoder. */
#define FORMAT_NAME "webp"
#include "picture.h"
