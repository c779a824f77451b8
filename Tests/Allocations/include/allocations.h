/* How often this thread has asked for memory since it began, in a program that links this target. */
#ifndef CRIMS_ALLOCATIONS_H
#define CRIMS_ALLOCATIONS_H

#include <stdint.h>

/* -1 under a sanitizer, which has an allocator of its own. */
int64_t crims_allocations(void);

#endif
