import Foundation
import ParallelAccountFFI
import Testing

@testable import ParallelAccount

/// Secrets that can be told from everything else go through success and through every error, and
/// must show nowhere.
private enum Canary {
    static let mark = "canary"
    static let accessToken = "canary-access-token-7f31"
    static let refreshToken = "canary-refresh-token-7f31"
    static let deviceCode = "canary-device-code-7f31"
    static let rawKey = "canary-raw-key-7f31"
    static let all = [accessToken, refreshToken, deviceCode, rawKey]

    static let tokens: JSONValue = [
        "access_token": .string(accessToken), "refresh_token": .string(refreshToken),
        "token_type": "Bearer", "expires_in": 3600, "org_id": "org_1",
    ]
    static let device: JSONValue = [
        "device_code": .string(deviceCode), "user_code": "WXYZ-1234",
        "verification_uri": "https://example.com/device", "expires_in": 3600, "interval": 1,
    ]
    static let app = "2a2b3c4d-0000-4000-8000-000000000000"
    static let key: JSONValue = [
        "api_key_id": "k", "api_key_name": "n", "app_id": .string(app),
        "raw_api_key": .string(rawKey),
    ]
}

/// Set in the process that ``CanaryTests/nothingIsWrittenAtTheMostVerboseLevel()`` starts.
private let isWatched = ProcessInfo.processInfo.environment["PARALLEL_ACCOUNT_WATCHED"] != nil

@Suite struct CanaryTests {
    /// What calls gave or threw.
    private final class Seen {
        var values: [Any] = []
        var errors: [any Error] { values.compactMap { $0 as? any Error } }

        @discardableResult
        func note<Value>(_ body: () async throws -> Value) async -> Value? {
            do {
                let value = try await body()
                values.append(value)
                return value
            } catch {
                values.append(error)
                return nil
            }
        }

        /// That nothing shows what it must not, and that there was something to show.
        func judge() throws {
            #expect(values.count > 3)
            for value in values {
                let text = try shown(value)
                #expect(!text.contains(Canary.mark), "\(type(of: value))")
            }
        }
    }

    @Test func whatSucceedsShowsNoSecret() async throws {
        try await Sandbox.run { sandbox in
            let seen = Seen()
            try await sandbox.always("device_code", Canary.device)
            try await sandbox.always("token.poll", Canary.tokens)
            try await sandbox.always("token.refresh", Canary.tokens)
            try await sandbox.always("keys.create", Canary.key)
            let store = MemoryStore()
            let client = try sandbox.client(store: store, timeScale: 20)
            let oauth = client.oauth
            let code = await seen.note {
                try await oauth.requestDeviceCode(clientID: "id", scopes: ["balance:read"])
            }
            let deviceCode = try #require(code).deviceCode
            let answer = await seen.note {
                try await oauth.pollToken(clientID: "id", deviceCode: deviceCode)
            }
            guard case .tokens(let tokens) = answer else {
                Issue.record("no tokens")
                return
            }
            let refreshToken = try #require(tokens.refreshToken)
            await seen.note { try await oauth.refresh(refreshToken) }
            let login = try await client.startLogin()
            let pending = login.pendingRecord()
            for try await event in login { seen.values.append(event) }
            seen.values += [client, store, login, pending, login.promptText, try login.qr()]
            seen.values += [client.balance, client.apps, client.keys, oauth, tokens]
            await seen.note { try await client.resumeLogin(pending) }
            await seen.note { try await client.status() }
            await seen.note { try await client.organizations() }
            let token = await seen.note { try await client.accessToken() }
            let key = await seen.note { try await client.keys.create(name: "n", appID: Canary.app) }
            let record =
                #"{"version": 1, "selected_org_id": "org_1", "#
                + #""orgs": {"org_1": {"api_key": "\#(Canary.rawKey)"}}}"#
            let keeper = try sandbox.client(store: MemoryStore(record: record))
            let dataKey = await seen.note { try await keeper.apiKey() }

            // They did go through.
            #expect(deviceCode.expose() == Canary.deviceCode)
            #expect(token?.expose() == Canary.accessToken)
            #expect(refreshToken.expose() == Canary.refreshToken)
            #expect(key?.rawAPIKey?.expose() == Canary.rawKey)
            #expect(dataKey?.expose() == Canary.rawKey)
            #expect(pending.expose().contains(Canary.deviceCode))
            #expect(try await store.load()?.contains(Canary.refreshToken) == true)
            try seen.judge()
        }
    }

    /// A server that says back what it was sent, in every shape of an error.
    private func echoes(_ sent: String) -> [JSONValue] {
        let says: JSONValue = .string("bad \(sent)")
        return [
            ["status": 400, "body": ["error": "invalid_request", "error_description": says]],
            ["status": 400, "body": ["error": says]],
            ["status": 401, "body": ["detail": says]],
            ["status": 402, "body": ["detail": says]],
            ["status": 403, "body": ["error": says]],
            ["status": 404, "body": says],
            ["status": 409, "body": ["error": ["message": says, "detail": says]]],
            [
                "status": 422,
                "body": ["detail": [["loc": ["body", says], "msg": says, "type": says]]],
            ],
            ["status": 429, "headers": ["retry-after": "7"], "body": ["detail": says]],
            [
                "status": 500,
                "body": ["error": ["ref_id": says, "message": says], "type": "error"],
            ],
            ["status": 302, "headers": ["location": .string("http://127.0.0.1:1/\(sent)")]],
            ["status": 200, "body": .string("<html>\(sent)</html>")],
            ["status": 200, "headers": ["x-request-id": says], "body": [says]],
        ]
    }

    @Test func whatFailsShowsNoSecret() async throws {
        try await Sandbox.run { sandbox in
            let seen = Seen()
            try await sandbox.always("device_code", Canary.device)
            try await sandbox.always("token.poll", Canary.tokens)
            let client = try sandbox.client(timeScale: 20)
            try await client.login(openBrowser: false) { _ in }
            let (access, refresh) = (Canary.accessToken, Canary.refreshToken)
            let calls:
                [(route: String, sent: String, make: @Sendable () async throws -> any Sendable)] = [
                    ("balance.get", access, { try await client.balance.get() }),
                    ("balance.add", access, { try await client.balance.add(amountCents: 5) }),
                    ("apps.list", access, { try await client.apps.list() }),
                    ("apps.create", access, { try await client.apps.create(name: "n") }),
                    ("apps.delete", access, { try await client.apps.delete(Canary.app) }),
                    (
                        "keys.create", access,
                        { try await client.keys.create(name: "n", appID: Canary.app) }
                    ),
                    (
                        "keys.delete", access,
                        { try await client.keys.delete("k", appID: Canary.app) }
                    ),
                    ("other", access, { try await client.request("GET", "/service/v1/other") }),
                    (
                        "token.refresh", refresh,
                        { try await client.oauth.refresh(Secret(Canary.refreshToken)) }
                    ),
                    (
                        "revoke", refresh,
                        { try await client.oauth.revoke(Secret(Canary.refreshToken)) }
                    ),
                    (
                        "token.poll", Canary.deviceCode,
                        {
                            try await client.oauth.pollToken(
                                clientID: "id", deviceCode: Secret(Canary.deviceCode))
                        }
                    ),
                ]
            for call in calls {
                for echo in echoes(call.sent) {
                    // After a 401 the client renews, and asks again.
                    try await sandbox.control("DELETE", "/faults")
                    try await sandbox.always("token.refresh", Canary.tokens, first: call.route)
                    try await sandbox.fault(echo.with("route", .string(call.route), times: 2))
                    await seen.note(call.make)
                }
            }
            // Some echoes are answers: to a revocation any 200 is, and to `request` any JSON.
            seen.values = seen.errors
            #expect(seen.errors.count >= calls.count * 11)
            try seen.judge()
        }
    }

    /// Errors in which a login ends, those of stores, and those without an answer.
    @Test func otherEndsShowNoSecret() async throws {
        try await Sandbox.run { sandbox in
            let seen = Seen()
            try await sandbox.always("device_code", Canary.device)
            for error in ["access_denied", "expired_token", "invalid_grant", "slow_down"] {
                let client = try sandbox.client(timeScale: 20)
                let says: JSONValue = .string("no \(Canary.deviceCode)")
                try await sandbox.fault([
                    "route": "token.poll", "status": 503, "body": ["detail": says],
                ])
                try await sandbox.fault([
                    "route": "token.poll", "status": 400,
                    "body": ["error": .string(error), "error_description": says],
                ])
                let login = try await client.startLogin()
                await seen.note { try await login.poll() }
                await seen.note { try await login.poll() }
                seen.values.append(login)
                login.cancel()
                await seen.note { try await login.wait() }
            }
            try await sandbox.always("token.poll", Canary.tokens)
            let client = try sandbox.client(timeScale: 20)
            try await client.login(openBrowser: false) { _ in }
            for broken: JSONValue in [["reset": "after"], ["truncate": true]] {
                try await sandbox.fault(broken.with("route", "balance.get", times: 1))
                await seen.note { try await client.balance.get() }
            }
            let silent: JSONValue = ["route": "balance.get", "delay_ms": 60_000]
            try await sandbox.fault(silent)
            await seen.note { try await client.with(timeout: .milliseconds(50)).balance.get() }
            await seen.note { try await client.selectOrganization(Canary.accessToken + "-no") }
            // What a caller names in its own argument may be said back to it.
            _ = seen.values.popLast()

            let damaged = "{\"version\": 1, \"device_code\": \"\(Canary.deviceCode)\""
            await seen.note { try await client.resumeLogin(Secret(damaged)) }
            for record in [damaged, "\(Canary.refreshToken)", "[\"\(Canary.accessToken)\"]"] {
                let other = try sandbox.client(store: MemoryStore(record: record))
                await seen.note { try await other.status() }
                await seen.note { try await other.balance.get() }
                seen.values.append(other)
            }
            #expect(seen.errors.count >= 15)
            try seen.judge()
        }
    }

    @Test func secretsAreWrittenOnlyWhenAsked() throws {
        let encoder = JSONEncoder()
        let written = try encoder.encode([Secret("hunter22")])
        #expect(String(decoding: written, as: UTF8.self) == "[null]")
        encoder.userInfo[Secret.encodesSecrets] = true
        let asked = try encoder.encode([Secret("hunter22")])
        #expect(try JSONDecoder().decode([Secret].self, from: asked) == [Secret("hunter22")])
    }

    @Test(.enabled(if: isWatched)) func panicOfACallThatHoldsASecret() async {
        for secret in Canary.all {
            let error = await accountError {
                try await bridged { panicInCall(call: $0, message: secret) }
            }
            #expect(error?.code == .internal)
            let atOnce = await accountError {
                try bridgedNow { try panicAtOnce(message: secret) }
            }
            #expect(atOnce?.code == .internal)
        }
    }

    /// All of the above once more in a process of its own, with all that it writes read.
    @Test(.enabled(if: !isWatched)) func nothingIsWrittenAtTheMostVerboseLevel() async throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
        process.arguments = ["--testing-library", "swift-testing", "--filter", "CanaryTests"]
        process.environment = ProcessInfo.processInfo.environment.merging([
            "PARALLEL_ACCOUNT_WATCHED": "1", "RUST_LOG": "trace", "RUST_BACKTRACE": "full",
        ]) { $1 }
        let folder = FileManager.default.temporaryDirectory
        let written = folder.appendingPathComponent("parallel-account-\(UUID().uuidString).log")
        try Data().write(to: written)
        defer { try? FileManager.default.removeItem(at: written) }
        let output = try FileHandle(forWritingTo: written)
        process.standardOutput = output
        process.standardError = output
        #expect(try await process.ended() == 0)
        let text = try String(contentsOf: written, encoding: .utf8)
        for secret in Canary.all { #expect(!text.contains(secret)) }
        // It did run, and a panic still says where it was.
        #expect(text.contains("panicOfACallThatHoldsASecret() passed"))
        #expect(text.contains("parallel-account: a bug at"))
    }
}

extension Sandbox {
    /// Answers every request of a route so, unless the route is `first`: then something else was
    /// put before it.
    fileprivate func always(
        _ route: String, _ body: JSONValue, first: String? = nil
    ) async throws {
        guard route != first else { return }
        try await fault(["route": .string(route), "times": 10_000, "status": 200, "body": body])
    }
}

extension JSONValue {
    fileprivate func with(_ name: String, _ value: JSONValue, times: Int64) -> JSONValue {
        guard case .object(var members) = self else { return self }
        members[name] = value
        members["times"] = .integer(times)
        return .object(members)
    }
}
