#if canImport(Security)
    public import Foundation
    import Security

    /// Keeps the login in the Keychain of this device: not synchronised, not in backups, readable
    /// once the device has been unlocked after a restart.
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

        /// Replaces the record.
        public func save(_ record: String) async throws {
            let attributes: [CFString: Any] = [
                kSecValueData: Data(record.utf8),
                kSecAttrAccessible: kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly,
            ]
            var status = SecItemUpdate(item as CFDictionary, attributes as CFDictionary)
            if status == errSecItemNotFound {
                status = SecItemAdd(item.merging(attributes) { $1 } as CFDictionary, nil)
            }
            try check(status)
        }

        /// Removes the record.
        public func delete() async throws {
            let status = SecItemDelete(item as CFDictionary)
            if status != errSecItemNotFound { try check(status) }
        }

        /// For people.
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

        private func check(_ status: OSStatus) throws {
            guard status == errSecSuccess else {
                let text = SecCopyErrorMessageString(status, nil) as String?
                throw AccountError(.store, "The Keychain said: \(text ?? "error \(status)")")
            }
        }
    }
#endif
