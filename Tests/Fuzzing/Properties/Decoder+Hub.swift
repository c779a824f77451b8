import Coupling
import CrimsCore
import Protocol

extension Decoder {
    /// A line is a frame to a hub. After it, all is done and looked at; one that begins with `&` is sent and no more, so
    /// that those after it come while it is at work. `~` works for as many slices as the line has bytes, `+` and `-`
    /// subscribe to a topic and unsubscribe, `=` is a heartbeat, `%` is not one frame but several, `!` lets as many seconds
    /// pass as the line has bytes, and what follows `?` is sent by an observer.
    static let hub = Decoder(name: "hub", longest: 2_048) { bytes throws(Broken) in
        var script = HubScript(model: SmallModel.model)
        for line in bytes.split(separator: 10).prefix(24) {
            switch line.first {
            case UInt8(ascii: "&"): script.post(Array(line.dropFirst()))
            case UInt8(ascii: "~"): script.work(slices: line.count)
            case UInt8(ascii: "+"): script.subscribe(Array(line.dropFirst()), true)
            case UInt8(ascii: "-"): script.subscribe(Array(line.dropFirst()), false)
            case UInt8(ascii: "="): script.heartbeat()
            case UInt8(ascii: "%"): script.post(frames: line.count)
            case UInt8(ascii: "!"): try script.wait(seconds: line.count)
            case UInt8(ascii: "?"): _ = try script.send(Array(line.dropFirst()), as: .observer)
            default: _ = try script.send(Array(line))
            }
        }
        try script.finish()
    }
}
