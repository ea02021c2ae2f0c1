/* vernier/vernier.h - the stable part of the toolchain's headers, in one line. */
#ifndef VERNIER_H
#define VERNIER_H

#include <vernier/convert.h>
#include <vernier/listener.h>
#include <vernier/reason.h>
#include <vernier/runtime.h>
#include <vernier/session.h>

#endif
