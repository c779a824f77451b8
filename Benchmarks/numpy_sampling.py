"""Draws years of incidents of a model with vectorised numpy and prints what it took as a line of JSON.

The way to draw them that was quickest in numpy, a month at a time: a Poisson count for each hour, then for each
incident its crime by the alias table of the hour of the week, its area by that of the category, its minute, a mark
and whether a suspect is identified. Given its hour an incident's minute says nothing of the rest, so that minutes are
sorted alone. The same columns as the daemon's, from other random numbers: incidents are alike in number and kind, not
the same. No dispersion, no trend, no adjustments; so one calendar month's tables serve every year. Neither they nor
the reading of the model are timed, to numpy's advantage: the daemon's tables are, month by month.
"""

import argparse
import csv
import datetime
import json
import pathlib
import statistics
import time

import numpy

FIRST_YEAR = 2010
EPOCH = datetime.date(1970, 1, 1)


class Model:
    """A model folder in arrays."""

    def __init__(self, folder):
        def rows(name):
            with (pathlib.Path(folder) / name).open(newline="", encoding="utf-8") as file:
                return list(csv.reader(file))[1:]

        areas = {row[0]: index for index, row in enumerate(rows("areas.csv"))}
        crimes = rows("crimes.csv")
        categories = list(dict.fromkeys(row[2] for row in crimes))
        self.category_of = numpy.array([categories.index(row[2]) for row in crimes], dtype=numpy.int32)
        share = numpy.array([float(row[4]) for row in crimes])
        sums = numpy.bincount(self.category_of, share, len(categories))
        self.share = share / sums[self.category_of]
        # Incidents a day, [area, category, month].
        self.rates = numpy.zeros((len(areas), len(categories), 12))
        for area, category, *months in rows("rates.csv"):
            self.rates[areas[area], categories.index(category)] = [float(month) for month in months]
        self.suspect = numpy.zeros((len(areas), len(categories)))
        for area, category, probability, *_ in rows("suspect.csv"):
            self.suspect[areas[area], categories.index(category)] = float(probability)
        profiles = {row[0]: numpy.array([float(weight) for weight in row[1:]]) for row in rows("profile.csv")}
        # Weights of mean 1 over the week, [crime, hour of week].
        self.profile = numpy.stack([profiles.get(row[0], profiles.get(row[2])) for row in crimes])
        self.profile *= 168 / self.profile.sum(axis=1, keepdims=True)


class AliasTables:
    """Alias tables (Vose 1991), one for each row of weights, side by side."""

    def __init__(self, rows):
        self.outcomes = rows.shape[1]
        built = [self.build(row / row.sum() * self.outcomes) for row in rows]
        self.threshold = numpy.concatenate([threshold for threshold, _ in built])
        self.alias = numpy.concatenate([alias for _, alias in built])

    @staticmethod
    def build(row):
        threshold, alias = row.tolist(), list(range(row.size))
        small = [index for index, value in enumerate(threshold) if value < 1]
        large = [index for index, value in enumerate(threshold) if value >= 1]
        while small and large:
            less, more = small.pop(), large[-1]
            alias[less] = more
            threshold[more] -= 1 - threshold[less]
            if threshold[more] < 1:
                small.append(large.pop())
        for index in small + large:
            threshold[index] = 1
        return numpy.array(threshold), numpy.array(alias, dtype=numpy.int32)

    def draw(self, random, which):
        """An outcome of each of the chosen rows."""
        place = random.random(which.size)
        place *= self.outcomes
        index = place.astype(numpy.int32)
        place -= index
        entry = which * self.outcomes
        entry += index
        return numpy.where(place < self.threshold[entry], index, self.alias[entry])


class MonthTables:
    """What a calendar month is drawn from."""

    def __init__(self, model, month):
        rates = model.rates[:, :, month - 1].T / 24
        # Incidents an hour, [hour of week, crime].
        weights = model.profile.T * (model.share * rates.sum(axis=1)[model.category_of])
        self.means = weights.sum(axis=1)
        self.crimes = AliasTables(weights)
        self.areas = AliasTables(rates)


def draw_month(model, tables, random, year, month):
    first = datetime.date(year, month, 1)
    days = ((first.replace(day=28) + datetime.timedelta(days=4)).replace(day=1) - first).days
    first_hour = (first - EPOCH).days * 24
    # The week begins on Monday; 1 January 1970 was a Thursday.
    hours_of_week = (numpy.arange(days * 24) + first_hour + 72) % 168
    counts = random.poisson(tables.means[hours_of_week])
    hour = numpy.repeat(numpy.arange(days * 24, dtype=numpy.int32), counts)
    crime = tables.crimes.draw(random, numpy.repeat(hours_of_week.astype(numpy.int32), counts))
    category = model.category_of[crime]
    area = tables.areas.draw(random, category)
    minute = hour * 60 + random.integers(0, 60, hour.size, dtype=numpy.int32)
    minute.sort()
    ordinal = numpy.arange(hour.size) - numpy.repeat(numpy.cumsum(counts) - counts, counts)
    return {
        "id": (hour.astype(numpy.int64) + first_hour) << 32 | ordinal,
        "time": minute + first_hour * 60,
        "area": area.astype(numpy.uint16),
        "crime": crime.astype(numpy.uint16),
        "suspect": (random.random(hour.size) < model.suspect[area, category]).astype(numpy.uint8),
        "mark": random.random(hour.size, dtype=numpy.float32),
    }


def main():
    parser = argparse.ArgumentParser(description="Draws incidents with numpy.")
    parser.add_argument("--model", default="models/merseyside", help="a model's folder")
    parser.add_argument("--years", type=int, default=10, help="from 2010 on (default 10)")
    parser.add_argument("--rounds", type=int, default=1, help="how often it is timed; the median counts")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    model = Model(options.model)
    random = numpy.random.Generator(numpy.random.SFC64(options.seed))
    tables = [MonthTables(model, month) for month in range(1, 13)]
    draw_month(model, tables[0], random, FIRST_YEAR, 1)
    seconds = []
    for _ in range(options.rounds):
        begin = time.process_time()
        incidents = sum(
            draw_month(model, tables[month - 1], random, year, month)["id"].size
            for year in range(FIRST_YEAR, FIRST_YEAR + options.years)
            for month in range(1, 13)
        )
        seconds.append(time.process_time() - begin)
    median = statistics.median(seconds)
    print(json.dumps({"incidents": incidents, "seconds": median, "numpy": numpy.__version__}))


if __name__ == "__main__":
    main()
