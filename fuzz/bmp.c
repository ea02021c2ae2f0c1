/* Fuzz the BMP decoder. */
#define FORMAT_NAME "bmp"
#include "picture.h"
