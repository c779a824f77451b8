// What Swift's Glibc module does not import: signalfd, eventfd, getrandom, ioctl and setrlimit.
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

/// Bytes sent on a connection that the peer's system has not taken yet; -1 and errno on failure.
int crims_unsent_bytes(int descriptor);

/// Raises the number of descriptors that the process may have to what it may raise it to; the number.
long crims_raise_descriptor_limit(void);

/// Fills `count` bytes (at most 256) with random ones; 0 on success.
int crims_random(uint8_t *bytes, size_t count);

/// A descriptor that becomes readable when another thread writes eight bytes to it (eventfd); -1 and errno on failure.
int crims_bell(void);

/// Rings a bell, or makes it silent again.
void crims_bell_ring(int descriptor);
void crims_bell_still(int descriptor);

/// A descriptor that becomes readable so many nanoseconds after it was set (timerfd), or never again for 0; -1 and errno on
/// failure.
int crims_alarm(void);
void crims_alarm_set(int descriptor, uint64_t nanoseconds);

/// A descriptor that is readable while one of two is (epoll); -1 and errno on failure.
int crims_either(int one, int other);

/// Has the calling thread give way to others where there are more of them than processors.
void crims_stand_back(void);

/// Gives memory back to the system that was taken and let go of; takes a millisecond or more.
void crims_return_memory(void);

/// Of some connections, marks in `gone` those whose peer has closed its side or more.
void crims_look_for_gone(const int *descriptors, uint8_t *gone, size_t count);
#endif
