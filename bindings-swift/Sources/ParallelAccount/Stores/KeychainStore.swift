#if canImport(Security)
    internal import CryptoKit
    public import Foundation
    import Security

    /// Keeps the login in the Keychain of this device: not synchronized, not in backups, readable
    /// once the device has been unlocked after a restart.
    ///
    /// Untested: it was written without a Mac.
    public struct KeychainStore: CredentialStore {
        private let service: String
        private let account: String
        private let accessGroup: String?

        /// - Parameters:
        ///   - service: The item's service, such as your bundle identifier.
        ///   - account: The item's account, for more than one login.
        ///   - accessGroup: A Keychain access group that several of your apps share.
        public init(
            service: String, account: String = "parallel-account", accessGroup: String? = nil
        ) {
            self.service = service
            self.account = account
            self.accessGroup = accessGroup
        }

        /// The record, or `nil` where there is none.
        public func load() async throws -> String? {
            var query = item
            query[kSecReturnData] = true
            query[kSecMatchLimit] = kSecMatchLimitOne
            var result: CFTypeRef?
            let status = SecItemCopyMatching(query as CFDictionary, &result)
            if status == errSecItemNotFound { return nil }
            try check(status)
            return (result as? Data).map { String(decoding: $0, as: UTF8.self) }
        }

        /// Atomically puts `new` in place of exactly `old`; `false` if the record is not `old` any
        /// more. `nil` stands for no record.
        ///
        /// What makes it atomic: each of the calls below is one transaction of the Keychain's own
        /// process, which serves all apps. An item carries the hash of its record in
        /// `kSecAttrGeneric`, changed together with it, and updates and deletions match that hash:
        /// once somebody else has replaced the record, they find no item. An item is unique by
        /// service, account and access group, so of two additions the second is a duplicate. This
        /// follows Apple's documentation and is untested.
        public func replace(_ old: String?, with new: String?) async throws -> Bool {
            switch (old, new) {
            case (nil, nil):
                return try await load() == nil
            case (nil, let new?):
                let attributes = item.merging(content(new)) { $1 }
                return try changed(
                    SecItemAdd(attributes as CFDictionary, nil), unless: errSecDuplicateItem)
            case (let old?, let new?):
                return try changed(
                    SecItemUpdate(item(holding: old), content(new) as CFDictionary),
                    unless: errSecItemNotFound)
            case (let old?, nil):
                return try changed(SecItemDelete(item(holding: old)), unless: errSecItemNotFound)
            }
        }

        /// For users.
        public var location: String { "Keychain, \(service)" }

        private var item: [CFString: Any] {
            var item: [CFString: Any] = [
                kSecClass: kSecClassGenericPassword,
                kSecAttrService: service,
                kSecAttrAccount: account,
                kSecUseDataProtectionKeychain: true,
            ]
            item[kSecAttrAccessGroup] = accessGroup
            return item
        }

        private func item(holding record: String) -> CFDictionary {
            item.merging([kSecAttrGeneric: hash(record)]) { $1 } as CFDictionary
        }

        private func content(_ record: String) -> [CFString: Any] {
            [
                kSecValueData: Data(record.utf8),
                kSecAttrGeneric: hash(record),
                kSecAttrAccessible: kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly,
            ]
        }

        private func hash(_ record: String) -> Data { Data(SHA256.hash(data: Data(record.utf8))) }

        /// Whether a call changed the item; `refusal` says that somebody else was faster.
        private func changed(_ status: OSStatus, unless refusal: OSStatus) throws -> Bool {
            if status == refusal { return false }
            try check(status)
            return true
        }

        private func check(_ status: OSStatus) throws {
            guard status == errSecSuccess else {
                let text = SecCopyErrorMessageString(status, nil) as String?
                throw AccountError(.store, "The Keychain said: \(text ?? "error \(status)")")
            }
        }
    }
#endif
