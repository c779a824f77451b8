import CrimsCore

/// A request in a schedule of the tests of order: what a client asks, as the wire writes it.
struct Ask {
    /// Its id.
    let number: Int
    let client: UInt8
    let what: What

    enum What: Equatable {
        case open(run: String, Arguments)
        case step(run: String, StepAsk)
        case read(run: String, seq: Int, count: Int, format: String, area: Int?)
        case adjust(run: String, Change)
        case retract(run: String, adjustment: String)
        case adjustments(run: String)
        case fork(run: String, seq: Int?, name: String?, [Part])
        case status(run: String)
        case close(run: String)
        case delete(run: String)
    }

    /// All runs of the schedules begin here, a day and a half before March of a leap year.
    static let start = CivilMinute(year: 2020, month: 2, day: 28, hour: 12)

    struct Arguments: Equatable {
        /// Minutes.
        var step: Int
        /// Steps until the end.
        var length: Int?
        var seed: Int
        var participants: [Part]
    }

    struct Part: Equatable {
        var name: String
        /// Seconds.
        var timeout: Int?
        var fails: Bool

        var text: String {
            let time = timeout.map { #","timeout":\#($0)"# } ?? ""
            return #"{"name":"\#(name)"\#(time)\#(fails ? #","on_timeout":"fail""# : "")}"#
        }
    }

    struct StepAsk: Equatable {
        var seq: Int?
        var count: Int?
        /// Minutes since the runs' start.
        var until: Int?
        var format: String
        var participant: String?
        var adjust: [Change]
    }

    /// An adjustment.
    struct Change: Equatable {
        var factor: Double
        var isSet = false
        /// 9 is none of the model's.
        var area: Int?
        var category: String?
        /// Minutes since the runs' start.
        var from: Int?
        var until: Int?
        var halfLife: Int?
        var displacement = 0.0
        var ofSuspects = false
        var key: String?
        var seq: Int?

        var members: String {
            var text = #""factor":\#(factor)"#
            if isSet { text += #","mode":"set""# }
            if let area { text += #","areas":["E\#(area)"]"# }
            if let category { text += #","categories":["\#(category)"]"# }
            if let from { text += #","from":"\#(time(from))""# }
            if let until { text += #","until":"\#(time(until))""# }
            if let halfLife { text += #","half_life":"\#(halfLife)m""# }
            if displacement > 0 { text += #","displacement":\#(displacement)"# }
            if ofSuspects { text += #","target":"suspect""# }
            if let key { text += #","key":"\#(key)""# }
            return text
        }
    }

    /// The run that it waits for; nil if it only reads.
    var changes: String? {
        switch what {
        case .open(let run, _), .step(let run, _), .adjust(let run, _), .retract(let run, _), .fork(let run, _, _, _),
            .close(let run), .delete(let run):
            run
        case .read, .adjustments, .status: nil
        }
    }

    var text: String {
        let body: String
        switch what {
        case .open(let run, let arguments):
            let end = arguments.length.map { #","end":"\#(time($0 * arguments.step))""# } ?? ""
            let parts = arguments.participants.isEmpty ? "" : #","participants":\#(Self.list(arguments.participants))"#
            body =
                #""open","model":"ring","start":"2020-02-28T12:00","run":"\#(run)","step":"\#(arguments.step)m","#
                + #""seed":\#(arguments.seed)\#(end)\#(parts)"#
        case .step(let run, let step):
            var members = #""step","run":"\#(run)","format":"\#(step.format)""#
            if let seq = step.seq { members += #","seq":\#(seq)"# }
            if let count = step.count { members += #","count":\#(count)"# }
            if let until = step.until { members += #","until":"\#(time(until))""# }
            if let participant = step.participant { members += #","participant":"\#(participant)""# }
            if !step.adjust.isEmpty {
                members += #","adjust":[\#(step.adjust.map { "{\($0.members)}" }.joined(separator: ","))]"#
            }
            body = members
        case .read(let run, let seq, let count, let format, let area):
            let areas = area.map { #","areas":["E\#($0)"]"# } ?? ""
            body = #""read","run":"\#(run)","seq":\#(seq),"count":\#(count),"format":"\#(format)"\#(areas)"#
        case .adjust(let run, let change):
            let seq = change.seq.map { #","seq":\#($0)"# } ?? ""
            body = #""adjust","run":"\#(run)",\#(change.members)\#(seq)"#
        case .retract(let run, let adjustment): body = #""retract","run":"\#(run)","adjustment":"\#(adjustment)""#
        case .adjustments(let run): body = #""adjustments","run":"\#(run)""#
        case .fork(let run, let seq, let name, let parts):
            let at = seq.map { #","seq":\#($0)"# } ?? ""
            let name = name.map { #","as":"\#($0)""# } ?? ""
            let who = parts.isEmpty ? "" : #","participants":\#(Self.list(parts))"#
            body = #""fork","run":"\#(run)"\#(at)\#(name)\#(who)"#
        case .status(let run): body = #""status","run":"\#(run)""#
        case .close(let run): body = #""close","run":"\#(run)""#
        case .delete(let run): body = #""delete","run":"\#(run)""#
        }
        return #"{"v":1,"id":"\#(number)","op":\#(body)}"#
    }

    private static func list(_ parts: [Part]) -> String { "[\(parts.map(\.text).joined(separator: ","))]" }
}

/// A time as the wire writes it, from minutes since the runs' start.
func time(_ minutes: Int) -> String {
    let time = Ask.start + minutes
    let date = time.date
    let minute = time.minutes - CivilMinute(year: date.year, month: date.month, day: date.day).minutes
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(date.year)-\(two(date.month))-\(two(date.day))T\(two(minute / 60)):\(two(minute % 60)):00"
}

/// SplitMix64: the same schedule for the same seed, everywhere.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
    mutating func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }
}
