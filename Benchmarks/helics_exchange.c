/* What a step of one hour costs through HELICS: the same bytes as a lockstep hour of the daemon, in turn with it.
 *
 * A first run is stepped and its replies are recorded. A child process is then HELICS' broker and a federate that waits
 * for a message, whenever it may come, and answers message i with recorded reply i; this one is the other federate, which
 * sends request i in hour i and asks for the next hour, by which the answer has come. A second run of the daemon is
 * stepped in turn with it, and every reply of both is held against the first.
 */
#define _POSIX_C_SOURCE 200809L
#include "exchange.h"
#include "timings.h"

#include <errno.h>
#include <helics/helics.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WARM_UP = 100, STEPS_MAX = 100000, REQUEST_MAX = 512, NAME_BYTES = 32, LIMIT_SECONDS = 120 };

static const char *endpoint, *core, *format;
static int steps;
static pid_t child;
static const struct keys no_keys;

static _Noreturn void fail(const char *what, const char *why) {
    fprintf(stderr, "helics_exchange: %s: %s\n", what, why);
    if (child > 0) kill(child, SIGKILL);
    exit(1);
}

static void check(const char *what, const HelicsError *error) {
    if (error->error_code != 0) fail(what, error->message);
}

/* MARK: HELICS */

struct federate {
    HelicsFederate self;
    HelicsEndpoint port;
    const char *other;
};

static struct federate join(const char *name, const char *other, int broker_port, double period) {
    char options[128];
    HelicsError error = helicsErrorInitialize();
    HelicsFederateInfo info = helicsCreateFederateInfo();
    snprintf(options, sizeof options, "--federates=1 --loglevel=error --broker_address=tcp://127.0.0.1 --brokerport=%d", broker_port);
    helicsFederateInfoSetCoreTypeFromString(info, core, &error);
    helicsFederateInfoSetCoreInitString(info, options, &error);
    if (period > 0) helicsFederateInfoSetTimeProperty(info, HELICS_PROPERTY_TIME_PERIOD, period, &error);
    struct federate federate = {.other = other};
    federate.self = helicsCreateMessageFederate(name, info, &error);
    check("a federate cannot join", &error);
    federate.port = helicsFederateRegisterGlobalEndpoint(federate.self, name, "", &error);
    helicsFederateEnterExecutingMode(federate.self, &error);
    check("a federate cannot begin", &error);
    return federate;
}

static void send(const struct federate *federate, const void *bytes, size_t size) {
    HelicsError error = helicsErrorInitialize();
    helicsEndpointSendBytesTo(federate->port, bytes, (int)size, federate->other, &error);
    check("a message was not sent", &error);
}

/* Goes on to a time, or to when a message comes; the message is to be freed. */
static HelicsMessage receive(const struct federate *federate, HelicsTime time) {
    HelicsError error = helicsErrorInitialize();
    helicsFederateRequestTime(federate->self, time, &error);
    check("a time was not granted", &error);
    HelicsMessage message = helicsEndpointGetMessage(federate->port);
    if (!helicsMessageIsValid(message)) fail("a time was granted", "it brought no message");
    return message;
}

static size_t whole_size(const struct recording *recording) {
    size_t size = 0;
    for (int frame = 0; frame < recording->count; frame++) size += recording->sizes[frame];
    return size;
}

/* A reply of several frames goes as one message. */
static char *whole(const struct recording *recording) {
    char *bytes = malloc(whole_size(recording) + 1);
    size_t offset = 0;
    for (int frame = 0; bytes && frame < recording->count; frame++) {
        memcpy(bytes + offset, recording->frames[frame], recording->sizes[frame]);
        offset += recording->sizes[frame];
    }
    return bytes;
}

static void serve(char *const *replies, const struct recording *recordings, int count, int broker_port) {
    char options[128];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    HelicsError error = helicsErrorInitialize();
    snprintf(options, sizeof options, "--federates=2 --loglevel=error --local_interface=tcp://127.0.0.1 --localport=%d", broker_port);
    HelicsBroker broker = helicsCreateBroker(core, "", options, &error);
    check("the broker does not start", &error);
    struct federate crime = join("crime", "police", broker_port, 0);
    for (int hour = 0; hour < count; hour++) {
        helicsMessageFree(receive(&crime, HELICS_TIME_MAXTIME));
        send(&crime, replies[hour], whole_size(&recordings[hour]));
    }
    helicsFederateDisconnect(crime.self, &error);
    helicsBrokerWaitForDisconnect(broker, 3000, &error);
    helicsCloseLibrary();
}

/* MARK: The daemon */

static double request_ok(void *socket, const char *request, int size, struct reply *reply) {
    double time = exchange(socket, request, (size_t)size, reply);
    if (time < 0) fail(request, zmq_strerror(errno));
    return time;
}

static void open_run(void *socket, const char *run) {
    char request[REQUEST_MAX];
    int size = snprintf(request, sizeof request,
                        "{\"v\":1,\"op\":\"open\",\"model\":\"merseyside\",\"start\":\"2020-01-01T00:00:00\","
                        "\"step\":\"1h\",\"seed\":1,\"run\":\"%s\",\"publish\":false}",
                        run);
    struct reply reply;
    request_ok(socket, request, size, &reply);
    reply_close(&reply);
}

static int step_request(char request[REQUEST_MAX], const char *run, int step) {
    return snprintf(request, REQUEST_MAX,
                    "{\"v\":1,\"id\":\"%06d\",\"op\":\"step\",\"run\":\"%s\",\"seq\":%d,\"format\":\"%s\"}", step, run,
                    step, format);
}

/* Both runs' names are as long, so that the first run's replies become the second's. */
static void rename_run(struct recording *recording, const char *from, const char *to) {
    size_t length = strlen(from);
    for (char *place = recording->frames[0]; (place = strstr(place, from)); place += length) memcpy(place, to, length);
}

int main(int argc, char **argv) {
    if (argc != 6 || (steps = atoi(argv[2])) < 1 || steps > STEPS_MAX) {
        fprintf(stderr, "usage: helics_exchange CONTROL_ENDPOINT STEPS FORMAT CORE_TYPE BROKER_PORT\n");
        return 2;
    }
    endpoint = argv[1], format = argv[3], core = argv[4];
    int broker_port = atoi(argv[5]), count = WARM_UP + steps;
    char runs[2][NAME_BYTES], request[REQUEST_MAX];
    for (int run = 0; run < 2; run++) snprintf(runs[run], NAME_BYTES, "helics-%c-%08x", "ab"[run], (unsigned)getpid());
    struct recording *recordings = calloc((size_t)count, sizeof *recordings);
    char **replies = calloc((size_t)count, sizeof *replies);
    double *daemon_times = calloc((size_t)steps, sizeof(double)), *helics_times = calloc((size_t)steps, sizeof(double));
    if (!recordings || !replies || !daemon_times || !helics_times) fail("memory", strerror(errno));
    alarm(LIMIT_SECONDS);

    void *context = zmq_ctx_new(), *daemon = exchange_connect(context, endpoint, &no_keys);
    if (!daemon) fail(endpoint, zmq_strerror(errno));
    open_run(daemon, runs[0]);
    for (int step = 0; step < count; step++) {
        struct reply reply;
        request_ok(daemon, request, step_request(request, runs[0], step), &reply);
        if (!reply_record(&reply, &recordings[step])) fail("memory", strerror(errno));
        reply_close(&reply);
        rename_run(&recordings[step], runs[0], runs[1]);
        if (!(replies[step] = whole(&recordings[step]))) fail("memory", strerror(errno));
    }
    /* The fork must not take an open socket along. */
    zmq_close(daemon);
    zmq_ctx_term(context);
    child = fork();
    if (child < 0) fail("fork", strerror(errno));
    if (child == 0) {
        serve(replies, recordings, count, broker_port);
        _exit(0);
    }

    struct federate police = join("police", "crime", broker_port, 1);
    context = zmq_ctx_new();
    daemon = exchange_connect(context, endpoint, &no_keys);
    open_run(daemon, runs[1]);
    for (int step = 0; step < count; step++) {
        int size = step_request(request, runs[1], step);
        struct reply reply;
        double daemon_time = request_ok(daemon, request, size, &reply);
        if (reply_difference(&reply, &recordings[step]) >= 0) fail("the daemon", "a reply differs from the recorded one");
        reply_close(&reply);
        double begin = monotonic_microseconds();
        send(&police, request, (size_t)size);
        HelicsMessage message = receive(&police, step + 1);
        double helics_time = monotonic_microseconds() - begin;
        size_t expected = whole_size(&recordings[step]);
        if ((size_t)helicsMessageGetByteCount(message) != expected
            || memcmp(helicsMessageGetBytesPointer(message), replies[step], expected) != 0)
            fail("HELICS", "a reply differs from the recorded one");
        helicsMessageFree(message);
        if (step >= WARM_UP) {
            daemon_times[step - WARM_UP] = daemon_time;
            helics_times[step - WARM_UP] = helics_time;
        }
    }
    HelicsError error = helicsErrorInitialize();
    helicsFederateDisconnect(police.self, &error);
    helicsCloseLibrary();
    waitpid(child, NULL, 0);
    zmq_close(daemon);
    zmq_ctx_term(context);
    struct summary ours = summarise(daemon_times, steps), theirs = summarise(helics_times, steps);
    printf("{\"core\": \"%s\", \"format\": \"%s\", \"daemon_us\": {\"p50\": %.2f, \"p99\": %.2f, \"p99.9\": %.2f}, "
           "\"helics_us\": {\"p50\": %.2f, \"p99\": %.2f, \"p99.9\": %.2f}, \"ratio\": %.3f}\n",
           core, format, ours.p50, ours.p99, ours.p999, theirs.p50, theirs.p99, theirs.p999, theirs.p50 / ours.p50);
    return 0;
}
