/* Percentiles of two series of times, side by side. */
#ifndef CRIMS_BENCHMARK_TIMINGS_H
#define CRIMS_BENCHMARK_TIMINGS_H

/* Microseconds. */
struct summary {
    double p50, p99, p999, mean;
};

/* Sorts `times`, of which there is at least one. */
struct summary summarise(double *times, int count);

/* What was measured, for the report. */
struct conditions {
    const char *format;
    int steps;
    double request_bytes, reply_bytes; /* means */
};

/* The daemon in turn with the bare server, the bare server, and the daemon stepped without a pause. */
typedef void report(const struct conditions *conditions, const struct summary *daemon, const struct summary *bare,
                    const struct summary *alone);
report print_table, print_json;

#endif
