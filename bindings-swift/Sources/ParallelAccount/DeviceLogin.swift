public import Foundation
internal import ParallelAccountFFI

/// A device login on its way from prompt to session (RFC 8628).
///
/// Show ``userCode`` and ``verificationURI`` to the person, then either ``wait()`` or iterate:
///
/// ```swift
/// for try await event in login {
///     if case .offline(let error, _) = event { print("offline: \(error.message)") }
/// }
/// ```
///
/// The iteration ends after ``LoginEvent/authorized(_:)``. It throws ``AccountError`` with
/// `access_denied`, `login_expired` or `oauth` when the login has failed, `store` when it could not
/// be saved, and `CancellationError` when the task or the login was cancelled.
public final class DeviceLogin: Sendable {
    /// What the user types. Safe for a terminal.
    public let userCode: String
    /// Where the user types it, as the server sent it. Safe for a terminal.
    public let verificationURI: String
    /// The same with the code in it, where the server gives one.
    public let verificationURIComplete: String?
    /// When the code expires.
    public let expiresAt: Date
    /// The whole prompt as text that is safe for a terminal.
    public let promptText: String

    private let login: FfiLogin
    private let native: NativeClient

    init(_ login: FfiLogin, of native: NativeClient) {
        self.login = login
        self.native = native
        let prompt = login.prompt()
        userCode = prompt.userCode
        verificationURI = prompt.verificationUri
        verificationURIComplete = prompt.verificationUriComplete
        expiresAt = Date(timeIntervalSince1970: prompt.expiresAt)
        promptText = prompt.text
    }

    /// The link to open: ``verificationURIComplete``, else ``verificationURI``. `nil` unless it is
    /// `https`, or `http` to this machine: never open anything else.
    public var verificationURL: URL? {
        guard let url = URL(string: verificationURIComplete ?? verificationURI),
            let host = url.host
        else { return nil }
        let isLoopback = ["localhost", "127.0.0.1", "::1", "[::1]"].contains(host)
        return url.scheme == "https" || (url.scheme == "http" && isLoopback) ? url : nil
    }

    /// How long to wait between polls; grows when the server asks for it.
    public var interval: Duration { Duration(ffiSeconds: login.interval()) }

    /// The link as a QR code, for devices whose owner holds a phone.
    ///
    /// - Throws: ``AccountError`` `invalid_response` where the link is too long for one.
    public func qr() throws -> QRCode {
        let qr = try bridgedNow { try login.qr() }
        return QRCode(text: qr.text, svg: qr.svg)
    }

    /// What another process needs to continue this login. A secret: it holds the device code.
    /// ``AccountClient/resumeLogin(_:)`` takes it.
    public func pendingRecord() -> Secret { Secret(login.pendingRecord()) }

    /// Waits until a poll is due, polls once, and says what came of it.
    ///
    /// - Throws: As the iteration does.
    public func poll() async throws -> LoginEvent {
        defer { native.desk.suspension?.release() }
        let event = LoginEvent(try await native.call { login.poll(call: $1) }.event)
        if case .authorized = event { native.desk.statusChanges.tell() }
        return event
    }

    /// Polls until the login is decided, and stores it.
    ///
    /// - Throws: As the iteration does.
    public func wait() async throws -> LoginStatus {
        defer {
            native.desk.suspension?.release()
            native.desk.statusChanges.tell()
        }
        return LoginStatus(try await native.call { login.wait(call: $1) }.status)
    }

    /// Stops the login: whoever waits for it is told so, and no poll follows. They get a
    /// `CancellationError`.
    public func cancel() { login.cancel() }
}

extension DeviceLogin: AsyncSequence {
    /// What happens on the way.
    public typealias Element = LoginEvent

    /// The events from here on.
    public func makeAsyncIterator() -> Iterator { Iterator(login: self) }

    /// Polls when it is asked for the next event.
    public struct Iterator: AsyncIteratorProtocol {
        let login: DeviceLogin
        var isDone = false

        /// The next event; `nil` after ``LoginEvent/authorized(_:)`` or an error.
        public mutating func next() async throws -> LoginEvent? {
            if isDone { return nil }
            do {
                let event = try await login.poll()
                if case .authorized = event { isDone = true }
                return event
            } catch {
                isDone = true
                throw error
            }
        }
    }
}

/// What happens while a login is pending.
public enum LoginEvent: Sendable, Hashable {
    /// Nobody has decided yet; the next poll is due after `retryIn`.
    case pending(retryIn: Duration)
    /// The server wants polls this far apart from now on (RFC 8628 §3.5).
    case slowDown(interval: Duration, retryIn: Duration)
    /// No usable answer this time. It is asked again until the code dies.
    case offline(AccountError, retryIn: Duration)
    /// Approved and stored. The last event.
    case authorized(LoginStatus)

    init(_ ffi: FfiLoginEvent) {
        switch ffi {
        case .pending(let retryIn):
            self = .pending(retryIn: Duration(ffiSeconds: retryIn))
        case .slowDown(let interval, let retryIn):
            self = .slowDown(
                interval: Duration(ffiSeconds: interval), retryIn: Duration(ffiSeconds: retryIn))
        case .offline(let problem, let retryIn):
            self = .offline(AccountError(problem), retryIn: Duration(ffiSeconds: retryIn))
        case .authorized(let status):
            self = .authorized(LoginStatus(status))
        }
    }
}

/// A QR code in two forms.
public struct QRCode: Sendable, Hashable, Codable {
    /// For a terminal: half blocks, for light text on dark ground.
    public let text: String
    /// For a page: an SVG document without scripts or links.
    public let svg: String

    /// One of your own, for previews and tests.
    public init(text: String, svg: String) {
        self.text = text
        self.svg = svg
    }
}
