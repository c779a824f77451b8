import CrimsCore
import Protocol

/// The parts of an incident's text that depend on its area or crime alone, escaped and joined once a model.
public struct IncidentFragments: Sendable {
    private let areaJSON: [[UInt8]]
    private let crimeJSON: [[UInt8]]
    /// Everything after the time, `[2 · crime + suspect]`.
    private let tailJSON: [[UInt8]]
    private let areaCSV: [[UInt8]]
    private let crimeCSV: [[UInt8]]
    private let tailCSV: [[UInt8]]

    /// The header row of the CSV form.
    public static let csvHeader = Array("id,MSOA,crime_category,code,description,time,suspect,severity\n".utf8)

    init(_ model: CrimeModel) {
        func build(_ body: (inout ByteWriter) -> Void) -> [UInt8] {
            var writer = ByteWriter()
            body(&writer)
            return writer.bytes
        }
        areaJSON = model.areas.map { area in
            build { writer in
                writer.raw(",\"MSOA\":")
                writer.quoted(area.code)
            }
        }
        crimeJSON = model.crimes.map { crime in
            build { writer in
                writer.raw(",\"crime_category\":")
                writer.quoted(model.categories[crime.category])
                writer.raw(",\"code\":")
                writer.quoted(crime.code)
                writer.raw(",\"description\":")
                writer.quoted(crime.description)
                writer.raw(",\"time\":\"")
            }
        }
        tailJSON = model.crimes.flatMap { crime in
            ["false", "true"].map { suspect in
                build { writer in
                    writer.text("\",\"suspect\":\(suspect),\"severity\":")
                    writer.json(.number(crime.severity))
                    writer.raw("}")
                }
            }
        }
        areaCSV = model.areas.map { area in build { $0.text(",\(Self.csvField(area.code)),") } }
        crimeCSV = model.crimes.map { crime in
            let fields = [model.categories[crime.category], crime.code, crime.description]
            return build { $0.text(fields.map(Self.csvField).joined(separator: ",") + ",") }
        }
        tailCSV = model.crimes.flatMap { crime in
            ["False", "True"].map { suspect in
                build { writer in
                    writer.text(",\(suspect),")
                    writer.json(.number(crime.severity))
                    writer.raw("\n")
                }
            }
        }
    }

    /// A field in quotes where it needs them (RFC 4180).
    private static func csvField(_ text: String) -> String {
        guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    /// Writes incidents as JSON objects, with a comma before each but the first if `writer` is at the beginning of a list.
    public func writeJSON(_ columns: IncidentColumns, _ range: Range<Int>, first: Bool, to writer: inout ByteWriter) {
        var date = DateText()
        writer.reserve(range.count * 256)
        for index in range {
            if !first || index > range.lowerBound { writer.byte(UInt8(ascii: ",")) }
            writeJSON(columns, index, &date, to: &writer)
        }
    }

    func writeJSON(_ columns: IncidentColumns, _ index: Int, _ date: inout DateText, to writer: inout ByteWriter) {
        let crime = Int(columns.crime[index])
        writer.raw("{\"id\":")
        writer.integer(Int(columns.id[index]))
        writer.raw(areaJSON[Int(columns.area[index])])
        writer.raw(crimeJSON[crime])
        date.write(columns.origin + Int(columns.time[index]), separator: UInt8(ascii: "T"), to: &writer)
        writer.raw(tailJSON[2 * crime + Int(columns.suspect[index])])
    }

    /// Writes incidents as CSV rows.
    public func writeCSV(_ columns: IncidentColumns, _ range: Range<Int>, to writer: inout ByteWriter) {
        var date = DateText()
        writer.reserve(range.count * 160)
        for index in range {
            let crime = Int(columns.crime[index])
            writer.integer(Int(columns.id[index]))
            writer.raw(areaCSV[Int(columns.area[index])])
            writer.raw(crimeCSV[crime])
            date.write(columns.origin + Int(columns.time[index]), separator: UInt8(ascii: " "), to: &writer)
            writer.raw(tailCSV[2 * crime + Int(columns.suspect[index])])
        }
    }

    /// Writes incidents as JSON objects, one a line.
    public func writeJSONLines(_ columns: IncidentColumns, _ range: Range<Int>, to writer: inout ByteWriter) {
        var date = DateText()
        writer.reserve(range.count * 256)
        for index in range {
            writeJSON(columns, index, &date, to: &writer)
            writer.byte(UInt8(ascii: "\n"))
        }
    }

    /// Writes times; incidents come in order, so that most share their hour with the one before.
    struct DateText {
        private var hour = Int.min
        /// `2020-01-31T23:`, without memory of its own.
        private var prefix: (UInt64, UInt64) = (0, 0)
        private static let prefixSize = 14

        mutating func write(_ time: CivilMinute, separator: UInt8, to writer: inout ByteWriter) {
            guard time.hour == hour else {
                hour = time.hour
                let start = writer.count
                writer.time(time, separator: separator)
                return writer.bytes.withUnsafeBytes { bytes in
                    withUnsafeMutableBytes(of: &prefix) {
                        $0.copyBytes(from: bytes[start..<start + Self.prefixSize])
                    }
                }
            }
            withUnsafeBytes(of: prefix) { writer.raw(UnsafeRawBufferPointer(rebasing: $0[..<Self.prefixSize])) }
            writer.twoDigits(time.minutes - hour * 60)
            writer.raw(":00")
        }
    }
}
