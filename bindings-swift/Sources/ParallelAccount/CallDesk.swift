internal import Foundation
internal import ParallelAccountFFI

/// The calls that Rust carries out, by number, and the tasks that wait for them. Rust tells here of
/// all calls that have ended by then at once.
final class CallDesk: ForeignDesk, @unchecked Sendable {
    private static let shared = {
        let desk = CallDesk()
        hearOfCalls(desk: desk)
        return desk
    }()

    private typealias Waiting = UnsafeContinuation<FfiOutcome, Never>

    private let mutex = NSLock()
    private var last: UInt64 = 0
    private var waiting: [UInt64: Waiting] = [:]

    /// Makes a call and waits for its end.
    ///
    /// - Parameter start: Has Rust start the call of this number.
    static func call(_ start: (UInt64) -> Void) async -> FfiOutcome {
        await shared.end(of: shared.next(), start)
    }

    /// The same for a call that ends when the task is cancelled.
    static func cancellableCall(_ start: (UInt64) -> Void) async -> FfiOutcome {
        let number = shared.next()
        return await withTaskCancellationHandler {
            await shared.end(of: number) { number in
                start(number)
                // The handler may have run already, when Rust did not know the call.
                if Task.isCancelled { cancelCall(call: number) }
            }
        } onCancel: {
            cancelCall(call: number)
        }
    }

    func hear(ended: [FfiEnded]) {
        // One lock for all of them.
        let tasks = mutex.withLock { ended.map { waiting.removeValue(forKey: $0.call) } }
        for (task, ended) in zip(tasks, ended) { task?.resume(returning: ended.outcome) }
    }

    private func next() -> UInt64 {
        mutex.withLock {
            last += 1
            return last
        }
    }

    private func end(of number: UInt64, _ start: (UInt64) -> Void) async -> FfiOutcome {
        await withUnsafeContinuation { task in
            mutex.withLock { waiting[number] = task }
            start(number)
        }
    }
}
