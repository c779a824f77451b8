#ifndef CRIMS_CARCHIVE_SHIM_H
#define CRIMS_CARCHIVE_SHIM_H
#include <archive.h>
#include <archive_entry.h>
#endif
