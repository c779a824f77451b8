/* Reads a model folder; see model.h. Unlike the daemon it expects the columns in the documented order and trusts the
   numbers, which `crims models check` has looked at. */
#include "model.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 256, NAME_MAX_BYTES = 128 };

/* A CSV file in memory; `fields` point into `text`, which reading changes in place. */
struct table {
    char path[4096];
    char *text, *next;
    char *fields[FIELDS_MAX];
    int field_count, line;
};

struct names {
    char (*text)[NAME_MAX_BYTES];
    int count, capacity, last;
};

static _Noreturn void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

void *allocate(uint64_t count, uint64_t size) {
    void *memory = calloc(count ? count : 1, size);
    if (!memory) fail("no memory for %llu elements", (unsigned long long)count);
    return memory;
}

/* MARK: CSV */

static void table_close(struct table *table) { free(table->text); }

/* Takes the next record apart (RFC 4180); 0 at the end of the file. Blank lines are passed over. */
static int table_next(struct table *table) {
    while (*table->next == '\n' || *table->next == '\r') table->next++;
    if (*table->next == '\0') return 0;
    table->line++;
    table->field_count = 0;
    char *read = table->next;
    int more = 1;
    while (more) {
        if (table->field_count == FIELDS_MAX) fail("%s:%d: too many fields", table->path, table->line);
        char *write = read;
        table->fields[table->field_count++] = read;
        int quoted = *read == '"';
        if (quoted) read++;
        for (; *read != '\0'; read++) {
            if (quoted && *read == '"') {
                if (read[1] != '"') { quoted = 0; continue; }
                read++;
            } else if (!quoted && (*read == ',' || *read == '\n')) {
                break;
            }
            *write++ = *read;
        }
        more = *read == ',';
        int at_end = *read == '\0';
        if (!more && write > table->fields[table->field_count - 1] && write[-1] == '\r') write--;
        *write = '\0';
        if (!at_end) read++;
    }
    table->next = read;
    return 1;
}

/* Opens a file and holds its header against the columns expected first. */
static void table_open(struct table *table, const char *folder, const char *name, int columns, const char *first) {
    memset(table, 0, sizeof *table);
    snprintf(table->path, sizeof table->path, "%s/%s", folder, name);
    FILE *file = fopen(table->path, "rb");
    if (!file) fail("%s: cannot be opened", table->path);
    if (fseek(file, 0, SEEK_END) != 0) fail("%s: cannot be read", table->path);
    long size = ftell(file);
    if (size < 0) fail("%s: cannot be read", table->path);
    rewind(file);
    table->text = allocate((uint64_t)size + 1, 1);
    if (fread(table->text, 1, (size_t)size, file) != (size_t)size) fail("%s: cannot be read", table->path);
    fclose(file);
    table->next = table->text;
    if (strncmp(table->text, first, strlen(first)) != 0 || !table_next(table) ||
        (columns != 0 && table->field_count != columns))
        fail("%s: a header that begins with \"%s\" is expected, of %d columns if not 0", table->path, first, columns);
}

/* Moves to the next row, which has as many fields as the header. */
static int table_row(struct table *table) {
    int columns = table->field_count;
    if (!table_next(table)) return 0;
    if (table->field_count != columns)
        fail("%s:%d: %d fields, expected %d", table->path, table->line, table->field_count, columns);
    return 1;
}

/* strtod rounds correctly, as the daemon's own reader does. */
static double number(const struct table *table, int column) {
    char *end;
    double value = strtod(table->fields[column], &end);
    if (end == table->fields[column] || *end != '\0' || !(value >= 0) || !isfinite(value))
        fail("%s:%d: \"%s\" is not a number of 0 or more", table->path, table->line, table->fields[column]);
    return value;
}

/* MARK: Names */

/* The index of a name, -1 if it is not there. Rows come in the order of the names: look near the last first. */
static int names_find(struct names *names, const char *name) {
    for (int step = 0; step < names->count; step++) {
        int index = (names->last + step) % names->count;
        if (strcmp(names->text[index], name) == 0) return names->last = index;
    }
    return -1;
}

static int names_add(struct names *names, const char *name) {
    if (names->count == names->capacity) {
        names->capacity = names->capacity ? 2 * names->capacity : 64;
        names->text = realloc(names->text, (size_t)names->capacity * sizeof *names->text);
        if (!names->text) fail("no memory for names");
    }
    snprintf(names->text[names->count], sizeof *names->text, "%s", name);
    return names->count++;
}

static int names_require(struct names *names, const struct table *table, int column) {
    int index = names_find(names, table->fields[column]);
    if (index < 0) fail("%s:%d: \"%s\" is not known", table->path, table->line, table->fields[column]);
    return index;
}

/* MARK: Files */

struct loader {
    struct model *model;
    const char *folder;
    struct names areas, categories, crimes;
    double *shares; /* of a crime in its category, [K] */
};

static void read_areas(struct loader *loader) {
    struct table table;
    /* A sixth column says which areas are imputed, in a model that has such. */
    table_open(&table, loader->folder, "areas.csv", 0, "code,name,");
    while (table_row(&table)) names_add(&loader->areas, table.fields[0]);
    table_close(&table);
    loader->model->areas = loader->areas.count;
}

/* Categories are those of the rows, in the order in which they first come; their shares are made to sum to 1. */
static void read_crimes(struct loader *loader) {
    struct table table;
    struct model *model = loader->model;
    loader->shares = allocate(UINT16_MAX + 1, sizeof *loader->shares);
    model->category_of_crime = allocate(UINT16_MAX + 1, sizeof *model->category_of_crime);
    double *sums = allocate(UINT16_MAX + 1, sizeof *sums);
    table_open(&table, loader->folder, "crimes.csv", 5, "code,description,category,severity,share");
    while (table_row(&table)) {
        int category = names_find(&loader->categories, table.fields[2]);
        if (category < 0) category = names_add(&loader->categories, table.fields[2]);
        if (loader->crimes.count > UINT16_MAX) fail("%s: too many crimes", table.path);
        int crime = names_add(&loader->crimes, table.fields[0]);
        model->category_of_crime[crime] = (uint16_t)category;
        loader->shares[crime] = number(&table, 4);
        sums[category] += loader->shares[crime];
    }
    table_close(&table);
    model->categories = loader->categories.count;
    model->crimes = loader->crimes.count;
    for (int crime = 0; crime < model->crimes; crime++) {
        double sum = sums[model->category_of_crime[crime]];
        if (sum > 0) loader->shares[crime] /= sum;
    }
    free(sums);
}

static void read_rates(struct loader *loader) {
    struct table table;
    struct model *model = loader->model;
    model->rates = allocate((uint64_t)model->areas * (uint64_t)model->categories * 12, sizeof *model->rates);
    table_open(&table, loader->folder, "rates.csv", 14, "area,category,jan,");
    while (table_row(&table)) {
        int area = names_require(&loader->areas, &table, 0);
        int category = names_require(&loader->categories, &table, 1);
        double *rates = model->rates + (area * model->categories + category) * 12;
        for (int month = 0; month < 12; month++) rates[month] = number(&table, 2 + month);
    }
    table_close(&table);
}

static void read_suspect(struct loader *loader) {
    struct table table;
    struct model *model = loader->model;
    uint64_t cells = (uint64_t)model->areas * (uint64_t)model->categories;
    model->suspect_thresholds = allocate(cells, sizeof *model->suspect_thresholds);
    table_open(&table, loader->folder, "suspect.csv", 3, "area,category,probability");
    while (table_row(&table)) {
        int area = names_require(&loader->areas, &table, 0);
        int category = names_require(&loader->categories, &table, 1);
        /* nearbyint rounds to even, as Swift does here. */
        uint64_t threshold = (uint64_t)nearbyint(number(&table, 2) * 0x1p32);
        model->suspect_thresholds[area * model->categories + category] = threshold;
    }
    table_close(&table);
}

/* Each row is made to have mean 1; a code's own row beats that of its category. */
static void read_profile(struct loader *loader) {
    struct table table;
    struct model *model = loader->model;
    uint64_t crimes = (uint64_t)model->crimes, categories = (uint64_t)model->categories;
    double *profiles = allocate((crimes + categories) * HOURS_OF_WEEK, sizeof *profiles);
    uint8_t *seen = allocate(crimes + categories, 1);
    table_open(&table, loader->folder, "profile.csv", 1 + HOURS_OF_WEEK, "crime,h000,");
    while (table_row(&table)) {
        int row = names_find(&loader->crimes, table.fields[0]);
        if (row < 0) row = model->crimes + names_require(&loader->categories, &table, 0);
        double *weights = profiles + row * HOURS_OF_WEEK, sum = 0;
        for (int hour = 0; hour < HOURS_OF_WEEK; hour++) sum += weights[hour] = number(&table, 1 + hour);
        for (int hour = 0; hour < HOURS_OF_WEEK && sum > 0; hour++) weights[hour] *= HOURS_OF_WEEK / sum;
        seen[row] = 1;
    }
    table_close(&table);
    model->crime_weights = allocate(HOURS_OF_WEEK * crimes, sizeof *model->crime_weights);
    model->category_weights = allocate(HOURS_OF_WEEK * categories, sizeof *model->category_weights);
    for (int hour = 0; hour < HOURS_OF_WEEK; hour++) {
        for (int crime = 0; crime < model->crimes; crime++) {
            int category = model->category_of_crime[crime];
            int row = seen[crime] ? crime : model->crimes + category;
            if (!seen[row]) fail("profile.csv: no row for \"%s\"", loader->crimes.text[crime]);
            double weight = loader->shares[crime] * profiles[row * HOURS_OF_WEEK + hour];
            model->crime_weights[hour * model->crimes + crime] = weight;
            model->category_weights[hour * model->categories + category] += weight;
        }
    }
    free(profiles);
    free(seen);
}

struct model *model_read(const char *folder) {
    struct loader loader = {.model = allocate(1, sizeof(struct model)), .folder = folder};
    read_areas(&loader);
    read_crimes(&loader);
    if (loader.areas.count == 0 || loader.crimes.count == 0) fail("%s: no areas or no crimes", folder);
    read_rates(&loader);
    read_suspect(&loader);
    read_profile(&loader);
    free(loader.shares);
    free(loader.areas.text);
    free(loader.categories.text);
    free(loader.crimes.text);
    return loader.model;
}

void model_free(struct model *model) {
    free(model->rates);
    free(model->crime_weights);
    free(model->category_weights);
    free(model->category_of_crime);
    free(model->suspect_thresholds);
    free(model);
}
