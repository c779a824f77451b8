import CMicroHTTPD
import Glibc

// What libmicrohttpd calls, on its own thread: C functions, so they are bound to nothing and find what is theirs by
// the contexts that they were given.

/// A request's first line is there. What this returns stays with the request.
func beginExchange(
    _ context: UnsafeMutableRawPointer?, _ target: UnsafePointer<CChar>?, _ connection: OpaquePointer?
) -> UnsafeMutableRawPointer? {
    guard let target, let connection else { return nil }
    let visitor = crims_http_context(connection).map { Unmanaged<Visitor>.fromOpaque($0).takeUnretainedValue() }
    let exchange = Exchange(target: String(cString: target), visitor: visitor)
    return Unmanaged.passRetained(exchange).toOpaque()
}

/// A request's head, each part of its body, and its end.
func handleExchange(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _ path: UnsafePointer<CChar>?,
    _ method: UnsafePointer<CChar>?, _ version: UnsafePointer<CChar>?, _ part: UnsafePointer<CChar>?,
    _ count: UnsafeMutablePointer<Int>?, _ exchange: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let context, let connection, let method, let count, let pointer = exchange?.pointee else { return .NO }
    let server = Unmanaged<WebServer>.fromOpaque(context).takeUnretainedValue()
    let bytes = UnsafeRawBufferPointer(start: part, count: part == nil ? 0 : count.pointee)
    let isDone = server.handle(
        Unmanaged<Exchange>.fromOpaque(pointer).takeUnretainedValue(), ConnectionHandle(pointer: connection),
        method: String(cString: method), part: bytes)
    count.pointee = 0
    return isDone ? .YES : .NO
}

/// A request is over, answered or not.
func completeExchange(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?,
    _ exchange: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ how: MHD_RequestTerminationCode
) {
    guard let context, let pointer = exchange?.pointee else { return }
    exchange?.pointee = nil
    Unmanaged<WebServer>.fromOpaque(context).takeUnretainedValue().complete(
        Unmanaged<Exchange>.fromOpaque(pointer).takeRetainedValue())
}

/// A connection was made, or is about to be closed.
func noticeConnection(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?,
    _ visitor: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ what: MHD_ConnectionNotificationCode
) {
    guard let context, let connection, let visitor else { return }
    let server = Unmanaged<WebServer>.fromOpaque(context).takeUnretainedValue()
    if what == .CONNECTION_NOTIFY_STARTED {
        // Once would do, but there is nothing else that libmicrohttpd calls when its thread begins.
        server.standBack()
        visitor.pointee = Unmanaged.passRetained(server.enter(connection)).toOpaque()
    } else if let pointer = visitor.pointee {
        visitor.pointee = nil
        server.visitors.leave(Unmanaged<Visitor>.fromOpaque(pointer).takeRetainedValue())
    }
}
