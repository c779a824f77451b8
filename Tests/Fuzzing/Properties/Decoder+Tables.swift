import CrimsCore
import Models
import Protocol

extension Decoder {
    /// A table that comes in pieces is read as one that comes at once; the first byte says how large the pieces are.
    static let csv = Decoder(name: "csv", longest: 2_048) { bytes throws(Broken) in
        guard let first = bytes.first else { return }
        let text = Array(bytes.dropFirst())
        let whole = records(CSVReader(text))
        var reader = CSVReader()
        var pieces: [Record] = []
        let size = Int(first) + 1
        for start in stride(from: 0, to: text.count, by: size) {
            reader.append(text[start..<min(start + size, text.count)])
            while reader.next() { pieces.append(Record(reader)) }
        }
        reader.finish()
        while reader.next() { pieces.append(Record(reader)) }
        try hold(whole == pieces, "\(whole)\nin pieces of \(size) is\n\(pieces)")
        var line = 0
        for record in whole {
            try hold(record.line > line, "line \(record.line) after \(line)")
            line = record.line
            try hold(!record.fields.isEmpty, "a record without a field")
        }
        try hold(line <= text.count { $0 == 10 } + 1, "\(line) lines")
    }

    private struct Record: Equatable {
        var line: Int
        var fault: CSVReader.Fault?
        var fields: [[UInt8]]

        init(_ reader: CSVReader) {
            line = reader.line
            fault = reader.fault
            fields = (0..<reader.count).map { Array(reader.field($0)) }
        }
    }

    private static func records(_ reader: CSVReader) -> [Record] {
        var reader = reader
        var records: [Record] = []
        while reader.next() { records.append(Record(reader)) }
        return records
    }

    /// A model's files: what passes the check can be read, and served.
    ///
    /// `@areas.csv` alone on a line begins a file and `@-trend.csv` removes one; those that are not named are a small
    /// model's.
    static let model = Decoder(name: "model", longest: 4_096) { bytes throws(Broken) in
        var files = SmallModel.files
        for (name, text) in Sections(bytes) {
            if name.hasPrefix("-") { files[String(name.dropFirst())] = nil } else { files[name] = text }
        }
        let problems = ModelFolder.check(files)
        let fault = problems.first { $0.severity == .error }
        let model: CrimeModel
        do throws(ModelError) {
            model = try ModelFolder.read(files, name: "small")
        } catch {
            try hold(!"\(error)".isEmpty, "refused without a word")
            return try hold(fault != nil, "passes the check, and then: \(error)")
        }
        try hold(fault == nil, "can be read in spite of: \(fault.map { "\($0)" } ?? "")")
        try hold(model.rates.allSatisfy { $0.isFinite && $0 >= 0 }, "a rate")
        try hold(model.suspect.allSatisfy { (0...1).contains($0) }, "a probability")
        try hold(model.profiles.allSatisfy { $0.isFinite && $0 >= 0 }, "a weight")
        // Ids number 2^28 candidates an hour; a model of a whole planet is for another test.
        guard model.rates.reduce(0, +) < 1e5, model.dispersion.allSatisfy({ $0.own + $0.shared < 10 }),
            model.trend.allSatisfy({ abs($0.growth) < 0.1 })
        else { return }
        var script = HubScript(model: model)
        for frame in [
            #"{"v":1,"op":"describe","model":"small"}"#,
            #"{"v":1,"op":"open","model":"small","run":"a","start":"2020-02-28T22:30","step":"2h"}"#,
            #"{"v":1,"op":"step","run":"a","count":2,"adjust":[{"factor":2.5}]}"#,
            #"{"v":1,"op":"rates","run":"a","from":"2020-02-28","to":"2020-03-01","by":["category"]}"#,
        ] {
            let reply = try script.send(Array(frame.utf8))
            try hold(reply?["ok"] == .bool(true), "\(frame) is answered \(reply.map { "\($0)" } ?? "nothing")")
        }
    }
}

/// Parts of an input: each begins with a line of `@` and a name.
struct Sections: Sequence {
    private var sections: [(name: String, text: [UInt8])] = []

    init(_ bytes: UnsafeRawBufferPointer) {
        for line in bytes.split(separator: 10, omittingEmptySubsequences: false) {
            if line.first == UInt8(ascii: "@") {
                sections.append((String(decoding: line.dropFirst(), as: UTF8.self), []))
            } else if !sections.isEmpty {
                sections[sections.count - 1].text += Array(line) + [10]
            }
        }
    }

    func makeIterator() -> some IteratorProtocol<(name: String, text: [UInt8])> { sections.makeIterator() }
}
