internal import ParallelAccountFFI

/// Something that happened in a client, for logs, counters and spans. Holds no secret.
///
/// `description` is a line for a log, and ``level`` how much it matters:
///
/// ```swift
/// let client = try AccountClient(clientName: "my-app", onEvent: { print($0.level, $0) })
/// ```
public enum AccountEvent: Sendable, Hashable {
    /// A request is sent.
    case request(Request)
    /// A request has ended: with an answer, without one, or because its call was cancelled.
    case response(Response)
    /// A request will be sent again.
    case retry(Retry)
    /// An access token was renewed, or could not be.
    case refresh(Refresh)
    /// A call of the store failed, or took more than a second.
    case store(Store)
    /// What belongs to no client, such as a credentials file that others can read. Every client
    /// with a handler gets it.
    case warning(String)

    /// One attempt of a request.
    public struct Request: Sendable, Hashable, Identifiable {
        /// Tells the attempts of a process apart.
        public let id: UInt64
        /// Such as `GET`.
        public let method: String
        /// Where it goes, without a query.
        public let url: String
        /// 0, and one more for each repeat.
        public let attempt: Int

        /// One of your own, for tests of a handler.
        public init(id: UInt64, method: String, url: String, attempt: Int = 0) {
            self.id = id
            self.method = method
            self.url = url
            self.attempt = attempt
        }
    }

    /// The end of one attempt.
    public struct Response: Sendable, Hashable {
        /// Which one.
        public let request: Request
        /// What came of it.
        public let outcome: Outcome
        /// From sending it to the last byte of the answer.
        public let duration: Duration

        /// One of your own, for tests of a handler.
        public init(request: Request, outcome: Outcome, duration: Duration) {
            self.request = request
            self.outcome = outcome
            self.duration = duration
        }

        /// What came of one attempt.
        public enum Outcome: Sendable, Hashable {
            /// An answer, with success or not.
            case answered(status: Int, requestID: String?)
            /// No answer.
            case failed(AccountError)
            /// The call was cancelled before an answer came.
            case cancelled
        }
    }

    /// A repeat to come.
    public struct Retry: Sendable, Hashable {
        /// The attempt that failed.
        public let request: Request
        /// How long until the next one.
        public let retryIn: Duration

        /// One of your own, for tests of a handler.
        public init(request: Request, retryIn: Duration) {
            self.request = request
            self.retryIn = retryIn
        }
    }

    /// The end of a refresh.
    public struct Refresh: Sendable, Hashable {
        /// Whose login it is: the organization's ID.
        public let organization: String
        /// What came of it.
        public let outcome: Outcome

        /// One of your own, for tests of a handler.
        public init(organization: String, outcome: Outcome) {
            self.organization = organization
            self.outcome = outcome
        }

        /// What came of a refresh.
        public enum Outcome: Sendable, Hashable {
            /// A new token pair was fetched and stored.
            case renewed
            /// A pair is used that another client or process has fetched.
            case adopted
            /// No new pair was fetched or stored.
            case failed(AccountError)
        }
    }

    /// A call of the store that failed or was slow.
    public struct Store: Sendable, Hashable {
        /// Which store: its `location`.
        public let location: String
        /// What was wrong.
        public let problem: Problem

        /// One of your own, for tests of a handler.
        public init(location: String, problem: Problem) {
            self.location = location
            self.problem = problem
        }

        /// What was wrong with a call of the store.
        public enum Problem: Sendable, Hashable {
            /// It failed.
            case failed(AccountError)
            /// It took more than a second.
            case slow(Duration)
        }
    }

    /// How much an event matters: the levels of swift-log and `os.Logger`.
    public enum Level: Sendable, Hashable {
        /// Requests and their ends.
        case debug
        /// Repeats and renewed tokens.
        case info
        /// Refreshes that failed, slow stores, warnings.
        case warning
        /// Stores that failed.
        case error
    }

    /// How much it matters.
    public var level: Level {
        switch self {
        case .request, .response: .debug
        case .retry: .info
        case .refresh(let refresh):
            if case .failed = refresh.outcome { .warning } else { .info }
        case .store(let store):
            if case .failed = store.problem { .error } else { .warning }
        case .warning: .warning
        }
    }
}

extension AccountEvent: CustomStringConvertible {
    /// A line for a log.
    public var description: String {
        switch self {
        case .request(let request): "Request \(request)"
        case .response(let response):
            switch response.outcome {
            case .answered(let status, let requestID):
                "Request \(response.request): status \(status) after \(response.duration), "
                    + "request ID \(requestID ?? "none")"
            case .failed(let error):
                "Request \(response.request): failed after \(response.duration): \(error.message)"
            case .cancelled:
                "Request \(response.request): cancelled after \(response.duration)"
            }
        case .retry(let retry): "Request \(retry.request): retrying in \(retry.retryIn)"
        case .refresh(let refresh):
            switch refresh.outcome {
            case .renewed: "Login of organization \(refresh.organization): token pair renewed"
            case .adopted: "Login of organization \(refresh.organization): token pair adopted"
            case .failed(let error):
                "Refreshing the login of organization \(refresh.organization) failed: "
                    + error.message
            }
        case .store(let store):
            switch store.problem {
            case .failed(let error):
                "A call of the credential store (\(store.location)) failed: \(error.message)"
            case .slow(let duration):
                "A call of the credential store (\(store.location)) took \(duration)"
            }
        case .warning(let message): message
        }
    }
}

extension AccountEvent.Request: CustomStringConvertible {
    /// Its ID, method and URL.
    public var description: String { "\(id): \(method) \(url)" }
}

extension AccountEvent {
    init(_ ffi: FfiEvent) {
        switch ffi {
        case .requestSent(let request, _):
            self = .request(Request(request))
        case .requestAnswered(let request, let status, let requestID, let duration):
            self = .response(
                Response(
                    request: Request(request),
                    outcome: .answered(status: Int(status), requestID: requestID),
                    duration: Duration(ffiSeconds: duration)))
        case .requestFailed(let request, let problem, let duration):
            self = .response(
                Response(
                    request: Request(request),
                    outcome: problem.map { .failed(AccountError($0)) } ?? .cancelled,
                    duration: Duration(ffiSeconds: duration)))
        case .requestRepeated(let request, let after):
            self = .retry(Retry(request: Request(request), retryIn: Duration(ffiSeconds: after)))
        case .tokenRenewed(let organization):
            self = .refresh(Refresh(organization: organization, outcome: .renewed))
        case .tokenAdopted(let organization):
            self = .refresh(Refresh(organization: organization, outcome: .adopted))
        case .refreshFailed(let organization, let problem):
            self = .refresh(
                Refresh(organization: organization, outcome: .failed(AccountError(problem))))
        case .storeFailed(let location, let problem):
            self = .store(Store(location: location, problem: .failed(AccountError(problem))))
        case .storeSlow(let location, let duration):
            self = .store(Store(location: location, problem: .slow(Duration(ffiSeconds: duration))))
        case .warning(let message):
            self = .warning(message)
        }
    }
}

extension AccountEvent.Request {
    init(_ ffi: FfiRequest) {
        id = ffi.id
        method = ffi.method
        url = ffi.url
        attempt = Int(ffi.attempt)
    }
}
