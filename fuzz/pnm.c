/* Fuzz the PNM decoder. */
#define FORMAT_NAME "pnm"
#include "picture.h"
