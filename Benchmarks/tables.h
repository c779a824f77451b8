/* What one month is drawn from: alias tables and Poisson distributions, with the arithmetic of Sources/CrimsCore. */
#ifndef CRIMS_BENCHMARK_TABLES_H
#define CRIMS_BENCHMARK_TABLES_H

#include "model.h"

#include <stdint.h>

/* The count of one hour by inversion: running sums of weights, not normalised, from the count `first` on. */
struct poisson {
    int first, size, offset;
};

struct tables {
    const struct model *model;
    uint64_t *area_aliases;  /* [category * A + area] */
    uint64_t *crime_aliases; /* [hour of week * K + crime] */
    struct poisson counts[HOURS_OF_WEEK];
    double *sums;            /* of all counts, each from its offset on */
    int sums_capacity;
    /* Space to work in. */
    double *weights, *scaled;
    int *small, *large;
};

struct tables *tables_make(const struct model *model);
void tables_free(struct tables *tables);

/* Prepares a calendar month, 1 to 12, without dispersion and trend. */
void tables_prepare(struct tables *tables, int month);

/* The count whose part of [0, 1) holds `unit`: the first whose running sum exceeds it. The number of halvings depends
   on the size alone and the choice needs no branch. */
static inline int poisson_quantile(const struct tables *tables, const struct poisson *poisson, double unit) {
    const double *sums = tables->sums + poisson->offset;
    double target = unit * sums[poisson->size - 1];
    const double *low = sums;
    for (int size = poisson->size; size > 1;) {
        int half = size / 2;
        low += low[half - 1] <= target ? half : 0;
        size -= half;
    }
    return poisson->first + (int)(low - sums);
}

/* The outcome for a uniform word: its upper part chooses an entry, the rest is held against the threshold. */
static inline uint32_t alias_pick(const uint64_t *entries, uint32_t count, uint32_t word) {
    uint64_t product = (uint64_t)word * count;
    uint32_t index = (uint32_t)(product >> 32);
    uint64_t entry = entries[index];
    uint32_t alias = (uint32_t)entry;
    /* A mask and no branch: which of the two it is cannot be foretold. */
    uint32_t keep = 0u - (uint32_t)((uint32_t)product < (uint32_t)(entry >> 32));
    return alias ^ ((alias ^ index) & keep);
}

#endif
