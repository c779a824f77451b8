#define _POSIX_C_SOURCE 200809L
#include "exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double monotonic_microseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec * 1e-3;
}

void use_keys(void *socket, const struct keys *keys) {
    if (!*keys->client_secret) return;
    zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, keys->server_public, 41);
    zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, keys->client_public, 41);
    zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, keys->client_secret, 41);
}

void *exchange_connect(void *context, const char *endpoint, const struct keys *keys) {
    void *socket = zmq_socket(context, ZMQ_REQ);
    if (!socket) return NULL;
    int timeout = TIMEOUT_MILLISECONDS, linger = 0;
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
    zmq_setsockopt(socket, ZMQ_SNDTIMEO, &timeout, sizeof timeout);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    use_keys(socket, keys);
    if (zmq_connect(socket, endpoint) == 0) return socket;
    int cause = errno;
    zmq_close(socket);
    errno = cause;
    return NULL;
}

double exchange(void *socket, const char *request, size_t size, struct reply *reply) {
    reply->count = 0;
    double start = monotonic_microseconds();
    if (zmq_send(socket, request, size, 0) < 0) return -1;
    int more = 1;
    while (more) {
        if (reply->count == FRAMES_MAX) {
            errno = EMSGSIZE;
            break;
        }
        zmq_msg_t *frame = &reply->frames[reply->count];
        zmq_msg_init(frame);
        if (zmq_msg_recv(frame, socket, 0) < 0) {
            zmq_msg_close(frame);
            break;
        }
        reply->count++;
        more = zmq_msg_more(frame);
    }
    if (!more) return monotonic_microseconds() - start;
    int cause = errno;
    reply_close(reply);
    errno = cause;
    return -1;
}

void reply_close(struct reply *reply) {
    for (int frame = 0; frame < reply->count; frame++) zmq_msg_close(&reply->frames[frame]);
    reply->count = 0;
}

int reply_record(struct reply *reply, struct recording *recording) {
    recording->count = 0;
    for (int frame = 0; frame < reply->count; frame++) {
        size_t size = zmq_msg_size(&reply->frames[frame]);
        /* One byte more: a column without rows is a frame of none, and text may be searched up to its 0. */
        char *copy = malloc(size + 1);
        if (!copy) return 0;
        memcpy(copy, zmq_msg_data(&reply->frames[frame]), size);
        copy[size] = '\0';
        recording->frames[frame] = copy;
        recording->sizes[frame] = size;
        recording->count++;
    }
    return 1;
}

int reply_difference(struct reply *reply, const struct recording *recording) {
    for (int frame = 0; frame < reply->count && frame < recording->count; frame++) {
        size_t size = zmq_msg_size(&reply->frames[frame]);
        if (size != recording->sizes[frame]) return frame;
        if (memcmp(zmq_msg_data(&reply->frames[frame]), recording->frames[frame], size) != 0) return frame;
    }
    if (reply->count == recording->count) return -1;
    return reply->count < recording->count ? reply->count : recording->count;
}

void recording_free(struct recording *recording) {
    for (int frame = 0; frame < recording->count; frame++) free(recording->frames[frame]);
    recording->count = 0;
}
