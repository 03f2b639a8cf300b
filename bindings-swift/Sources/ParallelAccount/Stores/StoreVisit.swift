internal import Foundation

/// A method of a store that is running, known to the tasks that run in it.
final class StoreVisit: @unchecked Sendable {
    @TaskLocal private static var current: StoreVisit?

    private let adapter: ObjectIdentifier
    private let outer: StoreVisit?
    private let mutex = NSLock()
    private var hasEnded = false

    private init(of adapter: StoreAdapter) {
        self.adapter = ObjectIdentifier(adapter)
        outer = Self.current
    }

    /// Runs `body` as a method of the store behind `adapter`.
    static func during<Value>(
        of adapter: StoreAdapter, _ body: () async throws -> Value
    ) async throws -> Value {
        let visit = StoreVisit(of: adapter)
        // A task that the store started may outlive the visit, and may call the client then.
        defer { visit.mutex.withLock { visit.hasEnded = true } }
        return try await $current.withValue(visit) { try await body() }
    }

    /// Whether this task runs in a method of the store behind `adapter`.
    static func isWithin(_ adapter: StoreAdapter) -> Bool {
        var visit = current
        while let here = visit {
            if here.adapter == ObjectIdentifier(adapter), here.mutex.withLock({ !here.hasEnded }) {
                return true
            }
            visit = here.outer
        }
        return false
    }
}
