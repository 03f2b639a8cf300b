internal import Dispatch
internal import Foundation

/// Asks the system to let the process run on for a while although its app left the screen. What it
/// is given runs until it returns, and once more, with `true`, when time is up or there is none.
struct ExpiringActivity: Sendable {
    let perform: @Sendable (_ reason: String, _ body: @escaping @Sendable (Bool) -> Void) -> Void

    /// For tests.
    @TaskLocal static var replaced: ExpiringActivity?

    /// `nil` where no app is suspended.
    static var ofPlatform: ExpiringActivity? {
        if let replaced { return replaced }
        #if os(iOS) || os(tvOS) || os(visionOS)
            return ExpiringActivity { reason, body in
                ProcessInfo.processInfo.performExpiringActivity(withReason: reason, using: body)
            }
        #else
            return nil
        #endif
    }
}

/// Keeps a client's app from being suspended between the request for a token pair and the moment at
/// which the pair is stored: the server has spent the old one by then.
final class Suspension: @unchecked Sendable {
    /// A request takes 15 s at most, and storing is quick.
    private static let longest = DispatchTimeInterval.seconds(25)

    private let activity: ExpiringActivity
    private let mutex = NSLock()
    private var held: DispatchSemaphore?

    init(_ activity: ExpiringActivity) { self.activity = activity }

    /// A pair may be on its way.
    func hold() {
        let began: DispatchSemaphore? = mutex.withLock {
            guard held == nil else { return nil }
            let semaphore = DispatchSemaphore(value: 0)
            held = semaphore
            return semaphore
        }
        guard let began else { return }
        activity.perform("Storing a renewed login") { [weak self] isOver in
            if isOver {
                began.signal()
            } else {
                _ = began.wait(timeout: .now() + Self.longest)
            }
            self?.forget(began)
        }
    }

    /// The pair is stored, or none comes.
    func release() {
        let held = mutex.withLock {
            defer { self.held = nil }
            return self.held
        }
        held?.signal()
    }

    private func forget(_ semaphore: DispatchSemaphore) {
        mutex.withLock { if held === semaphore { held = nil } }
    }
}
