import Foundation
import ParallelAccount
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// `Examples/server`, a package of its own that depends on this one; `tools/test` builds it.
@Suite struct ServerExampleTests {
    private static let program =
        ProcessInfo.processInfo.environment["PARALLEL_ACCOUNT_EXAMPLE_SERVER"]
        ?? ".build/server/debug/server"

    /// A server that runs, and a way to ask it.
    private final class Server: Sendable {
        let process: Process
        let address: String
        /// Two browsers share no cookies.
        private let browser: URLSession
        private let end: AsyncStream<Void>

        init(_ settings: [String: String]) throws {
            let withoutCookies = URLSessionConfiguration.ephemeral
            withoutCookies.httpCookieStorage = nil
            withoutCookies.httpShouldSetCookies = false
            browser = URLSession(configuration: withoutCookies)
            let process = Process()
            self.process = process
            process.executableURL = URL(fileURLWithPath: program)
            process.environment = ProcessInfo.processInfo.environment.merging(settings) { $1 }
            let output = Pipe()
            process.standardOutput = output
            end = process.end
            try Sandbox.withoutBlockedSignals { try process.run() }
            let line = output.fileHandleForReading.availableData
            address = String(decoding: line, as: UTF8.self).trimmingCharacters(in: .newlines)
        }

        /// Has been told to end, and does.
        func ended() async -> Int32 {
            for await _ in end {}
            return process.terminationStatus
        }

        func ask(
            _ method: String, _ path: String, session: String? = nil
        ) async throws -> (status: Int, body: JSONValue, session: String?) {
            var request = URLRequest(url: URL(string: address + path)!)
            request.httpMethod = method
            if let session {
                request.setValue("theme=dark; session=\(session)", forHTTPHeaderField: "Cookie")
            }
            let (data, response) = try await browser.data(for: request)
            let http = response as? HTTPURLResponse
            let cookie = http?.value(forHTTPHeaderField: "Set-Cookie")
            return (
                http?.statusCode ?? 0, try JSONDecoder().decode(JSONValue.self, from: data),
                cookie?.firstMatch(of: /session=([^;]+); .*HttpOnly/).map { String($0.1) }
            )
        }

        /// Logs a user of an organization in.
        ///
        /// - Returns: The session.
        func logIn(_ user: String, in sandbox: Sandbox) async throws -> String {
            let login = try await ask("POST", "/login")
            let session = try #require(login.session)
            #expect(try await ask("GET", "/balance", session: session).status == 401)
            try await sandbox.control(
                "POST", "/approve",
                ["user_code": login.body["code"] ?? .null, "org_id": .string("org_\(user)")])
            while try await ask("GET", "/login", session: session).body["login"] != "authorized" {}
            return session
        }

        func organization(of session: String) async throws -> String? {
            try await ask("GET", "/balance", session: session).body["organization"]?.text
        }
    }

    @Test func usersNeverSeeEachOtherAndNoPairIsLostWhenItEnds() async throws {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("parallel-account-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try await Sandbox.run("--interval", "1") { sandbox in
            try await Gate.run(before: sandbox) { gate in
                let settings = [
                    "PARALLEL_PLATFORM_URL": gate.platformURL,
                    "PARALLEL_SERVICE_API_URL": sandbox.accountURL, "PORT": "0",
                    "LOGINS": file.path, "LOGIN_KEY": Data(0..<32).base64EncodedString(),
                ]
                let first = try Server(settings)
                defer { if first.process.isRunning { first.process.terminate() } }
                let ann = try await first.logIn("ann", in: sandbox)
                let bob = try await first.logIn("bob", in: sandbox)
                #expect(try await first.organization(of: ann) == "org_ann")
                #expect(try await first.organization(of: bob) == "org_bob")
                for session in [nil, "", "nobody", "\(ann)x"] {
                    #expect(try await first.ask("GET", "/balance", session: session).status == 401)
                }
                #expect(try await first.ask("GET", "/nothing", session: ann).status == 404)
                #expect(try await sandbox.count("register") == 1)

                // Encrypted, each for its user.
                let kept = try JSONDecoder().decode(JSONValue.self, from: Data(contentsOf: file))
                for session in [ann, bob] {
                    let user = try #require(kept["users"]?[session]?.text)
                    let record = try #require(kept["records"]?[user]?.text)
                    #expect(record.wholeMatch(of: /[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+/) != nil)
                }

                // A refresh is under way when it is told to end.
                try await sandbox.control("POST", "/expire-access-token")
                gate.hold()
                let asking = Task { try await first.ask("GET", "/balance", session: ann).status }
                while try await sandbox.count("token.refresh") == 0 { await Task.yield() }
                first.process.terminate()
                while (try? await first.ask("GET", "/nothing")) != nil {}
                gate.release()
                #expect(await first.ended() == 0)
                // Its call ended, or had its answer just then.
                #expect(try await [200, 503].contains(asking.value))

                let second = try Server(settings)
                defer { if second.process.isRunning { second.process.terminate() } }
                #expect(try await second.organization(of: ann) == "org_ann")
                #expect(try await second.organization(of: bob) == "org_bob")
                #expect(try await sandbox.count("token.refresh") == 2)
                #expect(try await second.ask("POST", "/logout", session: ann).status == 200)
                #expect(try await second.ask("GET", "/balance", session: ann).status == 401)
                #expect(try await second.organization(of: bob) == "org_bob")
                second.process.terminate()
                #expect(await second.ended() == 0)
            }
        }
    }
}
