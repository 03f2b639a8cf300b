public import Foundation
internal import ParallelAccountFFI

/// What went wrong in a call of this package, with what a program can do about it.
///
/// Cancellation is not among these: a cancelled task throws `CancellationError`.
public struct AccountError: Error, Sendable, Hashable {
    /// What kind of error it is, by what can be done about it. The same in every language.
    public let code: Code
    /// What happened and what to do, for a person. Holds no secret.
    public let message: String
    /// The HTTP status, where an answer came.
    public let status: Int?
    /// The service's ID of the request, to quote to Parallel's support.
    public let requestID: String?
    /// How long the service asked to wait (`Retry-After`).
    public let retryAfter: Duration?
    /// Whether the same call may well succeed later, and repeating it cannot do a thing twice.
    public let isRetryable: Bool
    /// Whether the server may have acted although no usable answer came. Check before you retry.
    public let outcomeUnknown: Bool
    /// The OAuth error code (RFC 6749 §5.2), such as `invalid_scope`.
    public let oauthError: String?
    /// The server's `error_description`.
    public let oauthDescription: String?
    /// The fields that the Account API refused (422).
    public let fields: [Field]
    /// The idempotency key that a charge was sent with, given or generated. Pass it to
    /// ``BalanceResource/add(amountCents:idempotencyKey:)`` to retry without a second charge.
    public let idempotencyKey: String?
    /// What lies below this error, as text.
    public let cause: String?

    /// An error of your own: for tests, and for what stands in for a client in them.
    public init(
        code: Code, message: String, status: Int? = nil, requestID: String? = nil,
        retryAfter: Duration? = nil, isRetryable: Bool = false, outcomeUnknown: Bool = false,
        oauthError: String? = nil, oauthDescription: String? = nil, fields: [Field] = [],
        idempotencyKey: String? = nil, cause: String? = nil
    ) {
        self.code = code
        self.message = message
        self.status = status
        self.requestID = requestID
        self.retryAfter = retryAfter
        self.isRetryable = isRetryable
        self.outcomeUnknown = outcomeUnknown
        self.oauthError = oauthError
        self.oauthDescription = oauthDescription
        self.fields = fields
        self.idempotencyKey = idempotencyKey
        self.cause = cause
    }

    /// The kind of an error. Further ones may come: switch with a `default`.
    public struct Code: RawRepresentable, Sendable, Hashable, Codable, CustomStringConvertible {
        /// The stable name, the same in every language.
        public let rawValue: String
        /// A code by its stable name.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// The stable name.
        public var description: String { rawValue }

        /// Never logged in, the grant has expired, or the refresh was refused: log in.
        public static let loginRequired = Code(rawValue: "login_required")
        /// The user said no (RFC 8628 §3.5).
        public static let accessDenied = Code(rawValue: "access_denied")
        /// The device code died before anyone approved it (RFC 8628 §3.5).
        public static let loginExpired = Code(rawValue: "login_expired")
        /// Any other OAuth refusal (RFC 6749 §5.2); see ``AccountError/oauthError``.
        public static let oauth = Code(rawValue: "oauth")
        /// 401 by the Account API, even with a fresh token.
        public static let unauthorized = Code(rawValue: "unauthorized")
        /// 402: the card was declined.
        public static let paymentRequired = Code(rawValue: "payment_required")
        /// 403: the token's scopes or the user's role do not allow this.
        public static let permissionDenied = Code(rawValue: "permission_denied")
        /// 404.
        public static let notFound = Code(rawValue: "not_found")
        /// 409.
        public static let conflict = Code(rawValue: "conflict")
        /// 422 and other 4xx, or an argument that was refused before anything was sent.
        public static let invalidRequest = Code(rawValue: "invalid_request")
        /// 429; see ``AccountError/retryAfter``.
        public static let rateLimited = Code(rawValue: "rate_limited")
        /// 5xx.
        public static let server = Code(rawValue: "server")
        /// No answer: the connection failed or broke.
        public static let connection = Code(rawValue: "connection")
        /// No answer: no trusted connection could be made.
        public static let tls = Code(rawValue: "tls")
        /// No answer in time.
        public static let timeout = Code(rawValue: "timeout")
        /// A malformed response.
        public static let invalidResponse = Code(rawValue: "invalid_response")
        /// Credentials could not be read or written.
        public static let store = Code(rawValue: "store")
        /// The stored credentials are damaged.
        public static let storeCorrupt = Code(rawValue: "store_corrupt")
        /// A bad option or an insecure URL.
        public static let config = Code(rawValue: "config")
        /// A bug in this package: please report it.
        public static let `internal` = Code(rawValue: "internal")
    }

    /// One field that the Account API refused.
    public struct Field: Sendable, Hashable, Codable {
        /// Where, such as `body.amount_cents`.
        public let location: String
        /// What is wrong with it.
        public let message: String
        /// The service's own name for the problem, such as `greater_than`.
        public let type: String

        /// One of your own, for tests.
        public init(location: String, message: String, type: String) {
            self.location = location
            self.message = message
            self.type = type
        }
    }
}

extension AccountError: LocalizedError {
    /// ``message``.
    public var errorDescription: String? { message }
    /// ``cause``.
    public var failureReason: String? { cause }
}

extension AccountError: CustomNSError {
    /// `ParallelAccount.AccountError`.
    public static var errorDomain: String { "ParallelAccount.AccountError" }

    /// A number for each ``Code-swift.struct``, which never changes; 0 for one that this version does
    /// not know.
    public var errorCode: Int { Code.numbers[code] ?? 0 }

    /// The message and the cause, under Foundation's keys.
    public var errorUserInfo: [String: Any] {
        var info: [String: Any] = [NSLocalizedDescriptionKey: message]
        info[NSLocalizedFailureReasonErrorKey] = cause
        return info
    }
}

extension AccountError.Code {
    /// Only ever appended to.
    fileprivate static let numbers: [Self: Int] = {
        let codes: [Self] = [
            .loginRequired, .accessDenied, .loginExpired, .oauth, .unauthorized, .paymentRequired,
            .permissionDenied, .notFound, .conflict, .invalidRequest, .rateLimited, .server,
            .connection, .tls, .timeout, .invalidResponse, .store, .storeCorrupt, .config,
            .internal,
        ]
        return Dictionary(uniqueKeysWithValues: codes.enumerated().map { ($1, $0 + 1) })
    }()
}

extension AccountError: CustomStringConvertible {
    /// The message with the code, for logs.
    public var description: String { "\(message) [\(code)]" }
}

extension AccountError {
    init(_ problem: Problem) {
        code = Code(rawValue: problem.code)
        message = problem.message
        status = problem.status.map(Int.init)
        requestID = problem.requestId
        retryAfter = problem.retryAfter.map(Duration.init(ffiSeconds:))
        isRetryable = problem.retryable
        outcomeUnknown = problem.outcomeUnknown
        oauthError = problem.oauthError
        oauthDescription = problem.oauthDescription
        fields = problem.fields.map {
            Field(location: $0.location, message: $0.message, type: $0.errorType)
        }
        idempotencyKey = problem.idempotencyKey
        cause = problem.cause
    }

    /// An error that arises on this side of the border.
    init(_ code: Code, _ message: String, outcomeUnknown: Bool = false) {
        self.init(code: code, message: message, outcomeUnknown: outcomeUnknown)
    }

    init(bug what: String) {
        self.init(
            .internal,
            "This is a bug in parallel-account (\(what)). "
                + "Please report it, with the version and what you called.",
            outcomeUnknown: true)
    }
}
