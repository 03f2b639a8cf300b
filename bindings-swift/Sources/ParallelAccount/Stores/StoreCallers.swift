internal import Foundation

/// The calls of one client that wait. Rust calls a store on threads of its own; task-local values
/// come from here: each call has a task that inherits them from the caller's, and that starts the
/// store's methods.
final class StoreCallers: @unchecked Sendable {
    typealias Work = @Sendable () -> Void

    private let mutex = NSLock()
    private var waiting: [ObjectIdentifier: Caller] = [:]

    /// A call that waits.
    final class Caller: Sendable {
        fileprivate let works: AsyncStream<Work>.Continuation
        private let all: StoreCallers

        fileprivate init(_ works: AsyncStream<Work>.Continuation, of all: StoreCallers) {
            (self.works, self.all) = (works, all)
        }

        /// The call has ended.
        func leave() {
            all.mutex.withLock { _ = all.waiting.removeValue(forKey: ObjectIdentifier(self)) }
            works.finish()
        }
    }

    /// The current task's call begins.
    func enter() -> Caller {
        let (works, continuation) = AsyncStream.makeStream(of: Work.self)
        // Not a child: what it starts may outlive the call, as it may serve others.
        Task { for await work in works { work() } }
        let caller = Caller(continuation, of: self)
        mutex.withLock { waiting[ObjectIdentifier(caller)] = caller }
        return caller
    }

    /// Makes a value with the task-local values of a call that waits; `nil` if none does.
    func inContext<Value: Sendable>(_ make: @escaping @Sendable () -> Value) async -> Value? {
        guard let caller = mutex.withLock({ waiting.first?.value }) else { return nil }
        return await withCheckedContinuation { continuation in
            let sent = caller.works.yield { continuation.resume(returning: make()) }
            if case .terminated = sent { continuation.resume(returning: nil) }
        }
    }
}
