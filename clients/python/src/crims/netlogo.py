"""What the NetLogo adapter has without a daemon: loadings, the force TEST, and tables as NetLogo reads them."""

from __future__ import annotations

import copy
import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

TIME = "%Y-%m-%d %H:%M:%S"
COLUMNS = ("id", "MSOA", "crime_category", "code", "description", "time", "suspect", "severity")

# A day of the force TEST: time of the day, area, category, code, description, suspect, severity. Every day is the same.
# All categories and all priorities of the police model occur, and hours without incidents.
_TEST_DAY = (
    ("00:04", "E02006932", "violence and sexual offences", "105A", "Assault without injury", True, 13.51054152),
    ("00:31", "E02001385", "anti-social behaviour", "ASB", "Anti-social behaviour", False, 0),
    ("01:12", "E02006932", "public order", "9A", "Public fear, alarm or distress", True, 6.81175759),
    ("02:47", "E02001349", "burglary", "28E", "Burglary Residential", False, 465.3814732),
    ("03:05", "E02001400", "violence and sexual offences", "19C", "Rape of a female aged 16 and over", True,
     2952.940993),
    ("06:20", "E02001332", "vehicle crime", "48", "Theft or unauthorised taking of motor vehicle", False, 128.4294318),
    ("08:15", "E02001377", "other theft", "41", "Theft by an employee", True, 49.29978822),
    ("09:30", "E02006932", "shoplifting", "46", "Shoplifting", True, 11.85553905),
    ("09:52", "E02001385", "burglary", "30C", "Burglary Business and Community", False, 123.0183965),
    ("11:08", "E02001363", "criminal damage and arson", "58A", "Criminal damage to a dwelling", False, 5.39670789),
    ("12:40", "E02006932", "theft from the person", "39", "Theft from the person", False, 80.4051597),
    ("13:25", "E02001377", "drugs", "92A", "Trafficking in controlled drugs", True, 512.9573594),
    ("14:11", "E02001349", "other crime", "33", "Going equipped for stealing, etc", True, 31.25076655),
    ("15:35", "E02001400", "bicycle theft", "44", "Theft or unauthorised taking of a pedal cycle", False, 15.17572799),
    ("15:35", "E02001363", "violence and sexual offences", "8Q", "Stalking", False, 56.34970967),
    ("17:50", "E02001332", "anti-social behaviour", "ASB", "Anti-social behaviour", False, 0),
    ("18:22", "E02006932", "robbery", "34A", "Robbery of business property", True, 799.6288702),
    ("20:03", "E02001385", "possession of weapons", "10D", "Possession of article with blade or point", True,
     53.0382391),
    ("21:45", "E02001377", "criminal damage and arson", "56A", "Arson endangering life", False, 826.1900614),
    ("22:10", "E02006932", "anti-social behaviour", "ASB", "Anti-social behaviour", False, 0),
    ("22:58", "E02001349", "drugs", "92C", "Other drug offences", True, 9.062218937),
    ("23:59", "E02001400", "violence and sexual offences", "105A", "Assault without injury", False, 13.51054152),
)


class Scope(NamedTuple):
    """What an adjustment means: all crimes, or those of these categories and descriptions."""

    factor: float
    categories: tuple[str, ...]
    descriptions: tuple[str, ...]


class Loading:
    """The loading of each category, and of offences that have one of their own."""

    def __init__(self, crimes: Iterable[tuple[str, str]]) -> None:
        pairs = list(crimes)
        self._offences = {description.lower(): (category, description) for category, description in pairs}
        self._categories = dict.fromkeys((category for category, _ in pairs), 1.0)
        self._own: dict[str, float] = {}

    def changed(self, factor: float, name: str | None) -> Loading:
        """As `set_loading`: a category's takes the place of those of its offences."""
        new = copy.copy(self)
        word = None if name is None else self._known(name)
        if word is None:
            new._categories, new._own = dict.fromkeys(self._categories, factor), {}
        elif word in self._categories:
            new._categories = {**self._categories, word: factor}
            new._own = {own: value for own, value in self._own.items() if self._offences[own][0] != word}
        else:
            new._own = {**self._own, word: factor}
        return new

    def of(self, name: str) -> float:
        """As `get_loading`."""
        word = self._known(name)
        return self._categories[word] if word in self._categories else self._of_offence(word)

    def all(self) -> dict[str, float]:
        """As `get_loading` without a name."""
        return {**self._categories, **{self._offences[word][1]: factor for word, factor in self._own.items()}}

    def scopes(self) -> list[Scope]:
        """Adjustments, one for each factor that is not 1, of which no two mean the same crime."""
        words: dict[float, tuple[list[str], list[str]]] = {}
        for category, factor in self._categories.items():
            its = {word: self._of_offence(word) for word, (of, _) in self._offences.items() if of == category}
            if set(its.values()) <= {factor}:
                words.setdefault(factor, ([], []))[0].append(category)
            else:
                for word, own in its.items():
                    words.setdefault(own, ([], []))[1].append(self._offences[word][1])
        if len(words) == 1:
            words = {factor: ([], []) for factor in words}
        return [Scope(factor, tuple(named[0]), tuple(named[1])) for factor, named in words.items() if factor != 1]

    def _of_offence(self, word: str) -> float:
        return self._own.get(word, self._categories[self._offences[word][0]])

    def _known(self, name: str) -> str:
        word = name.strip().lower()
        if word not in self._categories and word not in self._offences:
            raise ValueError(
                f"{name!r} is no category and no offence of this force. Categories are {', '.join(self._categories)}; "
                "offences are the descriptions that get_crimes gives"
            )
        return word


class TestForce:
    """The same day again and again, whatever the loading, and without a daemon."""

    def __init__(self, begin: datetime) -> None:
        self.begin = begin
        self.loading = Loading((crime[2], crime[4]) for crime in _TEST_DAY)

    def set_loading(self, factor: float, name: str | None, reason: str) -> None:
        if name is not None:
            self.loading.of(name)

    def crimes(self, since: datetime, until: datetime) -> str:
        return table(self._rows(since, until))

    def _rows(self, since: datetime, until: datetime) -> Iterator[list[object]]:
        for day in range(since.toordinal(), until.toordinal() + 1):
            for number, (clock, area, category, code, description, suspect, severity) in enumerate(_TEST_DAY):
                time = datetime.strptime(clock, "%H:%M").replace(*datetime.fromordinal(day).timetuple()[:3])
                if since <= time < until:
                    yield [day * 100 + number, area, category, code, description, f"{time:{TIME}}", suspect, severity]


def table(rows: Iterable[Iterable[object]]) -> str:
    """Rows as CSV under the header, as the daemon writes them."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue()
