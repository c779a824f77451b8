"""Weekly profiles: when in the week each category of crime happens.

police.uk publishes the month of a crime and nothing finer, so the weights come from
three cities that publish the time: Chicago, Boston and Atlanta. They stand in for
England and Wales; they are not an observation of it.
"""
from datetime import date, datetime, timedelta
from decimal import Decimal

HOURS, DAY, MINUTES = 168, 24, 168 * 60

VIOLENCE, BURGLARY, ROBBERY = "violence and sexual offences", "burglary", "robbery"
DAMAGE, DRUGS, WEAPONS = "criminal damage and arson", "drugs", "possession of weapons"
VEHICLE, BICYCLE, PERSON = "vehicle crime", "bicycle theft", "theft from the person"
SHOPLIFTING, THEFT, OTHER = "shoplifting", "other theft", "other crime"
ORDER, ASB = "public order", "anti-social behaviour"
CATEGORIES = sorted([VIOLENCE, BURGLARY, ROBBERY, DAMAGE, DRUGS, WEAPONS, VEHICLE, BICYCLE,
                     PERSON, SHOPLIFTING, THEFT, OTHER, ORDER, ASB])

# Offence types to categories. A type may serve two categories: where nothing was recorded
# for a category as such, the nearest thing is its proxy. Types not named are left out.
CHICAGO = {
    "ARSON": (DAMAGE,), "ASSAULT": (VIOLENCE,), "BATTERY": (VIOLENCE,),
    "BURGLARY": (BURGLARY,), "CONCEALED CARRY LICENSE VIOLATION": (WEAPONS,),
    "CRIMINAL DAMAGE": (DAMAGE,), "CRIMINAL SEXUAL ASSAULT": (VIOLENCE,),
    "CRIMINAL TRESPASS": (ASB,), "GAMBLING": (ASB,), "HOMICIDE": (VIOLENCE,),
    "HUMAN TRAFFICKING": (VIOLENCE,), "INTERFERENCE WITH PUBLIC OFFICER": (OTHER,),
    "INTIMIDATION": (VIOLENCE,), "KIDNAPPING": (VIOLENCE,), "LIQUOR LAW VIOLATION": (ASB,),
    "MOTOR VEHICLE THEFT": (VEHICLE,), "NARCOTICS": (DRUGS,), "OBSCENITY": (OTHER,),
    "OFFENSE INVOLVING CHILDREN": (VIOLENCE,), "OTHER NARCOTIC VIOLATION": (DRUGS,),
    "OTHER OFFENSE": (OTHER,), "PROSTITUTION": (OTHER,), "PUBLIC INDECENCY": (ASB,),
    "PUBLIC PEACE VIOLATION": (ORDER, ASB), "ROBBERY": (ROBBERY,), "SEX OFFENSE": (VIOLENCE,),
    "STALKING": (VIOLENCE,), "THEFT": (THEFT,), "WEAPONS VIOLATION": (WEAPONS,),
}
CHICAGO_DETAIL = {  # where the description says more than the type
    # In Illinois simple assault is a threat without contact: in England a public order
    # offence as often as a common assault.
    ("ASSAULT", "SIMPLE"): (VIOLENCE, ORDER),
    ("DECEPTIVE PRACTICE", "COUNTERFEITING DOCUMENT"): (OTHER,),
    ("DECEPTIVE PRACTICE", "FORGERY"): (OTHER,),  # fraud proper is not in police.uk
    ("OTHER OFFENSE", "HARASSMENT BY ELECTRONIC MEANS"): (VIOLENCE,),
    ("OTHER OFFENSE", "HARASSMENT BY TELEPHONE"): (VIOLENCE,),
    ("OTHER OFFENSE", "TELEPHONE THREAT"): (VIOLENCE,),
    ("THEFT", "POCKET-PICKING"): (PERSON,), ("THEFT", "PURSE-SNATCHING"): (PERSON,),
    ("THEFT", "RETAIL THEFT"): (SHOPLIFTING,),
    ("WEAPONS VIOLATION", "RECKLESS FIREARM DISCHARGE"): (),  # a shooting, not possession
}
BOSTON = {
    "Drug Violation": (DRUGS,), "Larceny": (THEFT,), "Simple Assault": (VIOLENCE,),
    "Vandalism": (DAMAGE, ASB), "Verbal Disputes": (ORDER, ASB),
}
# Atlanta by the first digits of the Uniform Crime Reporting number; the longest match wins.
ATLANTA = {
    "1": (VIOLENCE,), "3": (ROBBERY,), "4": (VIOLENCE,), "5": (BURGLARY,), "6": (THEFT,),
    "61": (PERSON,), "62": (PERSON,), "63": (SHOPLIFTING,), "64": (VEHICLE,),
    "65": (VEHICLE,), "66": (BICYCLE,), "7": (VEHICLE,),
}

# One city counts for less than this many incidents, however many it has. Two cities'
# profiles of a category differ, beyond chance, as two samples of about this size would
# (mean over 15 pairs), so more incidents of one city say little more about elsewhere.
CITY_INCIDENTS_MAX = 3000
# Weight, in incidents, of the all-crime profile in each category's: the value that best
# predicts each city from the other two (mean log-likelihood; flat from 800 to 1200).
PRIOR_INCIDENTS = 1000
# A window of possible times longer than this says nothing about the hour.
WINDOW_MINUTES_MAX = DAY * 60
# One night of unrest in Atlanta: 118 of 2020's 1,642 burglaries on two dates, which
# would give every week of the year a peak early on Saturday.
UNREST = {date(2020, 5, 29), date(2020, 5, 30)}


def minute_of_week(time):
    return time.weekday() * DAY * 60 + time.hour * 60 + time.minute


def distinct(rows):
    """Rows without full duplicates: the same incident listed twice."""
    seen = set()
    for row in rows:
        key = tuple(row.values())
        if key not in seen:
            seen.add(key)
            yield row


class City:
    """Incidents of one city by category: exact times, and windows already spread."""

    def __init__(self, whole_hours=False):
        self.points = {category: [0] * MINUTES for category in CATEGORIES}
        self.windows = {category: [0.0] * HOURS for category in CATEGORIES}
        # Where only the hour is given, incidents are entered at its half.
        self.heap_minutes = (30,) if whole_hours else (0, 1)

    def add(self, categories, start, end=None):
        """Enters an incident at `start`, or spread evenly from `start` to `end` (aoristic)."""
        first = minute_of_week(start)
        length = int((end - start) / timedelta(minutes=1)) if end else 0
        if length > WINDOW_MINUTES_MAX:
            return
        for category in categories:
            if length <= 60:
                self.points[category][first] += 1
                continue
            minute, left = first, length
            while left > 0:
                part = min(left, 60 - minute % 60)
                self.windows[category][minute // 60 % HOURS] += part / length
                minute, left = minute + part, left - part

    def known(self, category, hour, minute):
        """Share of incidents at this time of day that are to be believed.

        00:00, 00:01 and noon also stand for "time unknown". What exceeds the mean of the
        same minute an hour before and an hour after carries a date but no hour: dropped.
        """
        if hour not in (0, 12) or minute not in self.heap_minutes:
            return 1.0
        before, there, after = (sum(self.points[category][(h % DAY) * 60 + minute::DAY * 60])
                                for h in (hour - 1, hour, hour + 1))
        return min(1.0, (before + after) / 2 / there) if there else 1.0

    def hours(self, category):
        """Incidents of a category in each hour of the week, heaps removed."""
        week = list(self.windows[category])
        share = {(h, m): self.known(category, h, m) for h in (0, 12) for m in self.heap_minutes}
        for index, count in enumerate(self.points[category]):
            if not count:
                continue
            hour, minute = divmod(index, 60)
            count *= share.get((hour % DAY, minute), 1.0)
            if minute == 0:
                # Over a third of times are on the hour: rounded, as often from before it
                # as from after it.
                week[hour - 1] += count / 2  # for hour 0 the index -1 is Sunday's last
                week[hour] += count / 2
            else:
                week[hour] += count
        return week


def chicago(rows):
    city = City()
    for row in distinct(rows):
        kind, detail = row["Primary Type"], row["Description"]
        categories = CHICAGO_DETAIL.get((kind, detail), CHICAGO.get(kind, ()))
        city.add(categories, datetime.strptime(row["Date"], "%Y-%m-%d %H:%M:%S"))
    return city


def boston(rows):
    city = City(whole_hours=True)
    for row in distinct(rows):
        day = datetime.strptime(row["OCCURRED_ON_DATE"], "%Y-%m-%d")
        city.add(BOSTON.get(row["CODE_GROUP"], ()),
                 day + timedelta(hours=int(row["HOUR"]), minutes=30))
    return city


def atlanta(rows_2019, rows_2020):
    city = City()
    files = [
        (rows_2019, "%Y-%m-%d", ("UCR #", "Occur Date", "Occur Time", "Possible Date",
                                 "Possible Time")),
        (rows_2020, "%m/%d/%Y", ("UCR_Number", "occur_date", "occur_time", "poss_date",
                                 "poss_time")),
    ]
    for rows, date_format, columns in files:
        for row in distinct(rows):
            number, *times = (row[column].strip() for column in columns)
            number = number.lstrip("0")
            categories = next((ATLANTA[number[:n]] for n in (2, 1) if number[:n] in ATLANTA), ())
            # Times are printed 0020, 0:20 or, rarely, without leading noughts.
            clock = [time.replace(":", "").zfill(4) for time in times[1::2]]
            try:
                start, end = (datetime.strptime(day + " " + time, date_format + " %H%M")
                              for day, time in zip(times[::2], clock))
            except ValueError:
                continue  # no readable time, no evidence
            if start.date() not in UNREST:
                city.add(categories, start, end)
    return city


def pooled(weeks):
    """The mean profile (sum 1) of some cities' weeks, and the incidents it is worth.

    Each city is first reduced to shares, so that its level does not matter; n incidents
    count as n·M/(n+M), M being CITY_INCIDENTS_MAX.
    """
    total, worth = [0.0] * HOURS, 0.0
    for week in weeks:
        n = sum(week)
        if n:
            weight = n * CITY_INCIDENTS_MAX / (n + CITY_INCIDENTS_MAX)
            total = [t + weight * count / n for t, count in zip(total, week)]
            worth += weight
    return [t / worth for t in total], worth


def smoothed(week):
    """Each hour averaged with its two neighbours (1 : 2 : 1), Sunday's end with Monday's start.

    Reported times are seldom exact to the hour; this too predicts an unseen city better.
    """
    return [(week[h - 1] + 2 * week[h] + week[(h + 1) % HOURS]) / 4 for h in range(HOURS)]


def printed(profile):
    """Mean-1 weights with 4 decimals that sum to 168 exactly (largest remainders)."""
    scaled = [share * HOURS * 10_000 / sum(profile) for share in profile]
    units = [int(value) for value in scaled]
    missing = HOURS * 10_000 - sum(units)
    by_remainder = sorted(range(HOURS), key=lambda h: (units[h] - scaled[h], h))
    for hour in by_remainder[:missing]:
        units[hour] += 1
    if min(units) <= 0:
        raise ValueError("an hour of the week has no weight at all")
    return [str(Decimal(unit).scaleb(-4)) for unit in units]


def profiles(cities):
    """Each category's 168 weights, as text: the mean of the Dirichlet posterior."""
    weeks = {category: [city.hours(category) for city in cities] for category in CATEGORIES}
    sums = [[sum(cell) for cell in zip(*(weeks[category][i] for category in CATEGORIES))]
            for i in range(len(cities))]
    everything = smoothed(pooled(sums)[0])
    result = {}
    for category in CATEGORIES:
        own, worth = pooled(weeks[category])
        result[category] = printed([(worth * o + PRIOR_INCIDENTS * e) / (worth + PRIOR_INCIDENTS)
                                    for o, e in zip(smoothed(own), everything)])
    return result
