/* The parts of a model folder that drawing incidents needs, with the arithmetic of Sources/Models, so that every
   number has the same bits as in Swift. */
#ifndef CRIMS_BENCHMARK_MODEL_H
#define CRIMS_BENCHMARK_MODEL_H

#include <stdint.h>

enum { HOURS_OF_WEEK = 168 };

/* Arrays are flat: A areas, C categories, K crimes. */
struct model {
    int areas, categories, crimes;
    double *rates;                /* incidents per day, [(area * C + category) * 12 + month - 1] */
    double *crime_weights;        /* share in the category times profile weight, [hour of week * K + crime] */
    double *category_weights;     /* their sums, [hour of week * C + category] */
    uint16_t *category_of_crime;  /* [K] */
    uint64_t *suspect_thresholds; /* probability in units of 2^-32, [area * C + category] */
};

/* Reads the folder; on an error says what is wrong on stderr and ends the program with status 1. */
struct model *model_read(const char *folder);
void model_free(struct model *model);

/* malloc of `count` zeroed elements; ends the program when there is no memory. */
void *allocate(uint64_t count, uint64_t size);

#endif
