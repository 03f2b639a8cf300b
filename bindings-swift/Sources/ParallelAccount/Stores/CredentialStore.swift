internal import ParallelAccountFFI

/// Keeps one record, which is opaque text, between runs. Implement it with an actor or a class to
/// keep logins where you want them.
///
/// A store is one cell that is compared and swapped. Every database does that in one statement,
/// whose number of changed rows is the answer:
///
/// ```sql
/// UPDATE logins SET record = :new WHERE user_id = :user AND record = :old
/// ```
///
/// Where there was no record, insert one `ON CONFLICT DO NOTHING`; where there is to be none,
/// delete `WHERE user_id = :user AND record = :old`. Nothing else is needed for any number of
/// tasks, processes and machines to share a login.
///
/// The methods of an actor run isolated, on its own executor if it has one. On macOS 15, iOS 18 and
/// Linux all others run on a queue of the client's, so that one that blocks its thread holds up no
/// other client. `@TaskLocal` values are those of one of the calls that wait for the method; without
/// such a call, as in a refresh whose callers were cancelled, they have their defaults.
///
/// What a method throws ends the client's call in an ``AccountError`` `store` with the
/// `localizedDescription`. Throw an ``AccountError`` of your own with ``AccountError/isRetryable``
/// for what passes by itself: the call's error is retryable then, too.
///
/// A store must not call the client that it serves: such a call throws ``AccountError`` `config`.
/// Use `Task.detached` for work that a method starts and that may call the client later.
public protocol CredentialStore: Sendable {
    /// The record, or `nil` where there is none.
    func load() async throws -> String?

    /// Atomically puts `new` in place of exactly `old`.
    ///
    /// - Parameters:
    ///   - old: The record as it must be; `nil` if there must be none.
    ///   - new: The record as it is to be; `nil` to delete it.
    /// - Returns: `true` once the new record would survive a crash; `false` if the record is not
    ///   `old` any more, and nothing was changed.
    func replace(_ old: String?, with new: String?) async throws -> Bool

    /// How long a loaded record may serve calls before it is loaded again; default 0 s. A logout or
    /// a change of organization by another process is noticed that much later. A refresh loads it in
    /// any case. Read once, when a client is made.
    var cacheFor: Duration { get }

    /// Where the record is, for users. Read once, when a client is made. The name of the type by
    /// default.
    var location: String { get }

    /// How long one call may take before the client gives it up; default 30 s. The call that needed
    /// it throws ``AccountError`` `store`. Read once, when a client is made.
    var timeout: Duration { get }
}

extension CredentialStore {
    /// Zero.
    public var cacheFor: Duration { .zero }
    /// The name of the type.
    public var location: String { String(describing: Self.self) }
    /// 30 s.
    public var timeout: Duration { .seconds(30) }

    /// The store for a client in Rust, with what carries its calls to Swift, if it is written there.
    func native() -> (FfiStore, StoreAdapter?) {
        if let own = self as? any NativeStore { return (own.native, nil) }
        if let encrypted = self as? EncryptedStore { return encrypted.wrappedNative() }
        let adapter = StoreAdapter(self)
        let store = FfiStore.foreign(
            store: adapter, location: location, timeout: timeout.ffiSeconds,
            cacheFor: cacheFor.ffiSeconds)
        return (store, adapter)
    }
}

/// A store that lives in Rust and needs no way back.
protocol NativeStore: CredentialStore {
    var native: FfiStore { get }
}

extension NativeStore {
    /// The record, or `nil` where there is none.
    public func load() async throws -> String? {
        try await bridged { native.load(call: $0) }.record
    }

    /// Atomically puts `new` in place of exactly `old`; `false` if the record is not `old` any
    /// more. `nil` stands for no record.
    public func replace(_ old: String?, with new: String?) async throws -> Bool {
        try await bridged { native.replace(call: $0, old: old, new: new) }.replaced
    }

    /// Where the record is, for users.
    public var location: String { native.location() }
}
