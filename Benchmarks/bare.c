#define _GNU_SOURCE /* sched_setaffinity */
#include "bare.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

int pin(int processor) {
    if (processor == ANY_PROCESSOR) return 1;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((unsigned)processor, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}

/* Ends when no request comes for a while, so that it never outlives the benchmark by much. */
static int serve(int report, const struct recording *recordings, int count) {
    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_REP);
    int timeout = 4 * TIMEOUT_MILLISECONDS, linger = TIMEOUT_MILLISECONDS;
    char endpoint[ENDPOINT_BYTES] = "";
    size_t size = sizeof endpoint;
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    if (zmq_bind(socket, "tcp://127.0.0.1:*") != 0) return 1;
    if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size) != 0) return 1;
    if (write(report, endpoint, sizeof endpoint) != (ssize_t)sizeof endpoint) return 1;
    close(report);
    zmq_msg_t request;
    zmq_msg_init(&request);
    for (int step = 0; step < count; step++) {
        if (zmq_msg_recv(&request, socket, 0) < 0) return 1;
        const struct recording *reply = &recordings[step];
        for (int frame = 0; frame < reply->count; frame++) {
            int more = frame + 1 < reply->count ? ZMQ_SNDMORE : 0;
            /* The recordings outlive the socket, so that even a copy is saved. */
            if (zmq_send_const(socket, reply->frames[frame], reply->sizes[frame], more) < 0) return 1;
        }
    }
    zmq_close(socket);
    zmq_ctx_term(context);
    return 0;
}

pid_t bare_start(const struct recording *recordings, int count, int processor, char endpoint[ENDPOINT_BYTES]) {
    int ends[2];
    if (pipe(ends) != 0) return -1;
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        _exit(pin(processor) ? serve(ends[1], recordings, count) : 1);
    }
    close(ends[1]);
    ssize_t size = child > 0 ? read(ends[0], endpoint, ENDPOINT_BYTES) : -1;
    close(ends[0]);
    if (child < 0 || size == ENDPOINT_BYTES) return child;
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
    errno = EINVAL; /* Nothing but a processor that does not exist keeps it from binding a free port. */
    return -1;
}
