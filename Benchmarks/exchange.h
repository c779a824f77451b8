/* One request and its reply over a REQ socket, timed. */
#ifndef CRIMS_BENCHMARK_EXCHANGE_H
#define CRIMS_BENCHMARK_EXCHANGE_H

#include <stddef.h>
#include <zmq.h>

enum { FRAMES_MAX = 8, TIMEOUT_MILLISECONDS = 3000 };

/* A reply as received; the messages are to be closed. */
struct reply {
    int count;
    zmq_msg_t frames[FRAMES_MAX];
};

/* A copy of a reply that may be changed and outlives sockets and forks. */
struct recording {
    int count;
    size_t sizes[FRAMES_MAX];
    char *frames[FRAMES_MAX];
};

/* CURVE keys in Z85, each of 40 characters and a 0; the client's are empty where connections have none. */
struct keys {
    char server_public[41], client_public[41], client_secret[41];
};

/* A REQ socket that gives up after TIMEOUT_MILLISECONDS, or NULL with errno set. */
void *exchange_connect(void *context, const char *endpoint, const struct keys *keys);

/* Makes a socket a client of a server with keys. */
void use_keys(void *socket, const struct keys *keys);

/* Sends one frame and receives the reply. Returns the microseconds from before sending until the last frame is there,
   or a negative number with errno set; then the socket is of no further use. */
double exchange(void *socket, const char *request, size_t size, struct reply *reply);

void reply_close(struct reply *reply);

/* Copies a reply; 0 if there is no memory. */
int reply_record(struct reply *reply, struct recording *recording);

/* The first frame that differs, or -1 if the reply equals the recording. */
int reply_difference(struct reply *reply, const struct recording *recording);

void recording_free(struct recording *recording);

double monotonic_microseconds(void);

#endif
