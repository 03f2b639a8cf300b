public import Foundation
public import ParallelAccount

#if canImport(Combine)
    public import Combine

    extension LoginModel: ObservableObject {}
#endif

/// What a login view shows, and what its buttons do. Plain Swift: tested where SwiftUI is not.
@MainActor
public final class LoginModel {
    /// How far the login has come.
    public enum Phase: Equatable {
        /// Nothing has begun.
        case idle
        /// The code has been asked for.
        case starting
        /// Waiting for the person.
        case waiting(Prompt)
        /// Done.
        case loggedIn(LoginStatus)
        /// It came to nothing; the text says why and what to do.
        case failed(String)
    }

    /// What the person needs.
    public struct Prompt: Equatable {
        /// What to type.
        public let code: String
        /// Where, as text.
        public let address: String
        /// What to open; `nil` where the server named nothing that is safe to open.
        public let url: URL?
        /// When the code dies.
        public let expiresAt: Date
        /// The link as SVG.
        public let qrSVG: String?
    }

    /// How far the login has come.
    public private(set) var phase = Phase.idle { willSet { announceChange() } }
    /// Whether the last poll had no usable answer.
    public private(set) var isOffline = false { willSet { announceChange() } }

    private let client: AccountClient
    private var task: Task<Void, Never>?

    /// A model that logs this client in.
    public init(client: AccountClient) { self.client = client }

    /// Begins a login, in place of one that is under way.
    public func start() {
        task?.cancel()
        phase = .starting
        isOffline = false
        task = Task { [weak self, client] in
            do {
                let login = try await client.startLogin()
                self?.show(login)
                for try await event in login { self?.apply(event) }
            } catch is CancellationError {
                // Whoever cancelled has said what is shown now.
            } catch {
                self?.phase = .failed(error.localizedDescription)
            }
        }
    }

    /// Gives up.
    public func cancel() {
        task?.cancel()
        task = nil
        phase = .idle
    }

    /// Waits until the login that is under way has ended.
    public func finish() async { await task?.value }

    /// Whole seconds that the code still lives, for a countdown.
    public func secondsLeft(at now: Date = .now) -> Int {
        guard case .waiting(let prompt) = phase else { return 0 }
        return max(0, Int(prompt.expiresAt.timeIntervalSince(now).rounded(.up)))
    }

    /// Tells SwiftUI, where it is.
    private func announceChange() {
        #if canImport(Combine)
            objectWillChange.send()
        #endif
    }

    private func show(_ login: DeviceLogin) {
        guard !Task.isCancelled else { return }
        phase = .waiting(
            Prompt(
                code: login.userCode, address: login.verificationURI,
                url: login.verificationURL, expiresAt: login.expiresAt,
                qrSVG: try? login.qr().svg))
    }

    private func apply(_ event: LoginEvent) {
        guard !Task.isCancelled else { return }
        switch event {
        case .pending, .slowDown: isOffline = false
        case .offline: isOffline = true
        case .authorized(let status): phase = .loggedIn(status)
        }
    }
}
