internal import Foundation
internal import ParallelAccountFFI

/// Rust's view of a store written in Swift. Each client has its own.
final class StoreAdapter: ForeignStore {
    private let store: any CredentialStore
    private let executor = StoreExecutor()
    let callers = StoreCallers()

    init(_ store: any CredentialStore) { self.store = store }

    func load() async throws -> String? {
        try await visit { try await $0.load() }
    }

    func replace(old: String?, new: String?) async throws -> Bool {
        try await visit { try await $0.replace(old, with: new) }
    }

    /// `localizedDescription`, because `String(describing:)` would print whatever the error
    /// carries, the record included.
    private func visit<Value: Sendable>(
        _ body: @escaping @Sendable (any CredentialStore) async throws -> Value
    ) async throws -> Value {
        let start: @Sendable () -> Task<Value, any Error> = { [self] in
            executor.start { [self] in
                // What waited behind a method that blocked may have been given up.
                try Task.checkCancellation()
                return try await StoreVisit.during(of: self) { try await body(store) }
            }
        }
        do {
            let task = await callers.inContext(start) ?? start()
            return try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        } catch {
            throw failure(error)
        }
    }

    /// What a store threw, for Rust. What passes stays retryable; a store of ours can also say that
    /// its options are wrong, while one of the user's may have that from its own client.
    private func failure(_ error: any Error) -> StoreFailure {
        let message = error.localizedDescription
        return switch error as? AccountError {
        case let error? where error.isRetryable: .Unavailable(message: message)
        case let error? where error.code == .config && isOurs: .Misused(message: message)
        default: .Failed(message: message)
        }
    }

    private var isOurs: Bool {
        #if canImport(Security)
            store is KeychainStore
        #else
            false
        #endif
    }
}
