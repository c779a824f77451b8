/* Keep-alive HTTP from one thread: so many connections, on each so many requests on their way, until SIGTERM or for so
 * many seconds. What was answered is told as one line of JSON. With --follow, each connection asks once and takes what
 * comes for as long as it comes. With --rate, there are no more answers a second than that.
 *
 *   http_load [--follow] [--connections N] [--ahead N] [--rate N] [--seconds S] PORT PATH... */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 1000, AHEAD_MAX = 64, HEAD_MAX = 16384, ROOM = 262144 };

struct connection {
    int socket;
    /* Which path comes next, and how many answers are to come. */
    int next, ahead;
    /* The head that is being read, and what is left of the body. */
    size_t head;
    long long body;
    char bytes[HEAD_MAX + 1];
};

static struct connection connections[CONNECTIONS_MAX];
static char *paths[64], *requests[64];
static size_t lengths[64];
static int path_count, ahead = 1, follow, port;
static unsigned long long answers, others, bytes;
static volatile sig_atomic_t is_over;

static void end(int number) { (void)number, is_over = 1; }

static void fail(const char *what) {
    fprintf(stderr, "http_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void dial(struct connection *c) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->socket < 0 || connect(c->socket, (struct sockaddr *)&address, sizeof address) != 0) fail("connect");
    int yes = 1;
    setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    c->ahead = 0, c->head = 0, c->body = -1;
}

/* Sends as many requests as may be on their way, in one piece. */
static void ask(struct connection *c) {
    char batch[AHEAD_MAX * 1024];
    size_t size = 0;
    while (c->ahead < ahead && size + lengths[c->next] <= sizeof batch) {
        memcpy(batch + size, requests[c->next], lengths[c->next]);
        size += lengths[c->next];
        c->next = (c->next + 1) % path_count;
        c->ahead++;
    }
    for (size_t sent = 0; sent < size;) {
        ssize_t more = send(c->socket, batch + sent, size - sent, MSG_NOSIGNAL);
        if (more <= 0) fail("send");
        sent += (size_t)more;
    }
}

/* Goes through what has come: heads, to their Content-Length, and bodies. */
static void take(struct connection *c, const char *data, size_t size) {
    bytes += size;
    if (follow) {
        for (const char *at = data; (at = memmem(at, size - (size_t)(at - data), "\nid: ", 5)); at++) answers++;
        return;
    }
    while (size > 0) {
        if (c->body >= 0) {
            size_t part = (long long)size < c->body ? size : (size_t)c->body;
            c->body -= (long long)part, data += part, size -= part;
        } else {
            size_t room = HEAD_MAX - c->head, part = size < room ? size : room, before = c->head;
            memcpy(c->bytes + before, data, part);
            c->bytes[before + part] = 0;
            size_t from = before < 3 ? 0 : before - 3;
            char *stop = memmem(c->bytes + from, before + part - from, "\r\n\r\n", 4);
            if (!stop) {
                if (part == room) errno = EMSGSIZE, fail("a head");
                c->head += part;
                return;
            }
            part = (size_t)(stop + 4 - c->bytes) - before;
            data += part, size -= part, c->head = 0;
            *stop = 0;
            const char *length = strcasestr(c->bytes, "\r\nContent-Length:");
            if (strncmp(c->bytes, "HTTP/1.1 200", 12) != 0) others++;
            c->body = length ? atoll(length + 17) : 0;
        }
        if (c->body == 0) c->body = -1, c->ahead--, answers++;
    }
}

int main(int count, char **words) {
    int wanted = 1, at = 1;
    double seconds = 60, rate = 0;
    for (; at < count && words[at][0] == '-'; at++) {
        if (!strcmp(words[at], "--follow")) follow = 1;
        else if (at + 1 < count && !strcmp(words[at], "--connections")) wanted = atoi(words[++at]);
        else if (at + 1 < count && !strcmp(words[at], "--ahead")) ahead = atoi(words[++at]);
        else if (at + 1 < count && !strcmp(words[at], "--rate")) rate = atof(words[++at]);
        else if (at + 1 < count && !strcmp(words[at], "--seconds")) seconds = atof(words[++at]);
        else break;
    }
    if (at + 2 > count || wanted < 1 || wanted > CONNECTIONS_MAX || ahead < 1 || ahead > AHEAD_MAX) {
        fprintf(stderr, "http_load [--follow] [--connections 1-%d] [--ahead 1-%d] [--rate N] [--seconds S] PORT PATH...\n",
                CONNECTIONS_MAX, AHEAD_MAX);
        return 2;
    }
    port = atoi(words[at++]);
    for (; at < count && path_count < 64; at++, path_count++) {
        paths[path_count] = words[at];
        int size = asprintf(&requests[path_count], "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", words[at]);
        if (size < 0 || size > 1024) errno = EINVAL, fail("a path");
        lengths[path_count] = (size_t)size;
    }
    signal(SIGTERM, end);
    signal(SIGINT, end);
    int poll = epoll_create1(EPOLL_CLOEXEC);
    for (int index = 0; index < wanted; index++) {
        struct connection *c = &connections[index];
        dial(c);
        c->next = index % path_count;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(poll, EPOLL_CTL_ADD, c->socket, &event);
        ask(c);
    }
    static char room[ROOM];
    double begun = now(), paced = begun, until = begun + seconds;
    while (!is_over && now() < until) {
        struct epoll_event events[256];
        int ready = epoll_wait(poll, events, 256, 100);
        for (int index = 0; index < ready; index++) {
            struct connection *c = events[index].data.ptr;
            ssize_t got = recv(c->socket, room, sizeof room, MSG_DONTWAIT);
            if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
            if (got <= 0) {
                if (follow) is_over = 1;
                else errno = got ? errno : EPIPE, fail("the daemon hung up");
                continue;
            }
            take(c, room, (size_t)got);
            /* In batches, as a client would that has several things to ask at once. */
            if (!follow && c->ahead == 0) ask(c);
        }
        /* What was missed, as while it was stopped, is not made up for. */
        if (rate > 0 && (double)answers < rate * (now() - paced - 0.01)) paced = now() - (double)answers / rate;
        while (rate > 0 && !is_over && (double)answers > rate * (now() - paced)) {
            struct timespec moment = {.tv_nsec = 200000};
            nanosleep(&moment, NULL);
        }
    }
    double lasted = now() - begun;
    printf("{\"seconds\":%.3f,\"answers\":%llu,\"not_200\":%llu,\"bytes\":%llu,\"answers_per_second\":%.0f,"
           "\"megabytes_per_second\":%.1f}\n",
           lasted, answers, others, bytes, (double)answers / lasted, (double)bytes / lasted / 1e6);
    return 0;
}
