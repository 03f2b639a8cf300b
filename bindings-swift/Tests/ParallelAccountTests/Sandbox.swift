import Foundation
import ParallelAccountTesting

@testable import ParallelAccount

/// A sandbox of its own for a test: the real program, in a process of its own.
struct Sandbox: Sendable {
    typealias Problem = AccountSandbox.Problem

    private let sandbox: AccountSandbox
    var platformURL: String { sandbox.platformURL }
    var accountURL: String { sandbox.accountURL }
    var controlURL: String { sandbox.controlURL }

    static func withoutBlockedSignals(_ body: () throws -> Void) rethrows {
        try AccountSandbox.withoutBlockedSignals(body)
    }

    /// Runs `body` with a sandbox, which ends with it.
    static func run<Value: Sendable>(
        _ options: String..., isolation: isolated (any Actor)? = #isolation,
        body: (Sandbox) async throws -> Value
    ) async throws -> Value {
        try await AccountSandbox.run(options) { try await body(Sandbox(sandbox: $0)) }
    }

    /// Does something to the sandbox, or asks it something.
    @discardableResult
    func control(_ method: String, _ path: String, _ body: JSONValue? = nil) async throws
        -> JSONValue
    {
        try await sandbox.control(method, path, body)
    }

    func send(_ method: String, _ url: String, _ body: Data?) async throws -> JSONValue {
        try await sandbox.send(method, url, body)
    }

    func approve(_ login: DeviceLogin) async throws {
        try await sandbox.approve(login)
    }

    func fault(_ fault: JSONValue) async throws {
        try await sandbox.fault(fault)
    }

    /// How many requests of a route have arrived.
    func count(_ route: String) async throws -> Int {
        let answer = try await control("GET", "/requests?route=\(route)")
        guard case .array(let requests) = answer["requests"] else {
            throw Problem(description: "no requests in \(answer)")
        }
        return requests.count
    }

    /// How often a device code was polled, and what became of it.
    func deviceCode(_ login: DeviceLogin) async throws -> (polls: Int, state: String) {
        let codes = try await control("GET", "/device-codes")["device_codes"]?.items ?? []
        let code = codes.first { $0["user_code"]?.text == login.userCode }
        return (code?["polls"]?.int ?? 0, code?["state"]?.text ?? "unknown")
    }

    /// A client of this sandbox. `timeScale` is how much faster its clock runs.
    func client(
        store: any CredentialStore = MemoryStore(), timeout: Duration? = nil,
        maxRetries: Int? = 0, firstPollAtOnce: Bool = true, timeScale: Double? = nil,
        platformURL: String? = nil, accountURL: String? = nil,
        onEvent: (@Sendable (AccountEvent) -> Void)? = nil
    ) throws -> AccountClient {
        try AccountClient.$timeScale.withValue(timeScale) {
            try AccountClient(
                clientName: "swift-tests", platformURL: platformURL ?? self.platformURL,
                accountURL: accountURL ?? self.accountURL, store: store, timeout: timeout,
                maxRetries: maxRetries,
                firstPollAtOnce: firstPollAtOnce, onEvent: onEvent)
        }
    }

    /// The same, logged in.
    func loggedIn(
        store: any CredentialStore = MemoryStore(), timeout: Duration? = nil,
        maxRetries: Int? = 0, platformURL: String? = nil, accountURL: String? = nil,
        onEvent: (@Sendable (AccountEvent) -> Void)? = nil
    ) async throws -> AccountClient {
        let client = try client(
            store: store, timeout: timeout, maxRetries: maxRetries, platformURL: platformURL,
            accountURL: accountURL, onEvent: onEvent)
        try await client.login(openBrowser: false) { try await self.approve($0) }
        return client
    }
}

extension Process {
    /// Starts it, waits for its end without blocking one of the few threads that tests run on,
    /// and answers its status.
    func ended() async throws -> Int32 {
        let ended = end
        try run()
        for await _ in ended {}
        return terminationStatus
    }

    /// Ends when this process does. Ask for it before `run`.
    var end: AsyncStream<Void> {
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        terminationHandler = { _ in end.finish() }
        return ended
    }
}

/// The error that `body` throws, if it is one of ours.
func accountError<Value>(_ body: () async throws -> Value) async -> AccountError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? AccountError
    }
}
