import Foundation
import Testing

@testable import ParallelAccount

@Suite struct ErrorTests {
    @Test(arguments: [
        (401, "unauthorized"), (402, "payment_required"), (403, "permission_denied"),
        (404, "not_found"), (409, "conflict"), (422, "invalid_request"), (429, "rate_limited"),
        (500, "server"), (503, "server"),
    ])
    func statusOfTheAccountAPI(status: Int, code: String) async throws {
        try await Sandbox.run { sandbox in
            let client = try await sandbox.loggedIn()
            try await sandbox.fault([
                "route": "balance.get", "times": 3, "status": .integer(Int64(status)),
                "headers": ["x-request-id": "req_7", "retry-after": "7"],
                "body": ["detail": "as the test wants it"],
            ])
            let error = await accountError { try await client.balance.get() }
            #expect(error?.code == AccountError.Code(rawValue: code))
            #expect(error?.status == status)
            #expect(error?.requestID == "req_7")
            #expect(error?.isRetryable == (status == 429 || status >= 500))
            if status == 429 { #expect(error?.retryAfter == .seconds(7)) }
        }
    }

    @Test func fieldsThatWereRefused() async throws {
        try await Sandbox.run { sandbox in
            let client = try await sandbox.loggedIn()
            let detail: JSONValue = [
                ["loc": ["body", "amount_cents"], "msg": "too much", "type": "less_than"]
            ]
            try await sandbox.fault([
                "route": "balance.add", "status": 422, "body": ["detail": detail],
            ])
            let error = await accountError { try await client.balance.add(amountCents: 5) }
            let field = AccountError.Field(
                location: "body.amount_cents", message: "too much", type: "less_than")
            #expect(error?.fields == [field])
            #expect(error?.message.contains("too much") == true)
        }
    }

    @Test func lostAnswerSaysThatTheOutcomeIsUnknown() async throws {
        try await Sandbox.run { sandbox in
            let client = try await sandbox.loggedIn()
            try await sandbox.fault(["route": "apps.create", "drop_answer_after_processing": true])
            let error = await accountError { try await client.apps.create(name: "lost") }
            #expect(error?.code == .connection)
            #expect(error?.outcomeUnknown == true)
            #expect(error?.isRetryable == false)
        }
    }

    @Test func chargeThatFailedNamesItsKey() async throws {
        try await Sandbox.run { sandbox in
            let client = try await sandbox.loggedIn()
            let before = try await client.balance.get().creditBalanceCents
            try await sandbox.fault([
                "route": "balance.add", "drop_answer_after_processing": true,
            ])
            let lost = await accountError { try await client.balance.add(amountCents: 500) }
            let key = try #require(lost?.idempotencyKey)
            #expect(lost?.outcomeUnknown == true)
            #expect(lost?.message.contains("\"\(key)\"") == true)
            let after = try await client.balance.add(amountCents: 500, idempotencyKey: key)
            #expect(after.creditBalanceCents == before + 500)

            try await sandbox.fault(["route": "balance.add", "status": 402])
            let declined = await accountError {
                try await client.balance.add(amountCents: 500, idempotencyKey: "a key of mine")
            }
            #expect(declined?.code == .paymentRequired)
            #expect(declined?.idempotencyKey == "a key of mine")

            try await sandbox.fault(["route": "balance.get", "status": 403])
            let other = await accountError { try await client.balance.get() }
            #expect(other?.code == .permissionDenied && other?.idempotencyKey == nil)
        }
    }

    @Test func deadlineEndsACallAsAWhole() async throws {
        try await Sandbox.run { sandbox in
            let store = ShelfStore()
            _ = try await sandbox.loggedIn(store: store)
            // Without the deadline, the call would succeed after 20 s.
            try await sandbox.fault(["route": "balance.get", "times": 2, "delay_ms": 20_000])
            let limited = try AccountClient(
                platformURL: sandbox.platformURL, accountURL: sandbox.accountURL, store: store,
                deadline: .milliseconds(500))
            let other = try sandbox.client(store: store)
            for client in [limited, try other.with(deadline: .milliseconds(500))] {
                let error = await accountError { try await client.balance.get() }
                #expect(error?.code == .timeout, "\(String(describing: error))")
            }
        }
    }

    @Test func nobodyThere() async throws {
        let client = try AccountClient(
            platformURL: "http://127.0.0.1:1", store: MemoryStore(), maxRetries: 0)
        let error = await accountError { try await client.startLogin() }
        #expect(error?.code == .connection)
        #expect(error?.localizedDescription == error?.message)
    }

    @Test func aPageInsteadOfAnAnswer() async throws {
        try await Sandbox.run { sandbox in
            let client = try await sandbox.loggedIn()
            try await sandbox.fault([
                "route": "balance.get", "status": 200, "body": "<html>Welcome to our Wi-Fi</html>",
            ])
            #expect(await accountError { try await client.balance.get() }?.code == .invalidResponse)
        }
    }

    /// Each is refused when the client is made, by its name in Swift.
    @Test func badOptions() async throws {
        let page = try #require(URL(string: "https://example.com/page"))
        let attempts: [(names: String, make: () throws -> AccountClient)] = [
            ("platformURL", { try AccountClient(platformURL: "http://example.com") }),
            ("accountURL", { try AccountClient(accountURL: "nonsense") }),
            ("clientName", { try AccountClient(clientName: " ") }),
            ("clientID", { try AccountClient(clientID: "") }),
            ("scope", { try AccountClient(scopes: ["two scopes"]) }),
            ("timeout", { try AccountClient(timeout: .zero) }),
            ("timeout", { try AccountClient(timeout: .seconds(-1)) }),
            ("timeout", { try AccountClient(timeout: .seconds(86_401)) }),
            ("timeout", { try AccountClient(timeout: .seconds(Int64.max)) }),
            ("deadline", { try AccountClient(deadline: .zero) }),
            ("deadline", { try AccountClient(deadline: .seconds(86_401)) }),
            ("lockTimeout", { try AccountClient(lockTimeout: .seconds(-1)) }),
            ("lockTimeout", { try AccountClient(lockTimeout: .seconds(86_401)) }),
            ("maxRetries", { try AccountClient(maxRetries: -1) }),
            ("organization", { try AccountClient(organization: "") }),
            ("userAgent", { try AccountClient(userAgent: "two\nlines") }),
            ("proxy", { try AccountClient(proxy: "://") }),
            ("caBundle", { try AccountClient(caBundle: URL(fileURLWithPath: "/no/such.pem")) }),
            ("caBundle", { try AccountClient(caBundle: page) }),
            ("url", { try AccountClient(store: FileStore(url: page)) }),
            ("x-a twice", { try AccountClient(headers: ["X-A": "1", "x-a": "2"]) }),
            ("x-a twice", { try AccountClient().with(headers: ["X-A": "1", "x-a": "2"]) }),
            ("timeout", { try AccountClient().with(timeout: .zero) }),
            ("timeout", { try AccountClient().with(timeout: .seconds(86_401)) }),
            ("deadline", { try AccountClient().with(deadline: .seconds(-1)) }),
            ("maxRetries", { try AccountClient().with(maxRetries: Int.max) }),
        ]
        for (number, attempt) in attempts.enumerated() {
            let error = await accountError { try attempt.make() }
            #expect(error?.code == .config, "attempt \(number)")
            let message = error?.message ?? ""
            #expect(message.contains(attempt.names), "attempt \(number): \(message)")
            #expect(!message.contains("_"), "attempt \(number): \(message)")
        }
    }

    @Test func badArgumentsAreRefusedBeforeAnythingIsSent() async throws {
        try await Sandbox.run { sandbox in
            let client = try await sandbox.loggedIn()
            let before = try await sandbox.count("*")
            let attempts: [@Sendable () async throws -> Void] = [
                { _ = try await client.balance.add(amountCents: 0) },
                { _ = try await client.balance.add(amountCents: 10_001) },
                { _ = try await client.balance.add(amountCents: Int.min) },
                { _ = try await client.balance.add(amountCents: 5, idempotencyKey: "short") },
                {
                    let long = String(repeating: "k", count: 129)
                    _ = try await client.balance.add(amountCents: 5, idempotencyKey: long)
                },
                { _ = try await client.apps.create(name: " ") },
                { try await client.apps.delete("../keys") },
                { _ = try await client.keys.create(name: "key", appID: "no-uuid") },
                { try await client.keys.delete("key", appID: "no-uuid") },
                { try await client.keys.delete("", appID: UUID().uuidString) },
                { _ = try await client.request("GET", "https://example.com/") },
                { _ = try await client.request("GET", "/../platform") },
                { _ = try await client.request("G E T", "/service/v1/apps") },
                { _ = try await client.request("POST", "/service/v1/apps", json: .number(.nan)) },
                { _ = try await client.resumeLogin(Secret("no record")) },
                { _ = try await client.oauth.requestDeviceCode(clientID: "", scopes: []) },
                { _ = try await client.oauth.pollToken(clientID: "id", deviceCode: Secret("")) },
                { _ = try await client.oauth.refresh(Secret("")) },
                { try await client.oauth.revoke(Secret("")) },
            ]
            for (number, attempt) in attempts.enumerated() {
                let error = await accountError(attempt)
                #expect(error?.code == .invalidRequest, "attempt \(number)")
                #expect(error?.status == nil, "attempt \(number)")
                let message = error?.message ?? ""
                #expect(!message.contains("_"), "attempt \(number): \(message)")
            }
            #expect(await accountError { try await client.selectOrganization("?") } != nil)
            let badScope = await accountError { try await client.startLogin(scopes: ["a b"]) }
            #expect(badScope?.code == .config)
            let badTimeout = await accountError {
                try await client.startLogin(timeout: .seconds(-1))
            }
            #expect(badTimeout?.code == .config)
            #expect(try await sandbox.count("*") == before)
        }
    }

    @Test func closedClientSaysSo() async throws {
        let client = try AccountClient(store: MemoryStore())
        await client.close()
        let error = await accountError { try await client.status() }
        #expect(error?.code == .config)
        #expect(error?.message.contains("closed") == true)
    }
}
