"""Street files as data.police.uk publishes them, made up: of Merseyside and of the City of London."""

import csv
import pathlib
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADER = ["Crime ID", "Month", "Reported by", "Falls within", "Longitude", "Latitude", "Location", "LSOA code",
          "LSOA name", "Crime type", "Last outcome category", "Context"]  # fmt: skip
NONE_FOUND = "Investigation complete; no suspect identified"


def _reference(name):
    with open(ROOT / "reference" / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


AREAS = {row["code"]: row for row in _reference("areas.csv")}
LSOAS = {}
for _row in _reference("lsoa.csv"):
    LSOAS.setdefault(AREAS[_row["msoa"]]["force"], []).append(_row["lsoa"])
    AREAS[_row["msoa"]].setdefault("lsoa", _row["lsoa"])
HERE, ELSEWHERE = LSOAS["city-of-london"][0], LSOAS["merseyside"][0]
AREA_NAME = "City of London 001"


def row(month, category="Burglary", lsoa=HERE, outcome=NONE_FOUND, id="", lsoa_name="City of London 001A"):
    """A row as a list of fields, in the order of HEADER."""
    return [id, month, "A Police", "A Police", "-0.09", "51.51", "On or near A Street", lsoa, lsoa_name, category,
            outcome, ""]  # fmt: skip


def rows(month, burglaries=60, asb=20):
    """A usual month of the City: anti-social behaviour has neither id nor outcome."""
    return [row(month, id=f"{month}{index:057x}") for index in range(burglaries)] + [
        row(month, "Anti-social behaviour", outcome="") for _ in range(asb)
    ]


def text(records, header=HEADER):
    """The file with these rows; fields are quoted as far as they need it."""

    def field(value):
        return '"' + value.replace('"', '""') + '"' if any(sign in value for sign in ',"\r\n') else value

    return "".join(",".join(map(field, record)) + "\r\n" for record in [header, *records])


def months(first, count):
    year, month = map(int, first.split("-"))
    return [f"{year + (month - 1 + add) // 12}-{(month - 1 + add) % 12 + 1:02}" for add in range(count)]


def name(month, force="city-of-london"):
    return f"{month}/{month}-{force}-street.csv"


def archive(path, files):
    """A zip with files by name: text, or records of a street file."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zip:
        for file, content in files.items():
            zip.writestr(file, content if isinstance(content, (str, bytes)) else text(content))
    return path


def usual(count=12, first="2019-01", **changes):
    """Files of as many usual months; keys of `changes` are months with a "_", values their records, None for none."""
    files = {name(month): rows(month) for month in months(first, count)}
    for month, records in changes.items():
        month = month.removeprefix("m").replace("_", "-")
        files.pop(name(month), None)
        if records is not None:
            files[name(month)] = records
    return files
