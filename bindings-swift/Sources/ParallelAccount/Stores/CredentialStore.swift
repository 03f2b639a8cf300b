internal import Foundation
internal import ParallelAccountFFI

/// Keeps one record, which is opaque text, between runs. Implement it with an actor or a class
/// to keep logins where you want them.
///
/// Do not call the client from within its store: it waits for the store.
public protocol CredentialStore: Sendable {
    /// The record, or `nil` where there is none.
    func load() async throws -> String?

    /// Replaces the record. When this returns, the record must survive a crash.
    func save(_ record: String) async throws

    /// Removes the record. Removing none is fine.
    func delete() async throws

    /// Keeps every other user of the same record out until the answer is released. The default
    /// keeps nobody out: right for a record that only this process uses.
    func lock() async throws -> StoreLock?

    /// A number that differs once the record has changed, whoever changed it; then the record is
    /// loaded only when it does. Must be cheap: it is asked for before every use of the login.
    /// `nil`, the default, means that it cannot be told: the record is loaded each time.
    var revision: UInt64? { get }

    /// Where the record is, for people. The name of the type by default.
    var location: String { get }

    /// How long one of these calls may take before the client gives up on it with
    /// ``AccountError`` `store`; 30 s by default.
    var timeout: Duration { get }
}

extension CredentialStore {
    /// Keeps nobody out.
    public func lock() async throws -> StoreLock? { nil }
    /// Cannot be told.
    public var revision: UInt64? { nil }
    /// The name of the type.
    public var location: String { String(describing: Self.self) }
    /// 30 s.
    public var timeout: Duration { .seconds(30) }

    func native() -> FfiStore {
        if let own = self as? any NativeStore { return own.native }
        return FfiStore.foreign(
            store: Adapter(store: self), location: location, timeout: timeout.ffiSeconds)
    }
}

/// Held while a store is locked.
public final class StoreLock: Sendable {
    private let onRelease: @Sendable () -> Void

    /// - Parameter onRelease: Lets others in. Called once, by the client.
    public init(onRelease: @escaping @Sendable () -> Void) { self.onRelease = onRelease }

    func release() { onRelease() }
}

/// A store that lives in Rust and needs no way back.
protocol NativeStore: CredentialStore {
    var native: FfiStore { get }
}

extension NativeStore {
    /// The record, or `nil` where there is none.
    public func load() async throws -> String? {
        try await bridged { [native] call in try await native.load(call: call) }
    }

    /// Replaces the record. When this returns, the record survives a crash of what it lives in.
    public func save(_ record: String) async throws {
        try await bridged { [native] call in try await native.save(call: call, record: record) }
    }

    /// Removes the record. Removing none is fine.
    public func delete() async throws {
        try await bridged { [native] call in try await native.delete(call: call) }
    }

    /// Keeps every other user of the same record out until the answer is released.
    public func lock() async throws -> StoreLock? {
        let lock = try await bridged { [native] call in try await native.lock(call: call) }
        return StoreLock { lock.release() }
    }

    /// Where the record is, for people.
    public var location: String { native.location() }
}

/// Rust's view of a store written in Swift.
private final class Adapter: ForeignStore {
    private let store: any CredentialStore
    private let locks = HeldLocks()

    init(store: any CredentialStore) { self.store = store }

    func load() async throws -> String? {
        try await told { try await self.store.load() }
    }

    func save(record: String) async throws {
        try await told { try await self.store.save(record) }
    }

    func delete() async throws {
        try await told { try await self.store.delete() }
    }

    func lock() async throws -> UInt64? {
        guard let lock = try await told({ try await self.store.lock() }) else { return nil }
        // Whoever asked has given up: nobody else would release it.
        if Task.isCancelled {
            lock.release()
            return nil
        }
        return locks.add(lock)
    }

    func release(lock: UInt64) { locks.remove(lock)?.release() }

    func revision() -> UInt64? { store.revision }

    /// `localizedDescription`, because `String(describing:)` would print whatever the error
    /// carries, the record included.
    private func told<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch {
            throw StoreFailure.Failed(message: error.localizedDescription)
        }
    }
}

/// Locks that Rust holds, by number.
private final class HeldLocks: @unchecked Sendable {
    private let mutex = NSLock()
    private var held: [UInt64: StoreLock] = [:]
    private var last: UInt64 = 0

    func add(_ lock: StoreLock) -> UInt64 {
        mutex.withLock {
            last += 1
            held[last] = lock
            return last
        }
    }

    func remove(_ number: UInt64) -> StoreLock? {
        mutex.withLock { held.removeValue(forKey: number) }
    }
}
