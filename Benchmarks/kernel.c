/* The yardstick of the sampler: draws the incidents that the daemon draws, to the byte, and does nothing else.
 *
 * Hour by hour from 2010-01-01, into columns of an hour, a day or a month: a Poisson count, then for each incident one Philox block, which gives crime and area by
 * alias tables, the minute, whether a suspect is identified, and a mark that nothing is held against here. An hour's
 * incidents are put in the order of their minutes. No dispersion, no trend, no adjustments. */
#define _POSIX_C_SOURCE 200809L
#include "philox.h"
#include "tables.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FIRST_YEAR = 2010, HOURS_OF_DAY = 24 };

/* Incidents of one step, the memory of which is used again for the next. */
struct columns {
    int count, capacity;
    int64_t *id;
    int32_t *time; /* minutes since 1970 */
    uint16_t *area, *crime;
    uint8_t *suspect;
};

struct kernel {
    const struct model *model;
    struct tables *tables;
    struct philox counts, incidents;
    struct columns columns;
    /* Blocks of the hours at hand, [word][incident]; before they are drawn, their counters. */
    uint32_t *words[4];
    int words_capacity;
};

static void release(struct kernel *kernel) {
    for (int word = 0; word < 4; word++) free(kernel->words[word]);
    free(kernel->columns.id);
    free(kernel->columns.time);
    free(kernel->columns.area);
    free(kernel->columns.crime);
    free(kernel->columns.suspect);
}

/* Memory for `capacity` elements, the first `count` of which are those of `old`. */
static void *enlarge(void *old, int count, uint64_t capacity, size_t size) {
    void *larger = allocate(capacity, size);
    if (old) memcpy(larger, old, (size_t)count * size);
    free(old);
    return larger;
}

/* Room for the blocks of `needed` incidents, and for as many more in the columns. */
static void reserve(struct kernel *kernel, int needed) {
    struct columns *columns = &kernel->columns;
    if (needed > kernel->words_capacity) {
        uint64_t capacity = 2 * (uint64_t)needed;
        for (int word = 0; word < 4; word++)
            kernel->words[word] = enlarge(kernel->words[word], 0, capacity, sizeof *kernel->words[word]);
        kernel->words_capacity = (int)capacity;
    }
    if (columns->count + needed > columns->capacity) {
        uint64_t capacity = 2 * (uint64_t)(columns->count + needed);
        columns->id = enlarge(columns->id, columns->count, capacity, sizeof *columns->id);
        columns->time = enlarge(columns->time, columns->count, capacity, sizeof *columns->time);
        columns->area = enlarge(columns->area, columns->count, capacity, sizeof *columns->area);
        columns->crime = enlarge(columns->crime, columns->count, capacity, sizeof *columns->crime);
        columns->suspect = enlarge(columns->suspect, columns->count, capacity, sizeof *columns->suspect);
        columns->capacity = (int)capacity;
    }
}

/* Hours count from a Thursday, hours of the week from Monday. */
static int hour_of_week(uint32_t hour) { return (int)((hour + 3 * HOURS_OF_DAY) % HOURS_OF_WEEK); }

static int draw_counts(const struct kernel *kernel, uint32_t first_hour, int hours, int counts[HOURS_OF_DAY]) {
    int sum = 0;
    for (int first = 0; first < hours; first += LANES) {
        uint32_t x[4][LANES] = {{0}};
        for (int lane = 0; lane < LANES; lane++) x[2][lane] = first_hour + (uint32_t)(first + lane);
        philox_blocks(kernel->counts, x);
        for (int lane = 0; lane < LANES && first + lane < hours; lane++) {
            double unit = (double)(((uint64_t)x[0][lane] << 32 | x[1][lane]) >> 11) * 0x1p-53;
            const struct poisson *poisson =
                &kernel->tables->counts[hour_of_week(first_hour + (uint32_t)(first + lane))];
            sum += counts[first + lane] = poisson_quantile(kernel->tables, poisson, unit);
        }
    }
    return sum;
}

/* Draws the blocks of some hours' incidents, as many as fill the last lanes. */
static void draw_words(
    struct kernel *kernel, uint32_t first_hour, int hours, const int counts[HOURS_OF_DAY], int sum) {
    uint32_t *ordinals = kernel->words[0], *hour_words = kernel->words[2];
    for (int hour = 0, next = 0; hour < hours; hour++) {
        for (int ordinal = 0; ordinal < counts[hour]; ordinal++, next++) {
            ordinals[next] = (uint32_t)ordinal;
            hour_words[next] = first_hour + (uint32_t)hour;
        }
    }
    for (int first = 0; first < sum; first += LANES) {
        uint32_t x[4][LANES] = {{0}};
        memcpy(x[0], ordinals + first, sizeof x[0]);
        memcpy(x[2], hour_words + first, sizeof x[2]);
        philox_blocks(kernel->incidents, x);
        for (int word = 0; word < 4; word++) memcpy(kernel->words[word] + first, x[word], sizeof x[word]);
    }
}

/* Appends one hour's incidents, whose blocks begin at `first`, in the order of their minutes. */
static void append_hour(struct kernel *kernel, uint32_t hour, int first, int count) {
    const struct model *model = kernel->model;
    const uint32_t *words[4];
    for (int word = 0; word < 4; word++) words[word] = kernel->words[word] + first;
    uint32_t places[60] = {0};
    for (int ordinal = 0; ordinal < count; ordinal++) places[(uint64_t)words[2][ordinal] * 60 >> 32]++;
    struct columns *columns = &kernel->columns;
    uint32_t sum = (uint32_t)columns->count;
    for (int minute = 0; minute < 60; minute++) {
        uint32_t here = places[minute];
        places[minute] = sum;
        sum += here;
    }
    const uint64_t *crime_aliases = kernel->tables->crime_aliases + hour_of_week(hour) * model->crimes;
    for (int ordinal = 0; ordinal < count; ordinal++) {
        uint32_t crime = alias_pick(crime_aliases, (uint32_t)model->crimes, words[0][ordinal]);
        uint32_t category = model->category_of_crime[crime];
        uint32_t area = alias_pick(kernel->tables->area_aliases + category * (uint32_t)model->areas,
                                   (uint32_t)model->areas, words[1][ordinal]);
        uint64_t minute_and_rest = (uint64_t)words[2][ordinal] * 60;
        uint32_t minute = (uint32_t)(minute_and_rest >> 32);
        uint32_t place = places[minute]++;
        columns->id[place] = (int64_t)((uint64_t)hour << 32 | (uint32_t)ordinal);
        columns->time[place] = (int32_t)(hour * 60 + minute);
        columns->area[place] = (uint16_t)area;
        columns->crime[place] = (uint16_t)crime;
        columns->suspect[place] =
            (uint32_t)minute_and_rest < model->suspect_thresholds[area * (uint32_t)model->categories + category];
    }
    columns->count += count;
}

/* Appends the incidents of some hours, at most a day. */
static void draw_hours(struct kernel *kernel, uint32_t first_hour, int hours) {
    int counts[HOURS_OF_DAY];
    int sum = draw_counts(kernel, first_hour, hours, counts);
    reserve(kernel, sum + LANES);
    draw_words(kernel, first_hour, hours, counts, sum);
    for (int hour = 0, first = 0; hour < hours; first += counts[hour++])
        append_hour(kernel, first_hour + (uint32_t)hour, first, counts[hour]);
}

static uint64_t hash_bytes(uint64_t hash, uint64_t value, int bytes) {
    for (int byte = 0; byte < bytes; byte++) hash = (hash ^ (value >> 8 * byte & 0xFF)) * 0x100000001B3;
    return hash;
}

/* FNV-1a over id (8 bytes), time (4), area (2), crime (2), suspect (1), little-endian. */
static uint64_t checksum(uint64_t hash, const struct columns *columns) {
    for (int index = 0; index < columns->count; index++) {
        hash = hash_bytes(hash, (uint64_t)columns->id[index], 8);
        hash = hash_bytes(hash, (uint32_t)columns->time[index], 4);
        hash = hash_bytes(hash, columns->area[index], 2);
        hash = hash_bytes(hash, columns->crime[index], 2);
        hash = hash_bytes(hash, columns->suspect[index], 1);
    }
    return hash;
}

static int days_of_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

/* HASHED takes the checksum, which costs more than the drawing and is not timed. */
enum pass { TIMED, TABLES_ONLY, HASHED };

/* What the columns hold before they are used again. An hour's step draws an hour's blocks at a time, the others a
 * day's. */
enum step { HOUR, DAY, MONTH };

/* What has been drawn of a step that ends here. */
static void end_step(struct kernel *kernel, enum pass pass, int64_t *incidents, uint64_t *hash) {
    *incidents += kernel->columns.count;
    if (pass == HASHED) *hash = checksum(*hash, &kernel->columns);
    kernel->columns.count = 0;
}

/* Draws all years and returns how many incidents there were. */
static int64_t draw_years(struct kernel *kernel, int years, enum step step, enum pass pass, uint64_t *hash) {
    int64_t incidents = 0;
    uint32_t hour = 0;
    for (int year = 1970; year < FIRST_YEAR; year++)
        for (int month = 1; month <= 12; month++) hour += (uint32_t)days_of_month(year, month) * HOURS_OF_DAY;
    for (int year = FIRST_YEAR; year < FIRST_YEAR + years; year++) {
        for (int month = 1; month <= 12; month++) {
            tables_prepare(kernel->tables, month);
            if (pass == TABLES_ONLY) continue;
            int hours = step == HOUR ? 1 : HOURS_OF_DAY;
            uint32_t end = hour + (uint32_t)days_of_month(year, month) * HOURS_OF_DAY;
            for (; hour < end; hour += (uint32_t)hours) {
                draw_hours(kernel, hour, hours);
                if (step != MONTH) end_step(kernel, pass, &incidents, hash);
            }
            if (step == MONTH) end_step(kernel, pass, &incidents, hash);
        }
    }
    return incidents;
}

/* The processor's, which counts the same on a busy machine. */
static double processor_seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int ascending(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The median of `rounds` passes, in seconds. */
static double time_pass(
    struct kernel *kernel, int years, enum step step, enum pass pass, int rounds, int64_t *incidents) {
    double *seconds = allocate((uint64_t)rounds, sizeof *seconds);
    for (int round = 0; round < rounds; round++) {
        double start = processor_seconds();
        *incidents = draw_years(kernel, years, step, pass, NULL);
        seconds[round] = processor_seconds() - start;
    }
    qsort(seconds, (size_t)rounds, sizeof *seconds, ascending);
    double median = seconds[rounds / 2];
    free(seconds);
    return median;
}

/* The whole number that follows an option, or the end of the program. */
static uint64_t option_number(const char *text, uint64_t least, uint64_t most) {
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (*text >= '0' && *text <= '9' && *end == '\0' && value >= least && value <= most) return value;
    fprintf(stderr, "kernel: %s is not a whole number from %" PRIu64 " to %" PRIu64 "\n", text, least, most);
    exit(2);
}

static enum step option_step(const char *text) {
    if (strcmp(text, "hour") == 0) return HOUR;
    if (strcmp(text, "day") == 0) return DAY;
    if (strcmp(text, "month") == 0) return MONTH;
    fprintf(stderr, "kernel: a step is hour, day or month, not \"%s\"\n", text);
    exit(2);
}

int main(int argc, char **argv) {
    const char *folder = "models/merseyside";
    int years = 10, rounds = 1;
    enum step step = DAY;
    uint64_t seed = 1;
    for (int index = 1; index < argc; index += 2) {
        const char *value = index + 1 < argc ? argv[index + 1] : "";
        if (strcmp(argv[index], "--model") == 0) folder = value;
        else if (strcmp(argv[index], "--years") == 0) years = (int)option_number(value, 1, 100);
        else if (strcmp(argv[index], "--step") == 0) step = option_step(value);
        else if (strcmp(argv[index], "--rounds") == 0) rounds = (int)option_number(value, 1, 1000);
        else if (strcmp(argv[index], "--seed") == 0) seed = option_number(value, 0, (UINT64_C(1) << 53) - 1);
        else {
            fprintf(stderr, "usage: kernel [--model FOLDER] [--years 1..100] [--step hour|day|month] "
                            "[--rounds 1..1000] [--seed N]\n");
            return 2;
        }
    }
    struct model *model = model_read(folder);
    struct kernel kernel = {
        .model = model,
        .tables = tables_make(model),
        .counts = philox_make(seed, COUNT),
        .incidents = philox_make(seed, INCIDENT),
    };
    uint64_t hash = 0xCBF29CE484222325;
    int64_t incidents, none;
    draw_years(&kernel, years, step, HASHED, &hash); /* Also brings code and model into the caches. */
    double tables = time_pass(&kernel, years, step, TABLES_ONLY, rounds, &none);
    double seconds = time_pass(&kernel, years, step, TIMED, rounds, &incidents);
    printf("{\"incidents\": %" PRId64 ", \"seconds\": %.9f, ", incidents, seconds);
    printf("\"checksum\": \"%016" PRIx64 "\", \"tables_seconds\": %.9f}\n", hash, tables);
    release(&kernel);
    tables_free(kernel.tables);
    model_free(model);
    return 0;
}
