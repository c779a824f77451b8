#ifndef CRIMS_CSODIUM_SHIM_H
#define CRIMS_CSODIUM_SHIM_H
#include <sodium.h>
#endif
