#ifndef CRIMS_CSQLITE_SHIM_H
#define CRIMS_CSQLITE_SHIM_H
#include <sqlite3.h>
#endif
