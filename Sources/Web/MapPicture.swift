import Coupling
import CrimsCore
import Glibc
import Protocol

/// How many incidents each area has, counted as they are drawn: a piece at a time.
struct AreaTally {
    let model: ServedModel
    private(set) var counts: [Int]
    private var run: OfflineRun
    private var columns: IncidentColumns

    private static let incidents = 20_000

    init(_ question: DataQuestion, of model: ServedModel, cache: MonthCache) throws(Refusal) {
        let arguments = question.run(of: model.model)
        self.model = model
        run = try OfflineRun(served: model, arguments: arguments, cache: cache)
        columns = IncidentColumns(origin: arguments.start)
        counts = [Int](repeating: 0, count: model.model.areas.count)
    }

    /// Goes on; false at the end.
    mutating func next() throws(SamplingError) -> Bool {
        columns.clear(origin: columns.origin)
        var isAtEnd = false
        while !isAtEnd, columns.count < Self.incidents { isAtEnd = try run.next(into: &columns) == nil }
        for index in 0..<columns.count { counts[Int(columns.area[index])] += 1 }
        return !isAtEnd
    }
}

/// A map as an SVG of one path for each area, which are classed by a count.
struct MapPicture {
    /// The least count of each class but the first, ascending.
    let breaks: [Int]
    let svg: [UInt8]

    /// Classes, as the page's colours have them, and those colours for a page without its style.
    static let fills = ["#f8f4b4", "#afde95", "#49c798", "#00a6a8", "#007dac", "#0a5099", "#32276e"]
    /// Areas beyond which they have no borders.
    private static let many = 1_000
    /// Of the longer side.
    private static let units = 4_000.0

    /// - Parameter words: what is said of an area, by its index.
    init(_ shapes: AreaShapes, counts: [Int], label: String, words: (Int) -> String) {
        breaks = Self.breaks(of: counts)
        let areas = shapes.geometries.map(Self.rings)
        let places = areas.lazy.joined().joined()
        let (xs, ys) = (places.map(\.x), places.map(\.y))
        let (west, north) = (xs.min() ?? 0, ys.max() ?? 0)
        let wide = cos((north + (ys.min() ?? 0)) / 2 * .pi / 180)
        let size = (x: ((xs.max() ?? 0) - west) * wide, y: north - (ys.min() ?? 0))
        let scale = Self.units / max(size.x, size.y, 1e-9)
        var writer = ByteWriter()
        writer.text(
            #"<svg class="map\#(areas.count > Self.many ? " many" : "")" role="img" viewBox="-10 -10 \#(Int(size.x * scale) + 20) "#
        )
        writer.text(#"\#(Int(size.y * scale) + 20)" aria-label="\#(HTML.escaped(label))">"#)
        for number in 0...breaks.count {
            writer.text(#"<g class="s\#(number)" fill="\#(Self.fills[number])">"#)
            for (area, rings) in areas.enumerated() where Self.class(of: counts[area], breaks) == number {
                writer.raw(#"<path d=""#)
                for ring in rings {
                    writer.path(ring.map { (Int(($0.x - west) * wide * scale), Int((north - $0.y) * scale)) })
                }
                writer.text(#""><title>\#(HTML.escaped(words(area)))</title></path>"#)
            }
            writer.raw("</g>")
        }
        writer.raw("</svg>")
        svg = writer.bytes
    }

    /// So that about as many areas are in each class.
    static func breaks(of counts: [Int]) -> [Int] {
        let sorted = counts.sorted()
        var breaks: [Int] = []
        for number in 1..<fills.count {
            let next = sorted[number * sorted.count / fills.count]
            if next > breaks.last ?? sorted[0] { breaks.append(next) }
        }
        return breaks
    }

    static func `class`(of count: Int, _ breaks: [Int]) -> Int { breaks.count { count >= $0 } }

    private static func rings(_ geometry: String) -> [[(x: Double, y: Double)]] {
        guard let geometry = try? JSON(parsing: geometry.utf8), let parts = geometry["coordinates"]?.elements else {
            return []
        }
        let polygons = geometry["type"]?.text == "Polygon" ? [parts] : parts.map { $0.elements ?? [] }
        return polygons.joined().map { ring in
            (ring.elements ?? []).compactMap { position in
                guard case .array(let numbers) = position, numbers.count >= 2, let x = numbers[0].number,
                    let y = numbers[1].number
                else { return nil }
                return (x, y)
            }
        }
    }
}

extension ByteWriter {
    /// A closed line, without places that are the same as the one before.
    fileprivate mutating func path(_ points: [(x: Int, y: Int)]) {
        var last: (x: Int, y: Int)?
        for point in points where last.map({ $0 != point }) ?? true {
            raw(last == nil ? "M" : "L")
            integer(point.x)
            raw(" ")
            integer(point.y)
            last = point
        }
        if last != nil { raw("Z") }
    }
}

enum HTML {
    /// Text between tags, or in quotes.
    static func escaped(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    /// A value in an address' query.
    static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                return String(UnicodeScalar(byte))
            default: return (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
        .joined()
    }

    /// A whole number as people read it: `12,345`.
    static func number(_ value: Int) -> String {
        let digits = Array(String(value))
        return digits.indices.reduce(into: "") { text, index in
            if index > 0, (digits.count - index) % 3 == 0 { text += "," }
            text.append(digits[index])
        }
    }
}
