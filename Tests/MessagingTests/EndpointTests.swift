import Messaging
import Testing

@Suite struct EndpointTests {
    @Test(arguments: [
        "tcp://127.0.0.1:5555", "tcp://127.0.0.1:*", "tcp://127.1.2.3:1", "tcp://localhost:65535", "tcp://[::1]:5555",
        "ipc:///run/crims.sock", "ipc://x",
    ])
    func `endpoints on this machine may be bound`(endpoint: String) throws {
        try Endpoint.requireServable(endpoint, hasKeys: false)
        try Endpoint.requireServable(endpoint, hasKeys: true)
    }

    @Test(arguments: [
        "tcp://0.0.0.0:5555", "tcp://*:5555", "tcp://192.168.1.2:5555", "tcp://example.org:5555", "tcp://127.0.0.1",
        "tcp://127.0.0.1:", "tcp://127.0.0.1:99999", "tcp://127.0.0.1.example.org:5", "tcp://127.0.0.300:5",
        "tcp://[::]:5555", "udp://127.0.0.1:1", "inproc://x", "ipc://", "", "5555",
    ])
    func `any other is refused with the way out`(endpoint: String) throws {
        let error = #expect(throws: MessagingError.self) { try Endpoint.requireServable(endpoint, hasKeys: false) }
        let message = try #require(error).description
        #expect(message.contains("127.0.0.1") || message.contains("port"))
    }

    @Test(arguments: [
        "tcp://0.0.0.0:5555", "tcp://*:5555", "tcp://192.168.1.2:*", "tcp://[::]:5555", "tcp://eth0:5555",
    ])
    func `with keys any address may be bound`(endpoint: String) throws {
        try Endpoint.requireServable(endpoint, hasKeys: true)
        let error = #expect(throws: MessagingError.self) { try Endpoint.requireServable(endpoint, hasKeys: false) }
        #expect(try #require(error).description.contains("crims keys new"))
    }

    @Test(arguments: ["tcp://:5555", "tcp://0.0.0.0", "tcp://0.0.0.0:0", "udp://0.0.0.0:1", "ipc://"])
    func `what is no endpoint is refused with keys too`(endpoint: String) {
        #expect(throws: MessagingError.self) { try Endpoint.requireServable(endpoint, hasKeys: true) }
    }
}
