#include "tables.h"

#include <stdlib.h>
#include <string.h>

struct tables *tables_make(const struct model *model) {
    struct tables *tables = allocate(1, sizeof *tables);
    uint64_t areas = (uint64_t)model->areas, categories = (uint64_t)model->categories;
    uint64_t crimes = (uint64_t)model->crimes, most = areas > crimes ? areas : crimes;
    tables->model = model;
    tables->area_aliases = allocate(areas * categories, sizeof *tables->area_aliases);
    tables->crime_aliases = allocate(HOURS_OF_WEEK * crimes, sizeof *tables->crime_aliases);
    tables->weights = allocate(most, sizeof *tables->weights);
    tables->scaled = allocate(most, sizeof *tables->scaled);
    /* One more, since a place is written before it is known whether it counts. */
    tables->small = allocate(most + 1, sizeof *tables->small);
    tables->large = allocate(most + 1, sizeof *tables->large);
    return tables;
}

void tables_free(struct tables *tables) {
    free(tables->area_aliases);
    free(tables->crime_aliases);
    free(tables->sums);
    free(tables->weights);
    free(tables->scaled);
    free(tables->small);
    free(tables->large);
    free(tables);
}

/* A threshold of at most 1 in units of 2^-32, rounded to even, at most 2^32 - 1, with its alias. Adding 2^52 leaves the
   rounded number in the low bits. */
static uint64_t alias_entry(double threshold, int alias) {
    double shifted = threshold * 0x1p32 + 0x1p52;
    uint64_t fixed;
    memcpy(&fixed, &shifted, sizeof fixed);
    fixed &= (UINT64_C(1) << 52) - 1;
    if (fixed > UINT32_MAX) fixed = UINT32_MAX;
    return fixed << 32 | (uint32_t)alias;
}

/* Vose's method with the stacks and the order of operations of AliasBuilder in Swift. */
static void alias_build(struct tables *tables, int count, uint64_t *restrict entries) {
    const double *restrict weights = tables->weights;
    double *restrict scaled = tables->scaled;
    int *restrict small = tables->small, *restrict large = tables->large;
    double total = 0;
    for (int index = 0; index < count; index++) total += weights[index];
    double scale = total > 0 ? count / total : 0;
    int smalls = 0, larges = 0;
    for (int index = 0; index < count; index++) {
        double value = total > 0 ? weights[index] * scale : 1;
        scaled[index] = value;
        small[smalls] = index;
        large[larges] = index;
        smalls += value < 1;
        larges += !(value < 1);
    }
    /* The last of the small ones takes what it lacks from the last of the large ones. A large one that has become small
       by that is the next to take: what is left of it stays in a register all along. */
    while (smalls > 0 && larges > 0) {
        int more = large[--larges];
        double rest = scaled[more];
        while (smalls > 0) {
            int less = small[--smalls];
            entries[less] = alias_entry(scaled[less], more);
            rest = (rest + scaled[less]) - 1;
            while (rest < 1 && larges > 0) {
                int next = large[--larges];
                entries[more] = alias_entry(rest, next);
                rest = (scaled[next] + rest) - 1;
                more = next;
            }
            if (rest < 1) break;
        }
        if (rest < 1)
            small[smalls++] = more;
        else
            large[larges++] = more;
    }
    for (int left = 0; left < larges; left++) entries[large[left]] = alias_entry(1, large[left]);
    /* Left over by rounding; an outcome of weight 0 then goes to the likeliest instead of happening. */
    for (int left = 0; left < smalls; left++) {
        entries[small[left]] = alias_entry(1, small[left]);
        if (weights[small[left]] == 0 && total > 0) {
            int likeliest = 0;
            for (int other = 1; other < count; other++)
                if (weights[other] > weights[likeliest]) likeliest = other;
            entries[small[left]] = alias_entry(0, likeliest);
        }
    }
}

/* Room for `count` running sums. */
static void reserve(struct tables *tables, int count) {
    if (count <= tables->sums_capacity) return;
    int capacity = 2 * count;
    double *larger = allocate((uint64_t)capacity, sizeof *larger);
    if (tables->sums) memcpy(larger, tables->sums, (size_t)tables->sums_capacity * sizeof *larger);
    free(tables->sums);
    tables->sums = larger;
    tables->sums_capacity = capacity;
}

/* Weights by recurrence from the mode outwards until they no longer matter; their running sums go to `offset`. */
static struct poisson poisson_build(struct tables *tables, double mean, int offset) {
    const double negligible = 0x1p-62;
    struct poisson made = {0, 1, offset};
    int mode = (int)mean, below = 0;
    reserve(tables, offset + mode + 2);
    double *sums = tables->sums + offset;
    if (!(mean > 0)) {
        sums[0] = 1;
        return made;
    }
    double weight = 1;
    for (int count = mode; count > 0; count--) {
        weight *= count / mean;
        if (weight < negligible) break;
        sums[below++] = weight;
    }
    made.first = mode - below;
    for (int left = 0, right = below - 1; left < right; left++, right--) {
        double swapped = sums[left];
        sums[left] = sums[right];
        sums[right] = swapped;
    }
    double sum = 0;
    for (int index = 0; index < below; index++) sums[index] = sum += sums[index];
    made.size = below;
    weight = 1;
    for (int count = mode; weight >= negligible;) {
        if (offset + made.size == tables->sums_capacity) reserve(tables, offset + made.size + 1);
        tables->sums[offset + made.size++] = sum += weight;
        count++;
        weight *= mean / count;
    }
    return made;
}

void tables_prepare(struct tables *tables, int month) {
    const struct model *model = tables->model;
    int areas = model->areas, categories = model->categories, crimes = model->crimes, offset = 0;
    double *rates_of_category = allocate((uint64_t)categories, sizeof *rates_of_category);
    for (int category = 0; category < categories; category++) {
        for (int area = 0; area < areas; area++) {
            double rate = model->rates[(area * categories + category) * 12 + month - 1] / 24;
            tables->weights[area] = rate;
            rates_of_category[category] += rate;
        }
        alias_build(tables, areas, tables->area_aliases + category * areas);
    }
    for (int hour = 0; hour < HOURS_OF_WEEK; hour++) {
        double mean = 0;
        for (int category = 0; category < categories; category++)
            mean += rates_of_category[category] * model->category_weights[hour * categories + category];
        tables->counts[hour] = poisson_build(tables, mean, offset);
        offset += tables->counts[hour].size;
        for (int crime = 0; crime < crimes; crime++)
            tables->weights[crime] =
                rates_of_category[model->category_of_crime[crime]] * model->crime_weights[hour * crimes + crime];
        alias_build(tables, crimes, tables->crime_aliases + hour * crimes);
    }
    free(rates_of_category);
}
