internal import ParallelAccountFFI

/// This installation's registration (step 1), to be kept and reused.
public struct ClientRegistration: Sendable, Hashable, Codable, Identifiable {
    /// The client ID.
    public let clientID: String

    /// ``clientID``.
    public var id: String { clientID }

    /// One of your own, for previews and tests.
    public init(clientID: String) {
        self.clientID = clientID
    }
}

/// What asking for a device code answers (RFC 8628 §3.2).
public struct DeviceCode: Sendable, Hashable, Codable {
    /// What polling sends; nobody else may learn it.
    public let deviceCode: Secret
    /// What the person types.
    public let userCode: String
    /// Where the person types it, as the server sent it.
    public let verificationURI: String
    /// The same with the code in it, where the server gives one.
    public let verificationURIComplete: String?
    /// How long the code lives.
    public let expiresIn: Duration
    /// How long to wait between polls at least.
    public let interval: Duration

    /// One of your own, for previews and tests.
    public init(
        deviceCode: Secret, userCode: String, verificationURI: String,
        verificationURIComplete: String? = nil, expiresIn: Duration, interval: Duration
    ) {
        self.deviceCode = deviceCode
        self.userCode = userCode
        self.verificationURI = verificationURI
        self.verificationURIComplete = verificationURIComplete
        self.expiresIn = expiresIn
        self.interval = interval
    }
}

/// A token response (RFC 6749 §5.1, with what Parallel adds).
public struct TokenSet: Sendable, Hashable, Codable {
    /// For the Account API.
    public let accessToken: Secret
    /// For the next pair. `nil`: the one that was sent stays valid.
    public let refreshToken: Secret?
    /// `Bearer`.
    public let tokenType: String
    /// The access token's life. `nil`: unknown, use it until it is refused.
    public let expiresIn: Duration?
    /// What was granted. `nil`: what was asked for, or unchanged.
    public let scopes: [String]?
    /// Which organization was chosen.
    public let organizationID: String?
    /// Its name.
    public let organizationName: String?
    /// The refresh token's life.
    public let refreshTokenExpiresIn: Duration?
    /// The grant's life: after it no refresh can work.
    public let authorizationExpiresIn: Duration?

    /// One of your own, for previews and tests.
    public init(
        accessToken: Secret, refreshToken: Secret? = nil, tokenType: String,
        expiresIn: Duration? = nil, scopes: [String]? = nil, organizationID: String? = nil,
        organizationName: String? = nil, refreshTokenExpiresIn: Duration? = nil,
        authorizationExpiresIn: Duration? = nil
    ) {
        self.accessToken = accessToken
        self.refreshToken = refreshToken
        self.tokenType = tokenType
        self.expiresIn = expiresIn
        self.scopes = scopes
        self.organizationID = organizationID
        self.organizationName = organizationName
        self.refreshTokenExpiresIn = refreshTokenExpiresIn
        self.authorizationExpiresIn = authorizationExpiresIn
    }
}

/// What one poll answers, if nothing is wrong (RFC 8628 §3.5).
public enum PollAnswer: Sendable, Hashable {
    /// Nobody has decided yet.
    case pending
    /// The same, and the interval grows by 5 s for good.
    case slowDown
    /// Approved.
    case tokens(TokenSet)
}

extension DeviceCode {
    init(_ ffi: FfiDeviceCode) {
        deviceCode = Secret(ffi.deviceCode)
        userCode = ffi.userCode
        verificationURI = ffi.verificationUri
        verificationURIComplete = ffi.verificationUriComplete
        expiresIn = Duration(ffiSeconds: ffi.expiresIn)
        interval = Duration(ffiSeconds: ffi.interval)
    }
}

extension TokenSet {
    init(_ ffi: FfiTokens) {
        accessToken = Secret(ffi.accessToken)
        refreshToken = ffi.refreshToken.map(Secret.init)
        tokenType = ffi.tokenType
        expiresIn = ffi.expiresIn.map(Duration.init(ffiSeconds:))
        scopes = ffi.scopes
        organizationID = ffi.orgId
        organizationName = ffi.orgName
        refreshTokenExpiresIn = ffi.refreshTokenExpiresIn.map(Duration.init(ffiSeconds:))
        authorizationExpiresIn = ffi.authorizationExpiresIn.map(Duration.init(ffiSeconds:))
    }
}

extension PollAnswer {
    init(_ ffi: FfiPollAnswer) {
        switch ffi {
        case .pending: self = .pending
        case .slowDown: self = .slowDown
        case .tokens(let tokens): self = .tokens(TokenSet(tokens))
        }
    }
}
