import CZMQ
import Synchronization

/// Bytes that libzmq holds for peers that have not taken them yet. Counted down on libzmq's thread.
final class QueuedBytes: Sendable {
    private let bytes = Atomic<Int>(0)

    var count: Int { bytes.load(ordering: .relaxed) }

    fileprivate func add(_ more: Int) { bytes.add(more, ordering: .relaxed) }
}

/// A frame that libzmq sends from where it lies, and lets go of when the last peer has taken it.
private final class SharedFrame: Sendable {
    let bytes: [UInt8]
    let accounts: [QueuedBytes]
    /// Orders what this thread has done with the frame before what libzmq's does: libzmq's own way of doing so is not
    /// ours to rely on, and no thread sanitizer sees it.
    private let isHandedOver = Atomic<Bool>(false)

    init(_ bytes: [UInt8], _ accounts: [QueuedBytes]) {
        self.bytes = bytes
        self.accounts = accounts
        for account in accounts { account.add(bytes.count) }
    }

    /// The last that is done with it before libzmq has it.
    func handOver() { isHandedOver.store(true, ordering: .releasing) }

    func settle() {
        _ = isHandedOver.load(ordering: .acquiring)
        for account in accounts { account.add(-bytes.count) }
    }
}

/// Called by libzmq, on its own thread.
private func release(_: UnsafeMutableRawPointer?, _ hint: UnsafeMutableRawPointer?) {
    guard let hint else { return }
    let frame = Unmanaged<SharedFrame>.fromOpaque(hint)
    frame.takeUnretainedValue().settle()
    frame.release()
}

extension Socket {
    /// Smaller frames are copied and not counted: a thousand of them in a queue come to a megabyte.
    private static let sharedMin = 1_024

    /// Sends one frame and counts its bytes for as long as libzmq has them.
    @discardableResult
    func send(_ bytes: [UInt8], more: Bool, countedIn accounts: [QueuedBytes]) -> Bool {
        guard bytes.count >= Self.sharedMin else { return send(bytes, more: more) }
        let frame = Unmanaged.passRetained(SharedFrame(bytes, accounts))
        var message = zmq_msg_t()
        // An array's elements lie still as long as nobody writes to it, and this one is a constant of its own.
        let start = frame.takeUnretainedValue().bytes.withUnsafeBytes {
            UnsafeMutableRawPointer(mutating: $0.baseAddress)
        }
        guard zmq_msg_init_data(&message, start, bytes.count, release, frame.toOpaque()) == 0 else {
            release(nil, frame.toOpaque())
            return false
        }
        frame.takeUnretainedValue().handOver()
        if zmq_msg_send(&message, handle, (more ? ZMQ_SNDMORE : 0) | ZMQ_DONTWAIT) >= 0 { return true }
        zmq_msg_close(&message)
        return false
    }
}
