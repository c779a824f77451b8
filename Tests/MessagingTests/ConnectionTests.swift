import Glibc
import Messaging
import Testing

@Suite struct ConnectionTests {
    /// The near end of a connection whose far end never reads, with as much sent as the system takes.
    private static func deafPeer() throws -> (near: Int32, far: Int32) {
        let stream = Int32(SOCK_STREAM.rawValue)
        let listener = socket(AF_INET, stream, 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let far = socket(AF_INET, stream, 0)
        let isConnected = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(listener, pointer, size) == 0 && listen(listener, 1) == 0
                    && getsockname(listener, pointer, &size) == 0 && connect(far, pointer, size) == 0
            }
        }
        try #require(isConnected)
        let near = accept(listener, nil, nil)
        try #require(near >= 0)
        let bytes = [UInt8](repeating: 0, count: 65_536)
        while send(near, bytes, bytes.count, Int32(MSG_DONTWAIT)) > 0 {}
        return (near, far)
    }

    @Test func `a peer that takes nothing is stuck after its time, and not for somebody whose clock was read earlier`()
        throws
    {
        let (near, far) = try Self.deafPeer()
        defer { for descriptor in [near, far] { close(descriptor) } }
        let connection = try #require(Connection(id: 1, side: .events, descriptor: near, now: 0))
        connection.look(now: 1_000)
        for now: UInt64 in [0, 999, 1_000, 1_009] {
            #expect(!connection.isStuck(for: 10, now: now))
            #expect(!connection.isBehind(for: 10, now: now))
        }
        #expect(connection.isStuck(for: 10, now: 1_010))
        #expect(connection.isBehind(for: 10, now: 1_010))
    }
}
