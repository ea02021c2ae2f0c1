/* Fuzz the PNG decoder. */
#define FORMAT_NAME "png"
#include "picture.h"
