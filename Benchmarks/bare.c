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
static int serve(int report, const struct recording *recordings, int count, const char *secret,
                 char endpoint[ENDPOINT_BYTES]) {
    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_REP);
    int timeout = 4 * TIMEOUT_MILLISECONDS, linger = TIMEOUT_MILLISECONDS;
    size_t size = ENDPOINT_BYTES;
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    if (*secret) {
        int server = 1;
        zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &server, sizeof server);
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret, 41);
    }
    if (zmq_bind(socket, endpoint) != 0) return 1;
    if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size) != 0) return 1;
    if (write(report, endpoint, ENDPOINT_BYTES) != ENDPOINT_BYTES) return 1;
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

pid_t listeners_start(const char *endpoint, const struct keys *keys, int listeners) {
    pid_t child = fork();
    if (child != 0) return child;
    zmq_pollitem_t items[LISTENERS_MAX];
    void *context = zmq_ctx_new();
    for (int index = 0; index < listeners; index++) {
        void *socket = zmq_socket(context, ZMQ_SUB);
        use_keys(socket, keys);
        zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
        if (zmq_connect(socket, endpoint) != 0) _exit(1);
        items[index] = (zmq_pollitem_t){.socket = socket, .events = ZMQ_POLLIN};
    }
    char byte;
    while (zmq_poll(items, listeners, -1) >= 0)
        for (int index = 0; index < listeners; index++)
            if (items[index].revents)
                while (zmq_recv(items[index].socket, &byte, 1, ZMQ_DONTWAIT) >= 0) continue;
    _exit(0);
}

pid_t bare_start(const struct recording *recordings, int count, int processor, const char *secret,
                 char endpoint[ENDPOINT_BYTES]) {
    int ends[2];
    if (pipe(ends) != 0) return -1;
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        _exit(pin(processor) ? serve(ends[1], recordings, count, secret, endpoint) : 1);
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
