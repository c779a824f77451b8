#include "timings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int ascending(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The smallest time that at least this share of all do not exceed. */
static double percentile(const double *sorted, int count, double share) {
    int rank = (int)ceil(share * count);
    return sorted[rank > 0 ? rank - 1 : 0];
}

struct summary summarise(double *times, int count) {
    double sum = 0;
    for (int index = 0; index < count; index++) sum += times[index];
    qsort(times, (size_t)count, sizeof *times, ascending);
    return (struct summary){
        .p50 = percentile(times, count, 0.5),
        .p99 = percentile(times, count, 0.99),
        .p999 = percentile(times, count, 0.999),
        .mean = sum / count,
    };
}

static void print_row(const char *name, double daemon, double bare, double alone) {
    printf("%-8s %10.1f %10.1f %8.2f %16.1f\n", name, daemon, bare, daemon / bare, alone);
}

void print_table(const struct conditions *conditions, const struct summary *daemon, const struct summary *bare,
                 const struct summary *alone) {
    printf("%d steps of 1 h, format %s, request %.0f bytes, reply %.0f bytes\n", conditions->steps, conditions->format,
           conditions->request_bytes, conditions->reply_bytes);
    printf("%-8s %10s %10s %8s %16s\n", "", "daemon/us", "bare/us", "ratio", "without pause/us");
    print_row("p50", daemon->p50, bare->p50, alone->p50);
    print_row("p99", daemon->p99, bare->p99, alone->p99);
    print_row("p99.9", daemon->p999, bare->p999, alone->p999);
    print_row("mean", daemon->mean, bare->mean, alone->mean);
}

static void print_summary(const char *name, const struct summary *summary) {
    printf(", \"%s\": {\"p50\": %.4f, \"p99\": %.4f, \"p99.9\": %.4f, \"mean\": %.4f}", name, summary->p50,
           summary->p99, summary->p999, summary->mean);
}

void print_json(const struct conditions *conditions, const struct summary *daemon, const struct summary *bare,
                const struct summary *alone) {
    struct summary ratio = {daemon->p50 / bare->p50, daemon->p99 / bare->p99, daemon->p999 / bare->p999,
                            daemon->mean / bare->mean};
    printf("{\"format\": \"%s\", \"steps\": %d, \"request_bytes\": %.1f, \"reply_bytes\": %.1f", conditions->format,
           conditions->steps, conditions->request_bytes, conditions->reply_bytes);
    print_summary("daemon_us", daemon);
    print_summary("bare_us", bare);
    print_summary("ratio", &ratio);
    print_summary("without_pause_us", alone);
    puts("}");
}
