#if os(macOS) || os(Linux)
    public import Foundation
    public import ParallelAccount

    #if canImport(FoundationNetworking)
        import FoundationNetworking
    #endif

    /// The local Parallel in a process of its own, for tests on macOS and Linux: OAuth endpoints,
    /// Account API and faults, without any real account.
    ///
    /// ```swift
    /// try await AccountSandbox.run { sandbox in
    ///     let client = try sandbox.client()
    ///     try await client.login(openBrowser: false) { try await sandbox.approve($0) }
    ///     #expect(try await client.balance.get().creditBalanceCents == 5000)
    /// }
    /// ```
    ///
    /// It is the program `parallel-account-sandbox`: `cargo install --path tests/sandbox`. It ends
    /// with `run`, or with the process of the test, even if that is killed.
    public final class AccountSandbox: Sendable {
        /// The sandbox could not be started, or refused what it was asked.
        public struct Problem: LocalizedError, CustomStringConvertible {
            /// What went wrong and what to do.
            public let description: String
            /// The same.
            public var errorDescription: String? { description }

            package init(description: String) { self.description = description }
        }

        /// Base of the device flow.
        public let platformURL: String
        /// Base of the Account API.
        public let accountURL: String
        /// Base of what tests control, as tests/sandbox/README.md describes it.
        public let controlURL: String
        private let process: Process
        private let ended: AsyncStream<Void>

        private struct Addresses: Decodable {
            let platformUrl: String
            let accountUrl: String
            let controlUrl: String
        }

        /// Where the program is: `PARALLEL_ACCOUNT_SANDBOX`, else on `PATH`, else where cargo
        /// installs.
        public static var program: URL? {
            let environment = ProcessInfo.processInfo.environment
            if let named = environment["PARALLEL_ACCOUNT_SANDBOX"] {
                return URL(fileURLWithPath: named)
            }
            let folders =
                (environment["PATH"] ?? "").split(separator: ":").map(String.init)
                + [FileManager.default.homeDirectoryForCurrentUser.path + "/.cargo/bin"]
            return folders.lazy.map { "\($0)/parallel-account-sandbox" }
                .first(where: FileManager.default.isExecutableFile(atPath:))
                .map(URL.init(fileURLWithPath:))
        }

        /// Runs `body` with a sandbox of its own, which ends with it.
        ///
        /// - Parameters:
        ///   - options: Of the program, such as `--interval` and `1`.
        ///   - isolation: The caller's actor, on which `body` runs; leave it out.
        ///   - body: What to do with it.
        /// - Throws: ``Problem`` if it cannot be started, and what `body` throws.
        public static func run<Value: Sendable>(
            _ options: [String] = [], isolation: isolated (any Actor)? = #isolation,
            body: (AccountSandbox) async throws -> Value
        ) async throws -> Value {
            let sandbox = try AccountSandbox(options)
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

        private init(_ options: [String]) throws {
            guard let program = Self.program else {
                throw Problem(
                    description: "There is no parallel-account-sandbox. Install it by "
                        + "`cargo install --path tests/sandbox` in a checkout, "
                        + "or say where it is by PARALLEL_ACCOUNT_SANDBOX.")
            }
            let process = Process()
            self.process = process
            process.executableURL = program
            process.arguments = ["--until-stdin-closes"] + options
            let output = Pipe()
            process.standardOutput = output
            // The system closes it, however this process ends. No other program that the test
            // starts may keep it open.
            let input = Pipe()
            _ = fcntl(input.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
            process.standardInput = input
            let (ended, end) = AsyncStream.makeStream(of: Void.self)
            self.ended = ended
            process.terminationHandler = { _ in end.finish() }
            do {
                try Self.withoutBlockedSignals { try process.run() }
            } catch {
                throw Problem(
                    description: "\(program.path) could not be started: "
                        + error.localizedDescription)
            }
            var line = Data()
            while !line.contains(UInt8(ascii: "\n")) {
                let more = output.fileHandleForReading.availableData
                guard !more.isEmpty else {
                    throw Problem(
                        description: "\(program.path) ended without an address; "
                            + "standard error says why.")
                }
                line.append(more)
            }
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            guard let addresses = try? decoder.decode(Addresses.self, from: line) else {
                process.terminate()
                throw Problem(description: "\(program.path) is no parallel-account-sandbox.")
            }
            platformURL = addresses.platformUrl
            accountURL = addresses.accountUrl
            controlURL = addresses.controlUrl
        }

        /// Tests run on threads of Dispatch, which block signals, and a process inherits that: it
        /// would never see SIGTERM.
        package static func withoutBlockedSignals(_ body: () throws -> Void) rethrows {
            var none = sigset_t()
            var before = sigset_t()
            sigemptyset(&none)
            pthread_sigmask(SIG_SETMASK, &none, &before)
            defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
            try body()
        }

        /// A client of this sandbox.
        ///
        /// - Parameters:
        ///   - store: Where its login is kept; in memory by default.
        ///   - maxRetries: How often a request is repeated at most; never by default.
        ///   - onEvent: As in ``ParallelAccount/AccountClient``.
        public func client(
            store: any CredentialStore = MemoryStore(), maxRetries: Int = 0,
            onEvent: (@Sendable (AccountEvent) -> Void)? = nil
        ) throws -> AccountClient {
            try AccountClient(
                clientName: "tests", platformURL: platformURL, accountURL: accountURL, store: store,
                maxRetries: maxRetries, firstPollAtOnce: true, onEvent: onEvent)
        }

        /// Approves a login, as its user would.
        public func approve(_ login: DeviceLogin) async throws {
            try await control("POST", "/approve", ["user_code": .string(login.userCode)])
        }

        /// Denies a login, as its user would.
        public func deny(_ login: DeviceLogin) async throws {
            try await control("POST", "/deny", ["user_code": .string(login.userCode)])
        }

        /// Has the next request of a route answered otherwise, such as
        /// `["route": "balance.get", "status": 503]`; tests/sandbox/README.md has all that a fault
        /// can be.
        public func fault(_ fault: JSONValue) async throws {
            try await control("POST", "/faults", fault)
        }

        /// Does something to the sandbox, or asks it something.
        ///
        /// - Returns: What it answers.
        /// - Throws: ``Problem`` if it refuses.
        @discardableResult
        public func control(
            _ method: String, _ path: String, _ body: JSONValue? = nil
        ) async throws -> JSONValue {
            try await send(method, controlURL + path, body.map { try JSONEncoder().encode($0) })
        }

        /// Sends a request that is none of a client's, such as a scenario.
        package func send(
            _ method: String, _ url: String, _ body: Data?
        ) async throws -> JSONValue {
            guard let address = URL(string: url) else {
                throw Problem(description: "\(url) is no URL.")
            }
            var request = URLRequest(url: address)
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
    }
#endif
