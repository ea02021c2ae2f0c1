/* Fuzz the JPEG decoder. */
#define FORMAT_NAME "jpeg"
#include "picture.h"
