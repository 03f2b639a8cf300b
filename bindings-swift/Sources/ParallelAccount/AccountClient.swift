public import Foundation
internal import ParallelAccountFFI

/// Logs a person in to Parallel by the device flow (RFC 8628) and calls the Account API.
///
/// Cheap to make and safe to share between tasks. Nothing is sent or read before the first call.
/// Every call throws ``AccountError``, or `CancellationError` once its task is cancelled.
public final class AccountClient: Sendable {
    let native: NativeClient

    init(_ native: NativeClient) { self.native = native }

    /// - Parameters:
    ///   - clientName: What the approval page calls the application; also names the default store.
    ///   - clientID: A registration made elsewhere; without one, the first login registers.
    ///   - scopes: What logins ask for; by default all scopes of the Account API.
    ///   - platformURL: The base of the device flow; by default `PARALLEL_PLATFORM_URL`, then
    ///     `https://platform.parallel.ai`. `https`, or `http` to this machine.
    ///   - accountURL: The base of the Account API; by default `PARALLEL_SERVICE_API_URL`, then
    ///     `https://api.parallel.ai/account`.
    ///   - store: Where the login is kept. Default: on iOS, tvOS and visionOS the Keychain, in an
    ///     item whose service is `clientName`; elsewhere a file of this `clientName`.
    ///   - timeout: How long one request may take, from connecting to the last byte; default 30 s.
    ///     More than zero, at most a day.
    ///   - deadline: How long a call as a whole may take, retries, a refresh and all waiting
    ///     included; by default there is no limit. More than zero, at most a day. A call that
    ///     reaches it throws ``AccountError`` `timeout`.
    ///   - maxRetries: How often a request is retried at most where a retry is safe; default 2.
    ///   - organization: The ID of the organization to act for, whichever is selected in the store.
    ///   - userAgent: Added to the `User-Agent`, such as `my-app/1.2`.
    ///   - proxy: The URL of a proxy, instead of what `HTTPS_PROXY` and its like say. `NO_PROXY`
    ///     counts.
    ///   - caBundle: A file of PEM certificates to trust besides the system's.
    ///   - firstPollAtOnce: Whether to poll a login at once rather than after one interval.
    ///   - lockTimeout: How long to wait for another process that holds the store's lock; default
    ///     60 s.
    ///   - headers: Sent with every request, such as `x-team`; what this library sets itself, such
    ///     as `Authorization`, is refused.
    ///   - onEvent: Told of requests, refreshes and what is wrong with the store: one event
    ///     after the other, on a queue of the client's, soon after they happen. The client holds it,
    ///     so hold the client weakly in it.
    /// - Throws: ``AccountError`` `config` for a bad option or an insecure URL.
    public convenience init(
        clientName: String? = nil,
        clientID: String? = nil,
        scopes: [String]? = nil,
        platformURL: (any BaseURLConvertible)? = nil,
        accountURL: (any BaseURLConvertible)? = nil,
        store: (any CredentialStore)? = nil,
        timeout: Duration? = nil,
        deadline: Duration? = nil,
        maxRetries: Int? = nil,
        organization: String? = nil,
        userAgent: String? = nil,
        proxy: (any BaseURLConvertible)? = nil,
        caBundle: URL? = nil,
        firstPollAtOnce: Bool = false,
        lockTimeout: Duration? = nil,
        headers: [String: String] = [:],
        onEvent: (@Sendable (AccountEvent) -> Void)? = nil
    ) throws {
        let store = store ?? Self.platformStore(clientName: clientName)
        let (native, adapter) = store?.native() ?? (nil, nil)
        let desk = EventDesk(onEvent)
        let options = FfiOptions(
            clientName: clientName, clientId: clientID, scopes: scopes,
            platformUrl: platformURL?.baseURLText, accountUrl: accountURL?.baseURLText,
            store: native,
            timeout: timeout?.ffiSeconds, deadline: deadline?.ffiSeconds,
            maxRetries: try retries(maxRetries), organization: organization, userAgent: userAgent,
            proxy: proxy?.baseURLText, caBundle: try caBundle.map { try filePath($0, "caBundle") },
            firstPollAtOnce: firstPollAtOnce,
            lockTimeout: lockTimeout?.ffiSeconds, headers: try headers.ffi(), listener: desk,
            wantsAll: desk.hasHandler,
            wantsTokenRequests: desk.suspension != nil, language: language,
            timeScale: Self.timeScale)
        let client = try bridgedNow { try FfiClient(options: options) }
        self.init(NativeClient(ffi: client, store: adapter, desk: desk))
    }

    /// The clock of clients that are made under this runs so many times faster: for tests.
    @TaskLocal static var timeScale: Double?

    /// The same client with other limits and headers. What is `nil` stays as it is.
    ///
    /// - Parameters:
    ///   - timeout: How long one request may take, from connecting to the last byte.
    ///   - deadline: How long the call as a whole may take, retries, a refresh and all waiting
    ///     included.
    ///   - maxRetries: How often a request is retried at most where a retry is safe.
    ///   - headers: Headers to send to the Account API besides the client's; one of the same name
    ///     replaces the client's. Such as `traceparent`. One that cannot be sent, or that this
    ///     package sets itself, fails the calls with ``AccountError`` `config`.
    /// - Throws: ``AccountError`` `config` for a limit that is out of range.
    public func with(
        timeout: Duration? = nil, deadline: Duration? = nil, maxRetries: Int? = nil,
        headers: [String: String] = [:]
    ) throws -> AccountClient {
        let options = FfiCallOptions(
            timeout: timeout?.ffiSeconds, deadline: deadline?.ffiSeconds,
            maxRetries: try retries(maxRetries), headers: try headers.ffi(), response: nil)
        return AccountClient(try native.with(options))
    }

    /// Calls the Account API, and says what the response says besides its body.
    ///
    /// ```swift
    /// let (balance, response) = try await client.withResponse { try await $0.balance.get() }
    /// ```
    ///
    /// - Parameters:
    ///   - isolation: The caller's actor, on which `body` runs; leave it out.
    ///   - body: Makes a call by the client that it is given.
    /// - Returns: What `body` returns, and the last answer to its calls; `nil` where none came.
    /// - Throws: What `body` throws.
    public func withResponse<Value: Sendable>(
        isolation: isolated (any Actor)? = #isolation,
        _ body: (AccountClient) async throws -> Value
    ) async throws -> (value: Value, response: ResponseInfo?) {
        let slot = FfiResponseSlot()
        let options = FfiCallOptions(
            timeout: nil, deadline: nil, maxRetries: nil, headers: [], response: slot)
        let value = try await body(AccountClient(try native.with(options)))
        return (value, slot.take().map(ResponseInfo.init))
    }

    /// Ends the client: later calls fail, and the stored login stays. They throw ``AccountError``
    /// `config`, those of other clients from ``with(timeout:deadline:maxRetries:headers:)``
    /// included, and connections that no other client shares are closed.
    ///
    /// Waits up to 5 s for what calls left behind, as ``settled()`` does, so that what the store
    /// needs can be closed next, and until `onEvent` has heard of everything. It waits even if its own task is cancelled, as tasks often are when
    /// a server shuts down; called by a method of the client's own store, it returns at once.
    public func close() async { await native.close() }

    /// Waits for what stopped calls left behind: a refresh, a poll, a write or a logout. Await it
    /// before the process ends, if a call may have been cancelled just before: a refresh that is
    /// cut off may lose the login. ``close()`` does so for up to 5 s.
    ///
    /// - Throws: `CancellationError` once its own task is cancelled; the work continues.
    public func settled() async throws {
        try await native.call { $0.settled(call: $1) }
    }
}

private func retries(_ count: Int?) throws -> UInt32? {
    guard let count else { return nil }
    guard let retries = UInt32(exactly: count) else {
        throw AccountError(.config, "maxRetries must be a non-negative integer of at most 32 bits.")
    }
    return retries
}

extension [String: String] {
    /// Which of two names that differ in case alone counted would be chance.
    fileprivate func ffi() throws -> [FfiHeader] {
        var names: Set<String> = []
        return try map { name, value in
            guard names.insert(name.lowercased()).inserted else {
                throw AccountError(
                    .config, "headers has \(name.lowercased()) twice, in different cases.")
            }
            return FfiHeader(name: name, value: value)
        }
    }
}

/// The path of a file's URL; another's would be a path by mistake.
func filePath(_ url: URL, _ name: String) throws -> String {
    guard url.isFileURL else {
        throw AccountError(.config, "\(name) must be a file's URL: use URL(fileURLWithPath:).")
    }
    return url.path
}

/// Goes into the `User-Agent`.
#if swift(>=6.2)
    private let language = "swift/6.2"
#elseif swift(>=6.1)
    private let language = "swift/6.1"
#else
    private let language = "swift/6.0"
#endif

// MARK: - Logging in

extension AccountClient {
    /// Logs in: registers if needed, shows the prompt, waits, and stores the login.
    ///
    /// - Parameters:
    ///   - scopes: Instead of the client's scopes.
    ///   - timeout: How long to wait for the approval; by default as long as the code is valid.
    ///   - hint: Whom the login page should suggest, such as an e-mail address.
    ///   - openBrowser: Whether to open the link in the user's browser, where there is one. In an
    ///     app, open ``DeviceLogin/verificationURL`` yourself.
    ///   - prompt: Shows the code and the link; by default they go to standard error.
    /// - Returns: Who is logged in.
    /// - Throws: ``AccountError``: `access_denied`, `login_expired`, `oauth`, `store`, `config`, or
    ///   that there is no answer; whatever `prompt` throws; `CancellationError`.
    @discardableResult
    public func login(
        scopes: [String]? = nil,
        timeout: Duration? = nil,
        hint: String? = nil,
        openBrowser: Bool = true,
        prompt: @Sendable (DeviceLogin) async throws -> Void = printPrompt
    ) async throws -> LoginStatus {
        let login = try await startLogin(scopes: scopes, timeout: timeout, hint: hint)
        do {
            try await prompt(login)
        } catch {
            login.cancel()
            throw error
        }
        if openBrowser, let url = login.verificationURL {
            // It may take a while to start one, and nobody waits for it.
            Task.detached { _ = ParallelAccountFFI.openBrowser(url: url.absoluteString) }
        }
        return try await login.wait()
    }

    /// Writes the prompt to standard error.
    @Sendable
    public static func printPrompt(_ login: DeviceLogin) {
        FileHandle.standardError.write(Data("\(login.promptText)\n".utf8))
    }

    /// Asks for a device code (RFC 8628 §3.1), after registering if needed. Parameters and errors
    /// as ``login(scopes:timeout:hint:openBrowser:prompt:)``.
    public func startLogin(
        scopes: [String]? = nil, timeout: Duration? = nil, hint: String? = nil
    ) async throws -> DeviceLogin {
        let options = FfiLoginOptions(
            scopes: scopes, timeout: timeout?.ffiSeconds, loginHint: hint)
        let outcome = try await native.call { $0.startLogin(call: $1, options: options) }
        return DeviceLogin(try outcome.login, of: native)
    }

    /// Continues a login from its pending record, in this process or another.
    ///
    /// - Parameter record: ``DeviceLogin/pendingRecord()`` of that login.
    /// - Throws: ``AccountError``: `login_expired` when it is too late, `invalid_request` for what
    ///   is no such record.
    public func resumeLogin(_ record: Secret) async throws -> DeviceLogin {
        let outcome = try await native.call { $0.resumeLogin(call: $1, record: record.expose()) }
        return DeviceLogin(try outcome.login, of: native)
    }

    /// Who is logged in, as the store knows it, without any network.
    public func status() async throws -> LoginStatus {
        LoginStatus(try await native.call { $0.status(call: $1) }.status)
    }

    /// Revokes the login and forgets it, even if revoking fails. A data key that this package made
    /// is deleted, as far as that is possible; the error says so if it could not be.
    ///
    /// - Parameters:
    ///   - organization: Whose login; by default that of the organization that calls act for.
    ///   - all: Every login in the store.
    /// - Throws: ``AccountError``: whatever kept the login from being revoked, or `store`.
    public func logout(organization: String? = nil, all: Bool = false) async throws {
        defer { native.desk.statusChanges.tell() }
        try await native.call { $0.logout(call: $1, all: all, organization: organization) }
    }

    /// An access token that is valid now, for calls that this library does not wrap.
    ///
    /// - Throws: ``AccountError`` `login_required` where only a login helps.
    public func accessToken() async throws -> Secret {
        Secret(try await native.call { $0.accessToken(call: $1) }.text)
    }

    /// The organization's key for Parallel's data API and its official SDKs. The API wants it as
    /// the header `x-api-key`.
    ///
    /// The stored key, without any network, where there is one; the key of Parallel's own CLI
    /// counts. Otherwise a key is made, in the app that is named as the client is, and stored: one,
    /// however many processes ask at once.
    ///
    /// - Throws: ``AccountError``: `login_required` if there is no key and nobody is logged in to make
    ///   one; `permission_denied`, before anything is sent, if the login lacks a scope, which the
    ///   message names (`apps:read`, `keys:create`, and `apps:create` if there is no such app); with
    ///   ``AccountError/outcomeUnknown`` if the answer to the new key was lost, which may leave a key
    ///   behind in the app that the message names.
    public func apiKey() async throws -> Secret {
        Secret(try await native.call { $0.apiKey(call: $1) }.text)
    }

    /// Replaces the refused key, or the one that this client gave out last, with a new one. Whoever
    /// names the key replaces it once, however many others do so at the same time.
    ///
    /// It is stored, and the old key is deleted if this package made it. If another process has
    /// replaced the key already, its key is answered.
    ///
    /// - Throws: As ``apiKey()``.
    public func renewApiKey(refused: Secret? = nil) async throws -> Secret {
        let refused = refused?.expose()
        return Secret(
            try await native.call { $0.renewApiKey(call: $1, refused: refused) }.text)
    }

    /// Every organization that the store has a login for.
    public func organizations() async throws -> [Organization] {
        try await native.call { $0.organizations(call: $1) }.organizations.map(Organization.init)
    }

    /// Acts for this organization from now on; all that share the store follow.
    public func selectOrganization(_ id: String) async throws {
        defer { native.desk.statusChanges.tell() }
        try await native.call { $0.selectOrganization(call: $1, organization: id) }
    }
}
