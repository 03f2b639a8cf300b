internal import ParallelAccountFFI

extension AccountClient {
    /// A client whose clock runs `timeScale` times faster: logins are tested without waiting.
    convenience init(
        platformURL: String, accountURL: String, store: any CredentialStore,
        maxRetries: Int? = nil, firstPollAtOnce: Bool, timeScale: Double
    ) throws {
        try self.init(
            options: FfiOptions(
                clientName: nil, clientId: nil, scopes: nil, platformUrl: platformURL,
                accountUrl: accountURL, store: store.native(), timeout: nil,
                maxRetries: try retries(maxRetries), organization: nil, userAgent: nil, proxy: nil,
                caBundle: nil, firstPollAtOnce: firstPollAtOnce, lockTimeout: nil,
                language: language, timeScale: timeScale))
    }
}
