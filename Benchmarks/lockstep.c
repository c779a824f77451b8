/* What a lockstep hour costs beyond its message: steps of a daemon against a bare libzmq REQ/REP round trip that
 * carries the same bytes, in the same run, over the same transport, with keys where the daemon has them.
 *
 * A first run is stepped and its replies are recorded. A child process then answers request i with recorded reply i and
 * does nothing else. A second run of the same world is stepped in turn with it: step, bare, step, bare. So both see the
 * same machine at the same time, and every reply of the second run is held against the first. In turn, the daemon can
 * finish what it does after a reply while the other is asked; the first run, stepped without a pause, shows that. */
#define _POSIX_C_SOURCE 200809L
#include "bare.h"
#include "exchange.h"
#include "timings.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WARM_UP = 100, PUBLISHED_TOGETHER = 20, STEPS_MAX = 100000, REQUEST_MAX = 512, NAME_BYTES = 32, SECONDS_MAX = 600 };

/* What must be undone however the program ends. */
static struct {
    const char *endpoint;
    char runs[2][NAME_BYTES];
    int opened[2];
    pid_t child, listeners;
} state;

static const char *format = "records";
static int steps = 2000, json, adjusts, listeners;
static const char *events_endpoint;
static struct keys keys;
/* Where the client and the bare server run. */
static int client_processor = ANY_PROCESSOR, server_processor = ANY_PROCESSOR;

/* MARK: Ending */

static int is_ok(struct reply *reply) {
    static const char wanted[] = "\"ok\":true";
    const char *text = zmq_msg_data(&reply->frames[0]);
    size_t size = zmq_msg_size(&reply->frames[0]);
    size_t matched = 0;
    /* Blanks may stand after the colon. */
    for (size_t index = 0; index < size && matched < sizeof wanted - 1; index++) {
        if (text[index] == wanted[matched]) matched++;
        else if (text[index] != ' ' || matched == 0) matched = text[index] == wanted[0];
    }
    return matched == sizeof wanted - 1;
}

/* Closes and deletes the runs and ends the child; 0 if the daemon did not agree. */
static int clean_up(void) {
    int agreed = 1;
    void *context = zmq_ctx_new();
    for (int run = 0; run < 2; run++) {
        void *socket = state.opened[run] ? exchange_connect(context, state.endpoint, &keys) : NULL;
        if (!socket) continue;
        static const char *const operations[] = {"close", "delete"};
        for (int index = 0; index < 2; index++) {
            char request[REQUEST_MAX];
            int size = snprintf(request, sizeof request, "{\"v\":1,\"op\":\"%s\",\"run\":\"%s\"}", operations[index],
                                state.runs[run]);
            struct reply reply;
            if (exchange(socket, request, (size_t)size, &reply) < 0) {
                agreed = 0;
                break;
            }
            agreed &= is_ok(&reply);
            reply_close(&reply);
        }
        zmq_close(socket);
        state.opened[run] = 0;
    }
    zmq_ctx_term(context);
    pid_t *const children[] = {&state.child, &state.listeners};
    for (int index = 0; index < 2; index++) {
        if (*children[index] <= 0) continue;
        kill(*children[index], SIGTERM);
        waitpid(*children[index], NULL, 0);
        *children[index] = 0;
    }
    return agreed;
}

static _Noreturn void fail(const char *message, ...) {
    va_list arguments;
    va_start(arguments, message);
    fputs("lockstep: ", stderr);
    vfprintf(stderr, message, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    clean_up();
    exit(1);
}

/* MARK: The daemon */

/* Requests what must succeed; returns the microseconds it took. */
static double request_ok(void *socket, const char *request, int size, struct reply *reply) {
    double time = exchange(socket, request, (size_t)size, reply);
    if (time < 0) fail("no reply from %s to %s: %s", state.endpoint, request, zmq_strerror(errno));
    if (!is_ok(reply))
        fail("%s was answered %.*s", request, (int)zmq_msg_size(&reply->frames[0]),
             (const char *)zmq_msg_data(&reply->frames[0]));
    return time;
}

static void open_run(void *socket, int run) {
    char request[REQUEST_MAX];
    int size = snprintf(request, sizeof request,
                        "{\"v\":1,\"op\":\"open\",\"model\":\"merseyside\",\"start\":\"2020-01-01T00:00:00\","
                        "\"step\":\"1h\",\"seed\":1,\"run\":\"%s\",\"publish\":true}",
                        state.runs[run]);
    struct reply reply;
    request_ok(socket, request, size, &reply);
    state.opened[run] = 1;
    reply_close(&reply);
}

/* The names of both runs are as long, and so are their requests. */
static int step_request(char request[REQUEST_MAX], int run, int step) {
    /* Of one area, and gone within a day: as many are in force at any time. */
    static const char adjustment[] = ",\"adjust\":[{\"factor\":0.8,\"areas\":[\"E02001347\"],\"half_life\":\"1h\"}]";
    return snprintf(request, REQUEST_MAX,
                    "{\"v\":1,\"id\":\"%06d\",\"op\":\"step\",\"run\":\"%s\",\"seq\":%d,\"format\":\"%s\"%s}", step,
                    state.runs[run], step, format, adjusts ? adjustment : "");
}

/* Makes the first run's reply the one that the second is expected to give. */
static void rename_run(struct recording *recording) {
    size_t length = strlen(state.runs[0]);
    for (char *place = recording->frames[0]; (place = strstr(place, state.runs[0])); place += length)
        memcpy(place, state.runs[1], length);
}

static void record_steps(struct recording *recordings, int count, double *times, struct conditions *conditions) {
    void *context = zmq_ctx_new();
    void *socket = exchange_connect(context, state.endpoint, &keys);
    if (!socket) fail("cannot connect to %s: %s", state.endpoint, zmq_strerror(errno));
    open_run(socket, 0);
    for (int step = 0; step < count; step++) {
        char request[REQUEST_MAX];
        int size = step_request(request, 0, step);
        struct reply reply;
        double time = request_ok(socket, request, size, &reply);
        if (step >= WARM_UP) times[step - WARM_UP] = time;
        if (!reply_record(&reply, &recordings[step])) fail("no memory for %d replies", count);
        reply_close(&reply);
        rename_run(&recordings[step]);
        conditions->request_bytes += (double)size / count;
        for (int frame = 0; frame < recordings[step].count; frame++)
            conditions->reply_bytes += (double)recordings[step].sizes[frame] / count;
    }
    /* The fork that follows must not take an open socket along. */
    zmq_close(socket);
    zmq_ctx_term(context);
}

/* MARK: Measuring */

static void check_reply(const char *who, int step, struct reply *reply, const struct recording *recording) {
    int frame = reply_difference(reply, recording);
    if (frame < 0) return;
    fprintf(stderr, "recorded: %s\n", recording->frames[0]);
    if (frame == 0)
        fprintf(stderr, "received: %.*s\n", (int)zmq_msg_size(&reply->frames[0]),
                (const char *)zmq_msg_data(&reply->frames[0]));
    fail("step %d: frame %d of the %s's reply differs from the recorded one", step, frame, who);
}

static void measure(const char *bare_endpoint, const struct keys *bare_keys, const struct recording *recordings, int count, double *daemon_times,
                    double *bare_times) {
    void *context = zmq_ctx_new();
    void *daemon = exchange_connect(context, state.endpoint, &keys);
    void *bare = exchange_connect(context, bare_endpoint, bare_keys);
    if (!daemon || !bare) fail("cannot connect to %s and %s", state.endpoint, bare_endpoint);
    open_run(daemon, 1);
    double start = monotonic_microseconds();
    /* In turn, but for what the daemon publishes after its reply: that is for its own next step to wait for. */
    int together = listeners ? PUBLISHED_TOGETHER : 1;
    for (int first = 0; first < count; first += together) {
        int end = first + together < count ? first + together : count;
        for (int step = first; step < end; step++) {
            char request[REQUEST_MAX];
            struct reply reply;
            double time = request_ok(daemon, request, step_request(request, 1, step), &reply);
            check_reply("daemon", step, &reply, &recordings[step]);
            reply_close(&reply);
            if (step >= WARM_UP) daemon_times[step - WARM_UP] = time;
        }
        static const struct timespec millisecond = {0, 1000000};
        if (together > 1) nanosleep(&millisecond, NULL);
        for (int step = first; step < end; step++) {
            char request[REQUEST_MAX];
            struct reply reply;
            double time = exchange(bare, request, (size_t)step_request(request, 1, step), &reply);
            if (time < 0) fail("no reply from the bare server: %s", zmq_strerror(errno));
            check_reply("bare server", step, &reply, &recordings[step]);
            reply_close(&reply);
            if (step >= WARM_UP) bare_times[step - WARM_UP] = time;
        }
        if (monotonic_microseconds() - start > SECONDS_MAX * 1e6) fail("not done after %d s", SECONDS_MAX);
    }
    zmq_close(daemon);
    zmq_close(bare);
    zmq_ctx_term(context);
}

static int parse(int argc, char **argv) {
    static const char *const formats[] = {"records", "columns", "csv", "counts", "none"};
    for (int index = 1; index < argc; index++) {
        if (strcmp(argv[index], "--json") == 0) json = 1;
        else if (strcmp(argv[index], "--steps") == 0 && index + 1 < argc) steps = atoi(argv[++index]);
        else if (strcmp(argv[index], "--format") == 0 && index + 1 < argc) format = argv[++index];
        else if (strcmp(argv[index], "--pin") == 0 && index + 1 < argc) {
            int end = 0;
            if (sscanf(argv[++index], "%4d,%4d%n", &client_processor, &server_processor, &end) != 2) return 0;
            if (argv[index][end] != '\0' || client_processor < 0 || server_processor < 0) return 0;
        } else if (strcmp(argv[index], "--adjust") == 0) adjusts = 1;
        else if (strcmp(argv[index], "--listeners") == 0 && index + 2 < argc) {
            listeners = atoi(argv[++index]);
            events_endpoint = argv[++index];
            if (listeners < 1 || listeners > LISTENERS_MAX) return 0;
        } else if (strcmp(argv[index], "--keys") == 0 && index + 1 < argc) {
            if (sscanf(argv[++index], "%40s %40s %40s", keys.server_public, keys.client_public, keys.client_secret) != 3)
                return 0;
        } else if (argv[index][0] != '-' && !state.endpoint) state.endpoint = argv[index];
        else return 0;
    }
    int known = 0;
    for (size_t index = 0; index < sizeof formats / sizeof *formats; index++)
        known |= strcmp(format, formats[index]) == 0;
    return state.endpoint && known && steps >= 1 && steps <= STEPS_MAX;
}

int main(int argc, char **argv) {
    if (!parse(argc, argv)) {
        fprintf(stderr,
                "usage: lockstep CONTROL_ENDPOINT [--steps 1..%d] [--format records|columns|csv|counts|none]\n"
                "                [--adjust] [--listeners 1..%d EVENTS_ENDPOINT] [--keys \"SERVER CLIENT SECRET\"]\n"
                "                [--pin CLIENT,SERVER] [--json]\n"
                "  --adjust: an adjustment with each step\n"
                "  --listeners: so many, in a process of their own, to all that the daemon publishes\n"
                "  --keys: the daemon's public key, and the client's public and secret one, in Z85\n"
                "  --pin: the processors of the client and of the bare server; the daemon is to be on the server's\n",
                STEPS_MAX, LISTENERS_MAX);
        return 2;
    }
    /* Names of their own, so that two benchmarks of one daemon do not meet. */
    unsigned nonce = (unsigned)getpid() ^ (unsigned)monotonic_microseconds() << 8;
    for (int run = 0; run < 2; run++) snprintf(state.runs[run], NAME_BYTES, "bench-%c-%08x", "ab"[run], nonce);
    int count = WARM_UP + steps;
    struct recording *recordings = calloc((size_t)count, sizeof *recordings);
    double *times[3]; /* of the first run, of the second and of the bare server */
    int enough = recordings != NULL;
    for (int series = 0; series < 3; series++) {
        times[series] = calloc((size_t)steps, sizeof(double));
        enough &= times[series] != NULL;
    }
    if (!enough) fail("no memory for %d steps", steps);
    struct conditions conditions = {.format = format, .steps = steps};
    /* A bare server of the same kind: beside the daemon's socket, or on any port. */
    char bare_endpoint[ENDPOINT_BYTES] = "tcp://127.0.0.1:*";
    if (strncmp(state.endpoint, "ipc://", 6) == 0)
        snprintf(bare_endpoint, sizeof bare_endpoint, "%.240s-bare", state.endpoint);
    struct keys bare_keys = keys;
    char bare_secret[41] = "";
    if (*keys.client_secret && zmq_curve_keypair(bare_keys.server_public, bare_secret) != 0)
        fail("libzmq makes no keys: %s", zmq_strerror(errno));
    if (!pin(client_processor)) fail("there is no processor %d for the client", client_processor);
    record_steps(recordings, count, times[0], &conditions);
    state.child = bare_start(recordings, count, server_processor, bare_secret, bare_endpoint);
    if (state.child < 0) fail("the bare server does not start: %s", strerror(errno));
    if (listeners > 0) {
        state.listeners = listeners_start(events_endpoint, &keys, listeners);
        if (state.listeners < 0) fail("the listeners do not start: %s", strerror(errno));
    }
    measure(bare_endpoint, &bare_keys, recordings, count, times[1], times[2]);
    if (!clean_up()) fail("the runs could not be closed and deleted");
    struct summary alone = summarise(times[0], steps);
    struct summary daemon = summarise(times[1], steps);
    struct summary bare = summarise(times[2], steps);
    (json ? print_json : print_table)(&conditions, &daemon, &bare, &alone);
    for (int step = 0; step < count; step++) recording_free(&recordings[step]);
    free(recordings);
    for (int series = 0; series < 3; series++) free(times[series]);
    return 0;
}
