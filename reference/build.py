"""Builds the reference tables of this folder from open data.

Usage: python build.py DATA [-o FOLDER]    (Python 3.9 or later, with pyshp)

The same data give the same bytes: rows are sorted, lines end in "\\n", text is UTF-8.
"""
import argparse
import csv
import gzip
import io
import pathlib
import sys
import zipfile
from collections import Counter, defaultdict

import shapefile

from profiles import ASB, CATEGORIES, HOURS, atlanta, boston, chicago, profiles

# ONS reports these beside the territorial forces. None of them has areas of its own, so
# their crimes have no place in the model.
NOT_TERRITORIAL = {"Action Fraud", "British Transport Police", "CIFAS",
                   "Financial Fraud Action UK", "UK Finance"}
# Names that ONS's counts spell differently from the area list.
ONS_NAMES = {"City of London": "London, City of"}


def found(folder, name):
    """The one file of this name anywhere under the folder."""
    paths = sorted(folder.rglob(name))
    if len(paths) != 1:
        sys.exit(f"build.py: looked for one {name} in the data folder, found {len(paths)}")
    return paths[0]


def rows(folder, name):
    """Rows of a CSV file, compressed or not, as dictionaries without stray blanks."""
    opener = gzip.open if name.endswith(".gz") else open
    with opener(found(folder, name), "rt", encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            yield {key.strip(): value.strip() for key, value in row.items()}


def write(folder, name, header, body):
    """Writes a table; the caller has sorted it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    body = list(body)
    writer.writerows(body)
    data = text.getvalue().encode("utf-8")
    (folder / name).write_bytes(data)
    print(f"{name:20} {len(body):7,} rows {len(data):10,} bytes")


def slug(name):
    """The force as data.police.uk writes it in the names of its files."""
    if name == "Metropolitan Police":
        return "metropolitan"
    return name.lower().replace(" ", "-")


def neighbours(folder):
    """Pairs of areas whose boundaries share a segment.

    The outlines are generalised together, so neighbours share their vertices; rounding to
    the centimetre removes what floating point adds. Touching in one point is not enough.
    """
    name = "Middle_Layer_Super_Output_Areas__December_2011__EW_BSC_V2"
    areas_by_segment = defaultdict(set)
    with zipfile.ZipFile(found(folder, name + "-shp.zip")) as archive:
        parts = {end: io.BytesIO(archive.read(f"{name}.{end}")) for end in ("shp", "shx", "dbf")}
    for item in shapefile.Reader(**parts).iterShapeRecords():
        code = item.record["MSOA11CD"]
        points = [(round(x, 2), round(y, 2)) for x, y in item.shape.points]
        ends = list(item.shape.parts[1:]) + [len(points)]
        for start, end in zip(item.shape.parts, ends):
            ring = points[start:end]
            for a, b in zip(ring, ring[1:]):
                if a != b:
                    areas_by_segment[min(a, b), max(a, b)].add(code)
    return sorted({(a, b) for areas in areas_by_segment.values()
                   for a in areas for b in areas if a < b})


def ons_counts(folder):
    """Crimes recorded in 2017/18 by (ONS force, code).

    Quarters are summed: a negative one corrects an earlier one. Homicide has four rows a
    quarter under one code, its components (murder, manslaughter, ...), summed as well.
    """
    counts = Counter()
    for row in rows(folder, "prc-pfa-mar2013-onwards-tables201718.csv.gz"):
        number = int(row["Number of Offences"].replace(",", ""))
        counts[row["Force Name"], row["Offence Code"]] += number
    return counts


def offences(folder, codes):
    """Code, description, category, severity of the codes that ONS counts use."""
    table = [("ASB", "Anti-social behaviour", ASB, "0")]
    for row in rows(folder, "policeuk-ons-code-join.csv"):
        if row["ONS_COUNTS_code"] in codes:
            table.append((row["ONS_COUNTS_code"], row["ONS_COUNTS_description"],
                          row["POLICE_UK_CAT_MAP_category"].lower(), row["ONS_SEVERITY_weight"]))
    if sorted({row[2] for row in table}) != CATEGORIES:
        raise ValueError("policeuk-ons-code-join.csv: the categories are not the expected 14")
    return sorted(table)


def cities(folder):
    return [
        chicago(rows(folder, "chicago-2022-01-to-2022-09.csv.gz")),
        boston(rows(folder, "boston-2016-01-to-2017-06.csv.gz")),
        atlanta(rows(folder, "atlanta-2019-01-to-2019-08.csv.gz"),
                rows(folder, "atlanta-2020.csv.gz")),
    ]


def build(data, out):
    out.mkdir(parents=True, exist_ok=True)
    areas = list(rows(data, "msoa11_force_lad_pop.csv.gz"))
    counts = ons_counts(data)

    names = sorted({row["PFA16NM"] for row in areas})
    forces = {name: ONS_NAMES.get(name, name) for name in names}
    counted = {force for force, _ in counts} - NOT_TERRITORIAL
    if counted != set(forces.values()):
        raise ValueError(f"forces with areas or counts only: {counted ^ set(forces.values())}")
    write(out, "forces.csv", ("force", "name", "ons_name"),
          sorted((slug(name), name, ons) for name, ons in forces.items()))

    write(out, "areas.csv",
          ("code", "name", "force", "longitude", "latitude", "population", "hectares"),
          sorted((row["MSOA11CD"], row["MSOA11NM"], slug(row["PFA16NM"]), row["LONG"],
                  row["LAT"], row["pop2011"], row["area_ha"]) for row in areas))

    # The lookup has Scotland too, whose codes begin with S.
    write(out, "lsoa.csv", ("lsoa", "msoa"),
          sorted({(row["LSOA"], row["MSOA"]) for row in rows(data, "gb_geog_lookup.csv.gz")
                  if row["LSOA"][0] in "EW"}))

    write(out, "neighbours.csv", ("area", "neighbour"), neighbours(data))

    table = offences(data, {code for _, code in counts})
    write(out, "offences.csv", ("code", "description", "category", "severity"), table)
    codes = {row[0] for row in table}
    slug_by_ons = {ons: slug(name) for name, ons in forces.items()}
    write(out, "offence_counts.csv", ("force", "code", "count"),
          sorted((slug_by_ons[force], code, count) for (force, code), count in counts.items()
                 if force in slug_by_ons and code in codes and count > 0))

    write(out, "profile.csv", ("category", *(f"h{hour:03}" for hour in range(HOURS))),
          ((category, *weights) for category, weights in profiles(cities(data)).items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=pathlib.Path, help="folder of the open data")
    parser.add_argument("-o", "--out", type=pathlib.Path, metavar="FOLDER",
                        default=pathlib.Path(__file__).resolve().parent,
                        help="where to write the tables (default: the folder of this file)")
    arguments = parser.parse_args()
    build(arguments.data, arguments.out)


if __name__ == "__main__":
    main()
