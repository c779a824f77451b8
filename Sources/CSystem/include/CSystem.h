// What Swift's Glibc module does not import: signalfd and getrandom.
#ifndef CRIMS_CSYSTEM_H
#define CRIMS_CSYSTEM_H
#include <stddef.h>
#include <stdint.h>

/// Blocks SIGTERM and SIGINT, unblocks everything else, ignores SIGPIPE, and returns a
/// descriptor that becomes readable when one of the two arrives; -1 and errno on failure.
int crims_termination_descriptor(void);

/// As above, with SIGHUP as a third one, which would otherwise end the process.
int crims_serving_descriptor(void);

/// Reads one pending signal's number from either descriptor; 0 when there is none.
int crims_termination_read(int descriptor);

/// Fills `count` bytes (at most 256) with random ones; 0 on success.
int crims_random(uint8_t *bytes, size_t count);
#endif
