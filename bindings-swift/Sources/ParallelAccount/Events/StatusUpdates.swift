internal import Foundation

extension AccountClient {
    /// The login's status now, and again whenever it changes: by a login, a logout, a refresh or a
    /// selected organization in this client at once; by another client or process within 5 s, as
    /// the store is asked that often. Nothing is sent.
    ///
    /// ```swift
    /// for await status in client.statusUpdates {
    ///     isLoggedIn = status.isLoggedIn
    /// }
    /// ```
    ///
    /// A store that cannot be read is asked again; ``AccountEvent/store(_:)`` tells of it. The
    /// iteration ends when its task is cancelled or the client is closed. Any number of tasks may
    /// iterate, each of which gets every status.
    public var statusUpdates: StatusUpdates {
        StatusUpdates(client: self, interval: .seconds(5))
    }
}

/// See ``AccountClient/statusUpdates``.
public struct StatusUpdates: AsyncSequence, Sendable {
    /// A status that differs from the one before.
    public typealias Element = LoginStatus

    let client: AccountClient
    let interval: Duration

    /// The status from here on.
    public func makeAsyncIterator() -> Iterator {
        Iterator(client, StatusWatch(client.native.desk.statusChanges, every: interval))
    }

    /// Asks the store when it is asked for the next status.
    public struct Iterator: AsyncIteratorProtocol {
        private let client: AccountClient
        private let watch: StatusWatch
        private var changes: AsyncStream<Void>.Iterator
        private var last: LoginStatus?

        init(_ client: AccountClient, _ watch: StatusWatch) {
            self.client = client
            self.watch = watch
            changes = watch.changes.makeAsyncIterator()
        }

        /// The next status; `nil` once the task is cancelled or the client closed.
        public mutating func next() async -> LoginStatus? {
            while !Task.isCancelled {
                do {
                    let status = try await client.status()
                    if status != last {
                        last = status
                        return status
                    }
                } catch let error as AccountError where error.code != .config {
                    // The store cannot be read: the next look may succeed.
                } catch {
                    return nil
                }
                guard await changes.next() != nil else { return nil }
            }
            return nil
        }
    }
}

/// One watcher: told of changes, and every now and then in any case.
final class StatusWatch: Sendable {
    let changes: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation
    private let all: StatusChanges
    private let timer: Task<Void, Never>

    init(_ all: StatusChanges, every interval: Duration) {
        let (changes, continuation) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.changes = changes
        self.continuation = continuation
        self.all = all
        timer = Task {
            while !Task.isCancelled {
                try? await Task.sleep(for: interval)
                continuation.yield()
            }
        }
        all.add(ObjectIdentifier(self), continuation)
    }

    deinit {
        timer.cancel()
        all.remove(ObjectIdentifier(self))
        continuation.finish()
    }
}

/// Who watches the status of one client.
final class StatusChanges: @unchecked Sendable {
    private let mutex = NSLock()
    private var watchers: [ObjectIdentifier: AsyncStream<Void>.Continuation] = [:]

    func add(_ id: ObjectIdentifier, _ watcher: AsyncStream<Void>.Continuation) {
        mutex.withLock { watchers[id] = watcher }
    }

    func remove(_ id: ObjectIdentifier) {
        mutex.withLock { _ = watchers.removeValue(forKey: id) }
    }

    /// The status may have changed.
    func tell() {
        let watchers = mutex.withLock { [AsyncStream<Void>.Continuation](self.watchers.values) }
        for watcher in watchers { watcher.yield() }
    }
}
