/* The yardstick of a lockstep hour: a process that answers with recorded replies and does nothing else. */
#ifndef CRIMS_BENCHMARK_BARE_H
#define CRIMS_BENCHMARK_BARE_H

#include "exchange.h"

#include <sys/types.h>

enum { ENDPOINT_BYTES = 256, ANY_PROCESSOR = -1, LISTENERS_MAX = 64 };

/* Forks a server that answers request i with recording i. No socket may be open, as the child would take it along.
   `endpoint` is where it is to listen, with a port of `*`, and then where it does; `secret` is its CURVE key, or empty.
   Returns its process, or -1 with errno set. */
pid_t bare_start(const struct recording *recordings, int count, int processor, const char *secret,
                 char endpoint[ENDPOINT_BYTES]);

/* Forks a process with so many listeners to everything that is published, which reads and forgets it until it is ended.
   The same conditions and result. */
pid_t listeners_start(const char *endpoint, const struct keys *keys, int listeners);

/* Keeps this process, and what it starts from now on, on one processor; 0 if that is not possible. */
int pin(int processor);

#endif
