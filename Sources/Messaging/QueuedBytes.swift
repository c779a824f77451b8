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
    /// Sends a frame that lies elsewhere; closed if it cannot be sent.
    fileprivate func send(_ message: inout zmq_msg_t, more: Bool) -> Bool {
        unsettle()
        if zmq_msg_send(&message, handle, (more ? ZMQ_SNDMORE : 0) | ZMQ_DONTWAIT) >= 0 { return true }
        zmq_msg_close(&message)
        return false
    }

    /// Smaller frames are copied and not counted: a thousand of them in a queue come to a megabyte.
    fileprivate static let sharedMin = 1_024

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
        return send(&message, more: more)
    }
}

/// Frames for replies that are written again and again: memory that libzmq has let go of is used once more.
final class FramePool {
    /// One frame's memory. With the pool until it is handed over, with libzmq until that lets go of it.
    private final class Slot: @unchecked Sendable {
        // Safety: whoever finds `isFree` has the others alone, and gives them back by storing it.
        var memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 0, alignment: 1)
        var count = 0
        var accounts: (QueuedBytes, QueuedBytes)
        let isFree = Atomic<Bool>(false)

        init(_ accounts: (QueuedBytes, QueuedBytes)) { self.accounts = accounts }

        deinit { memory.deallocate() }

        /// Called by libzmq, on its own thread.
        static func letGo(_ hint: UnsafeMutableRawPointer?) {
            guard let hint else { return }
            let slot = Unmanaged<Slot>.fromOpaque(hint)
            slot.takeUnretainedValue().settle()
            slot.release()
        }

        private func settle() {
            _ = isFree.load(ordering: .acquiring)
            accounts.0.add(-count)
            accounts.1.add(-count)
            isFree.store(true, ordering: .releasing)
        }
    }
    private var slots: [Slot] = []
    /// More are made where clients leave replies unread, and not kept; nor are larger ones.
    private static let slotsMax = 32
    private static let bytesMax = 64 << 10

    /// Sends a frame and counts its bytes for as long as libzmq has them, if there are many.
    func send(
        _ bytes: UnsafeRawBufferPointer, by socket: Socket, more: Bool, countedIn accounts: (QueuedBytes, QueuedBytes)
    ) {
        guard bytes.count >= Socket.sharedMin else { return _ = socket.send(bytes, more: more) }
        guard bytes.count <= Self.bytesMax else {
            return _ = socket.send(Array(bytes), more: more, countedIn: [accounts.0, accounts.1])
        }
        let slot = take(accounts)
        if slot.memory.count < bytes.count {
            slot.memory.deallocate()
            slot.memory = .allocate(byteCount: 2 * bytes.count, alignment: 16)
        }
        slot.memory.copyMemory(from: bytes)
        slot.count = bytes.count
        accounts.0.add(bytes.count)
        accounts.1.add(bytes.count)
        slot.isFree.store(false, ordering: .releasing)
        let held = Unmanaged.passRetained(slot)
        var message = zmq_msg_t()
        guard
            zmq_msg_init_data(
                &message, slot.memory.baseAddress, bytes.count, { Slot.letGo($1) }, held.toOpaque()) == 0
        else { return Slot.letGo(held.toOpaque()) }
        _ = socket.send(&message, more: more)
    }

    private func take(_ accounts: (QueuedBytes, QueuedBytes)) -> Slot {
        for slot in slots where slot.isFree.load(ordering: .acquiring) {
            slot.accounts = accounts
            return slot
        }
        let slot = Slot(accounts)
        if slots.count < Self.slotsMax { slots.append(slot) }
        return slot
    }
}
