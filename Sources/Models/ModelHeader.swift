import CrimsCore
import Protocol

/// What `model.json` says, with its problems reported.
struct ModelHeader {
    static let format = 1

    var title = ""
    var period = (from: CivilMonth(index: 0), to: CivilMonth(index: 0))
    var profileMean = CrimeModel.ProfileMean.week
    var information = ModelInformation(method: "")

    private let bytes: [UInt8]

    /// Reads as much as can be read; nil if the bytes are no JSON object.
    init?(_ bytes: [UInt8], _ problems: inout ProblemList) {
        let content = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
        self.bytes = content
        let json: JSON
        do throws(JSONSyntaxError) {
            json = try JSON(parsing: content)
        } catch {
            problems.error(.model, Self.line(of: error.offset, in: content), "not JSON: \(error.reason)")
            return nil
        }
        guard json.members != nil else {
            problems.error(.model, 1, "\(json.kind) where an object is expected")
            return nil
        }
        if json["format"]?.number != Double(Self.format) {
            error("format", "must be \(Self.format), the version of this format", &problems)
        }
        _ = text(json, "name", &problems)
        title = text(json, "title", &problems)
        readPeriod(json, &problems)
        readProfileMean(json, &problems)
        readSources(json, &problems)
        readMethod(json, &problems)
        for note in list(json, "notes", &problems) {
            if let note = note.text {
                information.notes.append(note)
            } else {
                error("notes", "must be strings, and \(note.kind) is among them", &problems)
            }
        }
    }

    private mutating func readPeriod(_ json: JSON, _ problems: inout ProblemList) {
        guard let from = json["period"]?["from"]?.text.flatMap(CivilMonth.init(text:)),
            let to = json["period"]?["to"]?.text.flatMap(CivilMonth.init(text:)), from <= to
        else {
            let right = #"{"from": "2018-01", "to": "2019-12"}"#
            return error("period", "must be the first and last month of the records, such as \(right)", &problems)
        }
        period = (from, to)
    }

    /// Over what weights have mean 1: the week, unless the file says otherwise.
    private mutating func readProfileMean(_ json: JSON, _ problems: inout ProblemList) {
        guard let value = json["profileMean"] else { return }
        guard let mean = value.text.flatMap(CrimeModel.ProfileMean.init(rawValue:)) else {
            return error("profileMean", "must be \"week\" (which is also meant without it) or \"month\"", &problems)
        }
        profileMean = mean
    }

    private mutating func readSources(_ json: JSON, _ problems: inout ProblemList) {
        for source in list(json, "sources", &problems) {
            guard let name = source["name"]?.text, let licence = source["licence"]?.text else {
                error("sources", "must be objects with \"name\" and \"licence\"", &problems)
                continue
            }
            information.sources.append(.init(name: name, licence: licence, note: source["note"]?.text ?? ""))
        }
    }

    private mutating func readMethod(_ json: JSON, _ problems: inout ProblemList) {
        guard let name = json["method"]?["name"]?.text else {
            return error("method", "must be an object with \"name\"", &problems)
        }
        information.method = name
        switch json["method"]?["settings"] {
        case .object(let settings): information.settings = settings
        case nil: break
        default: error("settings", "must be an object", &problems)
        }
    }

    private func text(_ json: JSON, _ name: String, _ problems: inout ProblemList) -> String {
        if let text = json[name]?.text, !text.isEmpty { return text }
        error(name, "must be a string that is not empty", &problems)
        return ""
    }

    /// The elements of a list that may be left out.
    private func list(_ json: JSON, _ name: String, _ problems: inout ProblemList) -> [JSON] {
        guard let value = json[name] else { return [] }
        if let elements = value.elements { return elements }
        error(name, "must be a list", &problems)
        return []
    }

    private func error(_ name: String, _ message: String, _ problems: inout ProblemList) {
        let quoted = Array("\"\(name)\"".utf8)
        let place = bytes.indices.first { bytes[$0...].starts(with: quoted) }
        problems.error(.model, place.map { Self.line(of: $0, in: bytes) }, "\"\(name)\" \(message)")
    }

    private static func line(of offset: Int, in bytes: [UInt8]) -> Int {
        bytes.prefix(offset).count { $0 == UInt8(ascii: "\n") } + 1
    }
}
