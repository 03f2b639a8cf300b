import Foundation

@testable import ParallelAccount

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A sandbox of its own for a test: the real program, in a process of its own.
final class Sandbox: Sendable {
    struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    private struct Addresses: Decodable {
        let platformUrl: String
        let accountUrl: String
        let controlUrl: String
    }

    let platformURL: String
    let accountURL: String
    let controlURL: String
    private let process: Process
    private let ended: AsyncStream<Void>

    static let program: String =
        ProcessInfo.processInfo.environment["PARALLEL_ACCOUNT_SANDBOX"]
        ?? "target/debug/parallel-account-sandbox"

    private init(_ options: [String]) throws {
        let process = Process()
        self.process = process
        process.executableURL = URL(fileURLWithPath: Self.program)
        process.arguments = options
        let output = Pipe()
        process.standardOutput = output
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        self.ended = ended
        process.terminationHandler = { _ in end.finish() }
        try Self.withoutBlockedSignals { try process.run() }
        var line = Data()
        while !line.contains(UInt8(ascii: "\n")) {
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { throw Problem(description: "the sandbox did not start") }
            line.append(more)
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let addresses = try decoder.decode(Addresses.self, from: line)
        platformURL = addresses.platformUrl
        accountURL = addresses.accountUrl
        controlURL = addresses.controlUrl
    }

    /// Tests run on threads of Dispatch, which block signals, and a process inherits that: it
    /// would never see SIGTERM.
    static func withoutBlockedSignals(_ body: () throws -> Void) rethrows {
        var none = sigset_t()
        var before = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try body()
    }

    /// Runs `body` with a sandbox, which ends with it.
    static func run<Value: Sendable>(
        _ options: String..., isolation: isolated (any Actor)? = #isolation,
        body: (Sandbox) async throws -> Value
    ) async throws -> Value {
        let sandbox = try Sandbox(options)
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(sandbox))
        } catch {
            result = .failure(error)
        }
        sandbox.process.terminate()
        // Not `waitUntilExit`: it would block one of the few threads that tests run on.
        for await _ in sandbox.ended {}
        return try result.get()
    }

    /// Does something to the sandbox, or asks it something.
    @discardableResult
    func control(_ method: String, _ path: String, _ body: JSONValue? = nil) async throws
        -> JSONValue
    {
        try await send(method, controlURL + path, body.map { try JSONEncoder().encode($0) })
    }

    func send(_ method: String, _ url: String, _ body: Data?) async throws -> JSONValue {
        var request = URLRequest(url: URL(string: url)!)
        request.httpMethod = method
        if let body {
            request.httpBody = body
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        }
        let (data, response) = try await URLSession.shared.data(for: request)
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        guard (200..<300).contains(status) else {
            let answer = String(decoding: data, as: UTF8.self)
            throw Problem(description: "\(method) \(url): \(status) \(answer)")
        }
        return try JSONDecoder().decode(JSONValue.self, from: data)
    }

    func approve(_ login: DeviceLogin) async throws {
        try await control("POST", "/approve", ["user_code": .string(login.userCode)])
    }

    func fault(_ fault: JSONValue) async throws {
        try await control("POST", "/faults", fault)
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
