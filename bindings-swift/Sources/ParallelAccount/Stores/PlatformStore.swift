extension AccountClient {
    /// Where logins are kept that name no store; `nil` for the file of Rust's. On devices it is the
    /// Keychain: files there are in backups, and apart for an app and its extensions.
    static func platformStore(clientName: String?) -> (any CredentialStore)? {
        #if os(iOS) || os(tvOS) || os(visionOS) || PARALLEL_ACCOUNT_STUBS
            return KeychainStore(service: clientName ?? "parallel-account")
        #else
            return nil
        #endif
    }
}
