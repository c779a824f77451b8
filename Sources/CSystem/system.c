#define _GNU_SOURCE
#include "CSystem.h"

#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

static int descriptor_of(int with_hangup) {
    // SIG_SETMASK and not SIG_BLOCK: a parent may have left any signal blocked, and masks are inherited.
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    if (with_hangup) sigaddset(&mask, SIGHUP);
    if (sigprocmask(SIG_SETMASK, &mask, NULL) != 0) return -1;
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
}

int crims_termination_descriptor(void) { return descriptor_of(0); }

int crims_serving_descriptor(void) { return descriptor_of(1); }

int crims_termination_read(int descriptor) {
    struct signalfd_siginfo info;
    ssize_t got = read(descriptor, &info, sizeof info);
    return got == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

int crims_unsent_bytes(int descriptor) {
    int waiting = 0;
    return ioctl(descriptor, SIOCOUTQ, &waiting) == 0 ? waiting : -1;
}

long crims_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 256;
    struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
    return limit.rlim_cur > 1048576 ? 1048576 : (long)limit.rlim_cur;
}

int crims_random(uint8_t *bytes, size_t count) {
    return getrandom(bytes, count, 0) == (ssize_t)count ? 0 : -1;
}

int crims_bell(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

void crims_bell_ring(int descriptor) {
    uint64_t one = 1;
    // A counter that is full rings already.
    if (write(descriptor, &one, sizeof one) < 0) return;
}

void crims_bell_still(int descriptor) {
    uint64_t count;
    if (read(descriptor, &count, sizeof count) < 0) return;
}

int crims_alarm(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC); }

void crims_alarm_set(int descriptor, uint64_t nanoseconds) {
    struct itimerspec when = {.it_value = {(time_t)(nanoseconds / 1000000000), (long)(nanoseconds % 1000000000)}};
    timerfd_settime(descriptor, 0, &when, NULL);
}

int crims_either(int one, int other) {
    int both = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    if (both < 0) return -1;
    if (epoll_ctl(both, EPOLL_CTL_ADD, one, &event) == 0 && epoll_ctl(both, EPOLL_CTL_ADD, other, &event) == 0) return both;
    close(both);
    return -1;
}

void crims_stand_back(void) {
    // A thread's own priority: Linux takes its number where POSIX would have the process's.
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 10);
}

void crims_return_memory(void) { malloc_trim(0); }

void crims_look_for_gone(const int *descriptors, uint8_t *gone, size_t count) {
    for (size_t index = 0; index < count; index++) {
        struct pollfd item = {.fd = descriptors[index], .events = POLLRDHUP};
        gone[index] = poll(&item, 1, 0) > 0 && (item.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL));
    }
}
