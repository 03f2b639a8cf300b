internal import Dispatch
internal import Foundation
internal import ParallelAccountFFI

/// Hears from Rust what happens in one client and its views, and tells the client's handler and
/// those who watch the login's status.
final class EventDesk: ForeignListener {
    private let handler: (@Sendable (AccountEvent) -> Void)?
    /// Rust has two threads for all clients, which a handler that blocks must not hold up.
    private let queue: DispatchQueue?
    let statusChanges = StatusChanges()
    /// Where apps are suspended.
    let suspension = ExpiringActivity.ofPlatform.map(Suspension.init)

    init(_ handler: (@Sendable (AccountEvent) -> Void)?) {
        self.handler = handler
        queue = handler.map { _ in DispatchQueue(label: "parallel-account-events") }
    }

    var hasHandler: Bool { handler != nil }

    func hear(event: FfiEvent) {
        switch event {
        case .requestSent(_, isForTokens: true):
            suspension?.hold()
        case .tokenRenewed, .tokenAdopted, .refreshFailed:
            suspension?.release()
            statusChanges.tell()
        default:
            break
        }
        guard let handler, let queue else { return }
        queue.async { handler(AccountEvent(event)) }
    }

    /// Waits until the handler has returned from every event so far, but not longer than `limit`.
    func drain(within limit: DispatchTimeInterval) async {
        guard let queue else { return }
        await withCheckedContinuation { continuation in
            let once = Once { continuation.resume() }
            queue.async { once.run() }
            DispatchQueue.global().asyncAfter(deadline: .now() + limit) { once.run() }
        }
    }
}

/// Runs something once, whoever asks first.
private final class Once: @unchecked Sendable {
    private let mutex = NSLock()
    private var body: (() -> Void)?

    init(_ body: @escaping () -> Void) { self.body = body }

    func run() {
        let body = mutex.withLock {
            defer { self.body = nil }
            return self.body
        }
        body?()
    }
}
