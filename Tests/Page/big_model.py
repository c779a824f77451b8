"""A model folder of as many areas as England and Wales have, with made-up rates."""

import csv
import json
import random

CATEGORIES = ["anti-social behaviour", "burglary", "drugs", "robbery", "shoplifting", "vehicle crime",
              "violence and sexual offences"]
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


def write(folder, areas=7201, per_day=16_000):
    """Writes the model into `folder`: a dozen towns, their areas denser and busier towards the middle."""
    folder.mkdir(parents=True)
    random.seed(areas)
    codes = [f"E{2000000 + index:08d}" for index in range(areas)]
    towns = [(random.uniform(-4, 1), random.uniform(50.5, 55), random.uniform(0.1, 0.6)) for _ in range(12)]

    def table(name, head, rows):
        with open(folder / name, "w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([head, *rows])

    places = []
    for index in range(areas):
        x, y, wide = towns[index % len(towns)]
        places.append((x + random.gauss(0, wide), y + random.gauss(0, 0.6 * wide)))
    table("areas.csv", ["code", "name", "longitude", "latitude", "population"],
          [[code, f"Town {index % len(towns) + 1} area {index // len(towns) + 1}", f"{x:.6f}", f"{y:.6f}",
            random.randint(5000, 12000)] for index, (code, (x, y)) in enumerate(zip(codes, places))])
    table("crimes.csv", ["code", "description", "category", "severity", "share"],
          [[index + 1, category.capitalize(), category, 10 * index, 1] for index, category in enumerate(CATEGORIES)])
    mean = per_day / areas / len(CATEGORIES)
    table("rates.csv", ["area", "category", *MONTHS],
          [[code, category, *[f"{mean * random.lognormvariate(-0.3, 0.8):.6g}"] * 12]
           for code in codes for category in CATEGORIES])
    weights = [0.5 + (hour % 24) / 23 for hour in range(168)]
    table("profile.csv", ["crime", *[f"h{hour:03d}" for hour in range(168)]],
          [[category, *weights] for category in CATEGORIES])
    table("suspect.csv", ["area", "category", "probability"],
          [[code, category, 0.3] for code in codes for category in CATEGORIES])
    table("neighbours.csv", ["area", "neighbour"], zip(codes, codes[1:]))
    (folder / "model.json").write_text(json.dumps({
        "format": 1, "name": folder.name, "title": "A dozen towns, made up",
        "period": {"from": "2018-01", "to": "2019-12"}, "sources": [], "notes": [],
        "method": {"name": "made up", "settings": {}},
    }))
