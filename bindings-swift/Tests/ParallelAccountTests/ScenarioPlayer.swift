import Foundation
import Testing

@testable import ParallelAccount

/// A scenario of `tests/scenarios`. Here the client's part is played; the sandbox plays the
/// server's and judges both.
struct Scenario {
    static let folder = URL(fileURLWithPath: #filePath)
        .appendingPathComponent("../../../../tests/scenarios").standardized

    /// The file of each scenario, by its name; `common` holds what they share.
    static let files: [String: URL] = {
        let found = FileManager.default.enumerator(atPath: folder.path)
        let paths = (found?.allObjects ?? []).compactMap { $0 as? String }
            .filter { $0.hasSuffix(".json") && !$0.hasPrefix("common/") }
        let files = paths.map { folder.appendingPathComponent($0) }
        return Dictionary(
            uniqueKeysWithValues: files.map { ($0.deletingPathExtension().lastPathComponent, $0) })
    }()

    private let file: URL

    init(_ name: String) throws { file = try #require(Self.files[name], "\(name)") }

    /// From the file to the verdict: the problems, and all errors that the client's calls threw.
    func run(in sandbox: Sandbox) async throws -> (problems: [String], errors: [any Error]) {
        // As it is, because the order of a record's members counts.
        let scenario = try Data(contentsOf: file)
        let started = try await sandbox.send("POST", sandbox.controlURL + "/scenarios", scenario)
        let store = MemoryStore(record: started["store"]?.text)
        var results: [JSONValue] = []
        var errors: [any Error] = []
        do {
            var player = Player(client: try client(started, store: store))
            for call in started["client"]?.items ?? [] { results.append(await player.play(call)) }
            errors = player.errors
        } catch {
            errors = [error]
            results = [["raises": raised(error)]]
        }
        let stored = try await store.load()
        let verdictURL = try #require(started["verdict_url"]?.text)
        let report: JSONValue = ["results": .array(results), "stored": .init(stored)]
        let verdict = try await sandbox.send(
            "POST", verdictURL, JSONEncoder().encode(report))
        return ((verdict["problems"]?.items ?? []).map { $0.text ?? "\($0)" }, errors)
    }

    private func client(_ started: JSONValue, store: MemoryStore) throws -> AccountClient {
        let options = started["options"] ?? [:]
        func text(_ name: String) -> String? { options[name]?.text ?? started[name]?.text }
        return try AccountClient.$timeScale.withValue(started["time_scale"]?.double) {
            try AccountClient(
                clientName: text("client_name"), clientID: text("client_id"),
                scopes: options["scopes"]?.texts, platformURL: text("platform_url"),
                accountURL: text("account_url"), store: store,
                timeout: options["timeout"]?.duration, deadline: options["deadline"]?.duration,
                maxRetries: options["max_retries"]?.int, organization: text("org"),
                userAgent: text("user_agent"),
                firstPollAtOnce: options["first_poll_at_once"] == true,
                headers: options["headers"]?.headers ?? [:])
        }
    }
}

/// Makes the calls of one scenario.
private struct Player {
    let client: AccountClient
    private(set) var errors: [any Error] = []
    private var started: DeviceLogin?

    init(client: AccountClient) { self.client = client }

    mutating func play(_ call: JSONValue) async -> JSONValue {
        var events: [JSONValue] = []
        do {
            guard call["response"] == true else {
                let value = try await result(of: call, events: &events)
                return ["returns": value, "events": .array(events)]
            }
            let limited = try limited(call)
            var player = self
            let (value, response) = try await limited.withResponse { client in
                try await player.result(of: call, by: client, events: &events)
            }
            self = player
            return [
                "returns": value, "events": .array(events),
                "response": [
                    "status": response.map { .integer(Int64($0.status)) } ?? .null,
                    "request_id": .init(response?.requestID),
                ],
            ]
        } catch {
            errors.append(error)
            return ["raises": raised(error), "events": .array(events)]
        }
    }

    private mutating func result(
        of call: JSONValue, events: inout [JSONValue]
    ) async throws -> JSONValue {
        try await result(of: call, by: limited(call), events: &events)
    }

    /// The client with the options of a call.
    private func limited(_ call: JSONValue) throws -> AccountClient {
        let options = call["options"] ?? [:]
        return try client.with(
            timeout: options["timeout"]?.duration, deadline: options["deadline"]?.duration,
            maxRetries: options["max_retries"]?.int, headers: options["headers"]?.headers ?? [:])
    }

    private mutating func result(
        of call: JSONValue, by client: AccountClient, events: inout [JSONValue]
    ) async throws -> JSONValue {
        let args = call["args"] ?? [:]
        func text(_ name: String) -> String { args[name]?.text ?? "" }
        switch call["call"]?.text ?? "" {
        case "login":
            _ = try await start(client, args)
            return try await wait(noting: &events)
        case "start_login":
            return try await start(client, args)
        case "resume_login":
            let record: Secret
            if let given = args["record"], given != .null {
                let json = String(decoding: try JSONEncoder().encode(given), as: UTF8.self)
                record = Secret(given.text ?? json)
            } else {
                record = try login.pendingRecord()
            }
            let resumed = try await client.resumeLogin(record)
            started = resumed
            return .init(resumed)
        case "poll": return .init(try await login.poll())
        case "wait": return try await wait(noting: &events)
        case "cancel": try login.cancel()
        case "close": await client.close()
        case "status": return .init(try await client.status())
        case "logout":
            try await client.logout(
                organization: args["organization"]?.text, all: args["all"] == true)
        case "access_token": return .string(try await client.accessToken().expose())
        case "api_key": return ["api_key": .string(try await client.apiKey().expose())]
        case "renew_api_key":
            let refused = args["refused"]?.text.map(Secret.init)
            let renewed = try await client.renewApiKey(refused: refused)
            return ["api_key": .string(renewed.expose())]
        case "organizations": return .array(try await client.organizations().map(JSONValue.init))
        case "select_organization": try await client.selectOrganization(text("id"))
        case "request":
            return try await client.request(text("method"), text("path"), json: args["json"]).json
        case "balance.get": return .init(try await client.balance.get())
        case "balance.add":
            return .init(
                try await client.balance.add(
                    amountCents: args["amount_cents"]?.int ?? 0,
                    idempotencyKey: args["idempotency_key"]?.text))
        case "apps.list": return .array(try await client.apps.list().map(JSONValue.init))
        case "apps.create":
            return .init(try await client.apps.create(name: text("name")))
        case "apps.delete": try await client.apps.delete(text("app_id"))
        case "keys.create":
            return .init(try await client.keys.create(name: text("name"), appID: text("app_id")))
        case "keys.delete": try await client.keys.delete(text("key_id"), appID: text("app_id"))
        case "oauth.register":
            return ["client_id": .string(try await client.oauth.register().clientID)]
        case "oauth.request_device_code":
            return .init(
                try await client.oauth.requestDeviceCode(
                    clientID: text("client_id"), scopes: args["scopes"]?.texts ?? []))
        case "oauth.poll_token":
            let code = Secret(text("device_code"))
            switch try await client.oauth.pollToken(clientID: text("client_id"), deviceCode: code) {
            case .pending: return "pending"
            case .slowDown: return "slow_down"
            case .tokens(let tokens): return .init(tokens)
            }
        case "oauth.refresh":
            return .init(
                try await client.oauth.refresh(
                    Secret(text("refresh_token")), clientID: args["client_id"]?.text))
        case "oauth.revoke": try await client.oauth.revoke(Secret(text("refresh_token")))
        default: throw Sandbox.Problem(description: "this runner does not know \(call)")
        }
        return .null
    }

    private var login: DeviceLogin {
        get throws {
            guard let started else { throw Sandbox.Problem(description: "no login was started") }
            return started
        }
    }

    private mutating func start(_ client: AccountClient, _ args: JSONValue) async throws
        -> JSONValue
    {
        let login = try await client.startLogin(
            scopes: args["scopes"]?.texts, timeout: args["timeout"]?.duration,
            hint: args["login_hint"]?.text)
        started = login
        return .init(login)
    }

    private func wait(noting events: inout [JSONValue]) async throws -> JSONValue {
        var status: LoginStatus?
        for try await event in try login {
            events.append(.init(event))
            if case .authorized(let reached) = event { status = reached }
        }
        return status.map(JSONValue.init) ?? .null
    }
}
