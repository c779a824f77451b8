/// A minute of civil local time, counted from 1970-01-01T00:00 as if every day had 1,440 minutes.
///
/// A run knows no time zone and no daylight saving: police records do not either.
public struct CivilMinute: Hashable, Comparable, Sendable {
    /// Minutes since 1970-01-01T00:00; never negative in a run.
    public var minutes: Int

    public init(minutes: Int) { self.minutes = minutes }

    /// The first minute that no incident can have: incident ids keep the hour in 21 bits (2209-03-30T08:00).
    public static let limit = CivilMinute(minutes: (1 << 21) * 60)

    public init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0) {
        minutes = (Self.days(year: year, month: month, day: day) * 24 + hour) * 60 + minute
    }

    public static func < (left: CivilMinute, right: CivilMinute) -> Bool { left.minutes < right.minutes }
    public static func + (left: CivilMinute, minutes: Int) -> CivilMinute { .init(minutes: left.minutes + minutes) }
    public static func - (left: CivilMinute, right: CivilMinute) -> Int { left.minutes - right.minutes }

    /// Whole hours since 1970.
    public var hour: Int { Self.floorDivide(minutes, 60) }

    /// 0…167, Monday 00:00 first.
    public var hourOfWeek: Int { Self.hourOfWeek(hour: hour) }

    /// 0…167, Monday 00:00 first, of an hour counted from 1970-01-01T00:00, a Thursday.
    public static func hourOfWeek(hour: Int) -> Int {
        let shifted = (hour + 3 * 24) % 168
        return shifted < 0 ? shifted + 168 : shifted
    }

    /// The calendar month that this minute is in.
    public var month: CivilMonth {
        let date = date
        return CivilMonth(year: date.year, month: date.month)
    }

    /// Year, month 1…12 and day 1…31.
    public var date: (year: Int, month: Int, day: Int) { Self.date(days: Self.floorDivide(minutes, 24 * 60)) }

    /// Days since 1970-01-01 of a date in the proleptic Gregorian calendar.
    ///
    /// Counts in eras of 400 years that begin on 1 March, so that the leap day is the last of its year.
    public static func days(year: Int, month: Int, day: Int) -> Int {
        let marchYear = month > 2 ? year : year - 1
        let era = floorDivide(marchYear, 400)
        let yearOfEra = marchYear - era * 400
        let marchMonth = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * marchMonth + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// The date of a day counted from 1970-01-01; the inverse of ``days(year:month:day:)``.
    public static func date(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    static func floorDivide(_ value: Int, _ divisor: Int) -> Int {
        value >= 0 ? value / divisor : (value - divisor + 1) / divisor
    }
}

/// A calendar month, counted from January 1970.
public struct CivilMonth: Hashable, Comparable, Sendable {
    /// Months since 1970-01.
    public var index: Int

    public init(index: Int) { self.index = index }
    public init(year: Int, month: Int) { index = (year - 1970) * 12 + month - 1 }

    public var year: Int { 1970 + CivilMinute.floorDivide(index, 12) }
    /// 1…12.
    public var month: Int { index - CivilMinute.floorDivide(index, 12) * 12 + 1 }
    public var start: CivilMinute { CivilMinute(year: year, month: month, day: 1) }
    public var next: CivilMonth { CivilMonth(index: index + 1) }
    /// 28…31.
    public var days: Int { (next.start - start) / (24 * 60) }

    public static func < (left: CivilMonth, right: CivilMonth) -> Bool { left.index < right.index }
}

/// How long a step is: minutes, or calendar months.
public enum StepLength: Hashable, Sendable {
    case minutes(Int)
    case months(Int)

    /// The time `count` steps after `start`. With months, `start` is on day 1…28, so that every month has the day.
    public func advance(_ start: CivilMinute, by count: Int) -> CivilMinute {
        switch self {
        case .minutes(let length):
            return start + length * count
        case .months(let length):
            let target = CivilMonth(index: start.month.index + length * count)
            return target.start + (start - start.month.start)
        }
    }

    /// How many whole steps lead from `start` to `end`, or nil if `end` is not on a step boundary.
    public func count(from start: CivilMinute, to end: CivilMinute) -> Int? {
        let guess: Int
        switch self {
        case .minutes(let length): guess = (end - start) / length
        case .months(let length): guess = (end.month.index - start.month.index) / length
        }
        return advance(start, by: guess) == end ? guess : nil
    }
}
