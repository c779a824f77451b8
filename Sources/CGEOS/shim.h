#ifndef CRIMS_CGEOS_SHIM_H
#define CRIMS_CGEOS_SHIM_H
#include <geos_c.h>
#endif
