public import Foundation
internal import ParallelAccountFFI

/// Encrypts the record that another store keeps: one of this package or one of yours.
///
/// What is stored is a JWE (RFC 7516) in compact serialization: `alg` is `dir`, `enc` is `A256GCM`,
/// `kid` is the key's ID. The first key encrypts, and all keys decrypt. To rotate, put a new key
/// first and keep the old ones until every record has been written again, which a refresh does, and
/// `store.replace(record, with: record)`.
///
/// It is a store itself: ``load()`` and ``replace(_:with:)`` take and return decrypted records, and
/// call the wrapped store in the caller's task. A record that cannot be decrypted throws
/// ``AccountError`` `store` and is never overwritten.
public final class EncryptedStore: CredentialStore {
    private let store: any CredentialStore
    private let cipher: Cipher

    /// - Parameters:
    ///   - store: Where the encrypted record is kept.
    ///   - keys: IDs (1 to 64 printable ASCII characters, stored in the clear) and keys (exactly 32
    ///     random bytes), such as `[("2026-11", key)]`.
    ///   - subject: Whose record it is, such as the user's ID; at most 256 bytes. It is stored in
    ///     the clear (`sub`), and a record of another subject is refused, so that nobody who can
    ///     write to the database can hand one user another user's login.
    ///   - acceptPlaintext: Also reads records from before encryption was switched on; they are
    ///     encrypted when they are next written. Switch it off once all are.
    /// - Throws: ``AccountError`` `config` for an invalid key, ID or subject.
    public init(
        _ store: any CredentialStore, keys: [(id: String, key: Data)], subject: String? = nil,
        acceptPlaintext: Bool = false
    ) throws {
        self.store = store
        cipher = try bridgedNow {
            try Cipher(
                keys: keys.map { EncryptionKey(id: $0.id, key: $0.key) }, subject: subject,
                acceptPlaintext: acceptPlaintext)
        }
    }

    /// The decrypted record, or `nil` where there is none.
    public func load() async throws -> String? {
        guard case .record(let record) = try await run(cipher.load()) else { return nil }
        return record
    }

    /// Atomically puts `new` in place of exactly `old`, both decrypted; `false` if the record is not
    /// `old` any more. `nil` stands for no record.
    public func replace(_ old: String?, with new: String?) async throws -> Bool {
        guard case .replaced(let replaced) = try await run(cipher.replace(old: old, new: new))
        else { return false }
        return replaced
    }

    /// That of the wrapped store.
    public var cacheFor: Duration { store.cacheFor }
    /// Where the wrapped store keeps the record, for users.
    public var location: String { store.location }
    /// That of the wrapped store.
    public var timeout: Duration { store.timeout }

    /// The store for a client in Rust, as ``CredentialStore/native()``.
    func wrappedNative() -> (FfiStore, StoreAdapter?) {
        let (native, adapter) = store.native()
        return (cipher.around(store: native), adapter)
    }

    private func run(_ call: EncryptedCall) async throws -> EncryptedStep {
        var step = try bridgedNow { try call.start() }
        while true {
            switch step {
            case .load:
                let record = try await store.load()
                step = try bridgedNow { try call.loaded(record: record) }
            case .replace(let old, let new):
                let replaced = try await store.replace(old, with: new)
                step = try bridgedNow { try call.replaced(replaced: replaced) }
            case .record, .replaced:
                return step
            }
        }
    }
}
