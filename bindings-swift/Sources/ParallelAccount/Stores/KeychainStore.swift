#if canImport(Security)
    internal import CryptoKit
    internal import Dispatch
    internal import Foundation
    internal import Security

    /// Keeps the login in the Keychain of this device: not synchronized, not in backups, readable
    /// once the device has been unlocked after a restart. The default on iOS, tvOS and visionOS.
    ///
    /// An app and its extensions share a login by `accessGroup`; no file, lock or App Group is
    /// needed. ``replace(_:with:)`` compares and swaps in the Keychain itself, so nothing is held
    /// while an app is suspended.
    ///
    /// What goes wrong is an ``AccountError``: `store` with ``AccountError/isRetryable`` while the
    /// device is locked or the Keychain does not answer, `config` where the app lacks an
    /// entitlement, `store` otherwise.
    ///
    /// Tested against a stand-in for Security on Linux, and untested on a device.
    public struct KeychainStore: CredentialStore {
        /// See ``CredentialStore/cacheFor``.
        public let cacheFor: Duration
        private let service: String
        private let account: String
        private let accessGroup: String?
        private let dataProtection: Bool

        /// One process needs no more than one thread for it.
        private static let queue = DispatchQueue(label: "parallel-account-keychain")

        /// - Parameters:
        ///   - service: The item's service, such as your bundle identifier.
        ///   - account: The item's account, for more than one login.
        ///   - accessGroup: A Keychain access group, with its team prefix, that your apps and
        ///     extensions share. By default the app's first one.
        ///   - dataProtection: On macOS, `false` takes the login keychain, for tools without
        ///     entitlements. There, two processes that refresh at the same moment can both succeed
        ///     in ``replace(_:with:)``: prefer a `FileStore` for tools that run in parallel.
        ///   - cacheFor: How long a loaded record serves calls without asking the Keychain, which
        ///     is another process, again. A logout by an extension is noticed that much later.
        public init(
            service: String, account: String = "parallel-account", accessGroup: String? = nil,
            dataProtection: Bool = true, cacheFor: Duration = .seconds(1)
        ) {
            self.service = service
            self.account = account
            self.accessGroup = accessGroup
            self.dataProtection = dataProtection
            self.cacheFor = cacheFor
        }

        /// The record, or `nil` where there is none.
        ///
        /// - Throws: ``AccountError`` `store` or `config`.
        public func load() async throws -> String? {
            try await onQueue { try read() }
        }

        /// Atomically puts `new` in place of exactly `old`; `false` if the record is not `old` any
        /// more. `nil` stands for no record.
        ///
        /// What makes it atomic: each of the calls below is one transaction of the Keychain's own
        /// process, which serves all apps. An item carries the hash of its record in
        /// `kSecAttrGeneric`, changed together with it, and updates and deletions match that hash:
        /// once somebody else has replaced the record, they find no item. An item is unique by
        /// service, account and access group, so of two additions the second is a duplicate.
        ///
        /// - Throws: ``AccountError`` `store` or `config`.
        public func replace(_ old: String?, with new: String?) async throws -> Bool {
            try await onQueue {
                switch (old, new) {
                case (nil, nil):
                    return try read() == nil
                case (nil, let new?):
                    return try add(new)
                case (let old?, let new?):
                    let status = SecItemUpdate(item(holding: old), content(new) as CFDictionary)
                    return try swapped(status, old)
                case (let old?, nil):
                    return try swapped(SecItemDelete(item(holding: old)), old)
                }
            }
        }

        /// For users.
        public var location: String { "Keychain, \(service)" }

        /// The Keychain is another process: no thread that all tasks share may wait for it.
        private func onQueue<Value: Sendable>(
            _ body: @escaping @Sendable () throws -> Value
        ) async throws -> Value {
            try await withCheckedThrowingContinuation { continuation in
                Self.queue.async { continuation.resume(with: Result(catching: body)) }
            }
        }

        private func read() throws -> String? {
            let query = item()
            query[kSecReturnData] = true
            query[kSecMatchLimit] = kSecMatchLimitOne
            var result: CFTypeRef?
            let status = SecItemCopyMatching(query as CFDictionary, &result)
            if status == errSecItemNotFound { return nil }
            try check(status)
            guard let data = result as? Data, let record = String(data: data, encoding: .utf8)
            else {
                throw AccountError(.store, "The Keychain item \(service) holds no text. Delete it.")
            }
            return record
        }

        private func add(_ record: String) throws -> Bool {
            let attributes = item()
            fill(attributes, with: record)
            let status = SecItemAdd(attributes as CFDictionary, nil)
            guard status == errSecDuplicateItem else {
                try check(status)
                return true
            }
            // Somebody was faster, or there is an item that no search finds: then no retry helps.
            if try read() != nil { return false }
            let again = SecItemAdd(attributes as CFDictionary, nil)
            guard again == errSecDuplicateItem else {
                try check(again)
                return true
            }
            guard try read() == nil else { return false }
            throw AccountError(
                .store,
                "The Keychain says that the item \(service) exists, but cannot find it. "
                    + "Use another service or account.")
        }

        /// Whether a call that matched `old` changed the item.
        private func swapped(_ status: OSStatus, _ old: String) throws -> Bool {
            guard status == errSecItemNotFound else {
                try check(status)
                return true
            }
            // It holds just that without our mark: somebody else has written it, and no retry helps.
            if try read() == old, try !isMarked(old) {
                throw AccountError(
                    .store,
                    "The Keychain item \(service) was not written by KeychainStore. "
                        + "Delete it, or use another service or account.")
            }
            return false
        }

        private func isMarked(_ record: String) throws -> Bool {
            let status = SecItemCopyMatching(item(holding: record), nil)
            if status == errSecItemNotFound { return false }
            try check(status)
            return true
        }

        private func item() -> NSMutableDictionary {
            let item = NSMutableDictionary()
            item[kSecClass] = kSecClassGenericPassword
            item[kSecAttrService] = service
            item[kSecAttrAccount] = account
            if dataProtection { item[kSecUseDataProtectionKeychain] = true }
            if let accessGroup { item[kSecAttrAccessGroup] = accessGroup }
            return item
        }

        private func item(holding record: String) -> CFDictionary {
            let item = item()
            item[kSecAttrGeneric] = hash(record)
            return item as CFDictionary
        }

        private func content(_ record: String) -> NSMutableDictionary {
            let content = NSMutableDictionary()
            fill(content, with: record)
            return content
        }

        private func fill(_ item: NSMutableDictionary, with record: String) {
            item[kSecValueData] = Data(record.utf8)
            item[kSecAttrGeneric] = hash(record)
            item[kSecAttrAccessible] = kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly
        }

        private func hash(_ record: String) -> Data { Data(SHA256.hash(data: Data(record.utf8))) }

        private func check(_ status: OSStatus) throws {
            if status == errSecSuccess { return }
            throw Self.error(status)
        }

        /// What a status means for whoever called.
        static func error(_ status: OSStatus) -> AccountError {
            switch status {
            case errSecInteractionNotAllowed:
                AccountError(
                    code: .store,
                    message: "The Keychain is locked (\(status)). "
                        + "Retry once the device has been unlocked.",
                    isRetryable: true)
            case errSecNotAvailable, errSecInternalComponent, errSecIO:
                AccountError(
                    code: .store, message: "The Keychain did not answer (\(status)). Retry.",
                    isRetryable: true)
            case errSecMissingEntitlement:
                AccountError(
                    .config,
                    "The app lacks an entitlement for the Keychain (\(status)). Add the capability "
                        + "Keychain Sharing with the access group; for a macOS tool without "
                        + "entitlements, pass dataProtection: false.")
            case errSecAuthFailed, errSecUserCanceled:
                AccountError(.store, "The user refused access to the Keychain (\(status)).")
            default:
                AccountError(
                    .store,
                    "The Keychain refused (\(status)). osstatus.com says what that means.")
            }
        }
    }
#endif
