public import Foundation
public import ParallelAccount

#if canImport(Combine)
    public import Combine

    extension LoginModel: ObservableObject {}
#endif

/// What a ``LoginView`` shows, and what its buttons do.
@MainActor
public final class LoginModel {
    /// How far the login has come.
    public enum Phase: Equatable, Sendable {
        /// Nothing has begun.
        case idle
        /// The code has been asked for.
        case starting
        /// Waiting for the person.
        case waiting(Prompt)
        /// Done. It stays so: nothing but ``LoginModel/start()`` leaves it.
        case loggedIn(LoginStatus)
        /// It came to nothing; the error says why and what to do.
        case failed(AccountError)
    }

    /// What the person needs.
    public struct Prompt: Equatable, Sendable {
        /// What to type.
        public let code: String
        /// Where, as text.
        public let address: String
        /// What to open; `nil` where the server named nothing that is safe to open.
        public let url: URL?
        /// When the code expires.
        public let expiresAt: Date
        /// The link as SVG.
        public let qrSVG: String?

        /// A prompt of your own, for previews and tests.
        public init(
            code: String, address: String, url: URL?, expiresAt: Date, qrSVG: String? = nil
        ) {
            self.code = code
            self.address = address
            self.url = url
            self.expiresAt = expiresAt
            self.qrSVG = qrSVG
        }

        /// Whole seconds until the code expires, for a countdown.
        public func secondsLeft(at now: Date = .now) -> Int {
            max(0, Int(expiresAt.timeIntervalSince(now).rounded(.up)))
        }
    }

    /// How far the login has come.
    public private(set) var phase = Phase.idle { willSet { announceChange() } }
    /// Whether the last poll had no usable answer.
    public private(set) var isOffline = false { willSet { announceChange() } }

    typealias Begin = @Sendable () async throws -> DeviceLogin

    private let begin: Begin
    private(set) var attempt: Attempt?

    /// One login. What an earlier one still says is not shown.
    final class Attempt {
        var task: Task<Void, Never>?
        var login: DeviceLogin?

        @MainActor func end() {
            // Not only the task: a code that is approved now must not log anybody in.
            login?.cancel()
            task?.cancel()
        }
    }

    /// A model that logs this client in.
    ///
    /// - Parameters:
    ///   - client: The client.
    ///   - scopes: What to ask for; what the client asks for by default.
    ///   - hint: Who is expected to log in, such as an address, for the login page.
    public convenience init(
        client: AccountClient, scopes: [String]? = nil, hint: String? = nil
    ) {
        self.init { try await client.startLogin(scopes: scopes, hint: hint) }
    }

    /// A model whose logins begin by this.
    init(begin: @escaping Begin) { self.begin = begin }

    /// Begins a login, in place of one that is under way.
    public func start() {
        attempt?.end()
        let attempt = Attempt()
        self.attempt = attempt
        phase = .starting
        isOffline = false
        attempt.task = Task { [weak self, begin] in
            do {
                let login = try await begin()
                guard let self, self.attempt === attempt else { return login.cancel() }
                attempt.login = login
                self.show(login)
                for try await event in login { self.apply(event, of: attempt) }
            } catch {
                self?.fail(error, in: attempt)
            }
        }
    }

    /// Gives up the login that is under way. A login that is done stays as it is.
    public func cancel() {
        attempt?.end()
        attempt = nil
        if case .loggedIn = phase { return }
        phase = .idle
        isOffline = false
    }

    /// Waits until the login that is under way has ended.
    public func finish() async { await attempt?.task?.value }

    /// Tells SwiftUI, where it is.
    private func announceChange() {
        #if canImport(Combine)
            objectWillChange.send()
        #endif
    }

    private func show(_ login: DeviceLogin) {
        phase = .waiting(
            Prompt(
                code: login.userCode, address: login.verificationURI,
                url: login.verificationURL, expiresAt: login.expiresAt,
                qrSVG: try? login.qr().svg))
    }

    func apply(_ event: LoginEvent, of attempt: Attempt) {
        guard self.attempt === attempt else { return }
        switch event {
        case .pending, .slowDown: isOffline = false
        case .offline: isOffline = true
        case .authorized(let status):
            isOffline = false
            phase = .loggedIn(status)
        }
    }

    private func fail(_ error: any Error, in attempt: Attempt) {
        // Whoever cancelled has said what is shown now.
        guard self.attempt === attempt, let error = error as? AccountError else { return }
        isOffline = false
        phase = .failed(error)
    }
}
