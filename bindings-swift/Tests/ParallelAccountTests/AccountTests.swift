import Foundation
import ParallelAccount
import Testing

@Suite struct AccountTests {
    @Test func balanceIsAskedForAndAddedTo() async throws {
        try await Sandbox.run("--starting-balance-cents", "1234.5") { sandbox in
            let client = try await sandbox.loggedIn()
            #expect(try await client.balance.get().creditBalanceCents == 1234.5)
            let key = "order-4711-again"
            let added = try await client.balance.add(amountCents: 100, idempotencyKey: key)
            #expect(added.creditBalanceCents == 1334.5)
            let again = try await client.balance.add(amountCents: 100, idempotencyKey: key)
            #expect(again.creditBalanceCents == 1334.5)
            #expect(try await client.balance.add(amountCents: 1).creditBalanceCents == 1335.5)
        }
    }

    @Test func appsAndKeys() async throws {
        try await Sandbox.run { sandbox in
            let client = try await sandbox.loggedIn()
            let app = try await client.apps.create(name: "Müller & Söhne")
            #expect(app.name == "Müller & Söhne")
            #expect(try await client.apps.list().first { $0.id == app.id }?.name == app.name)
            let key = try await client.keys.create(name: "first", appID: app.id)
            #expect(key.rawAPIKey?.expose().isEmpty == false)
            #expect(key.appID == app.id)
            #expect(abs(try #require(key.createdAt).timeIntervalSinceNow) < 600)
            try await client.keys.delete(key.id, appID: app.id)
            try await client.apps.delete(app.id)
            #expect(try await !client.apps.list().contains { $0.id == app.id })
        }
    }

    @Test func dataKeyIsMadeOnceRenewedAndDeletedWithTheLogin() async throws {
        try await Sandbox.run { sandbox in
            let store = MemoryStore()
            let client = try await sandbox.loggedIn(store: store)
            let keys = try await withThrowingTaskGroup(of: Secret.self) { group in
                for _ in 0..<50 { group.addTask { try await client.apiKey() } }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(keys.count == 1)
            #expect(try await sandbox.count("keys.create") == 1)
            let other = try sandbox.client(store: store)
            #expect(try await other.apiKey() == keys.first)
            let renewed = try await other.renewApiKey()
            #expect(!keys.contains(renewed))
            #expect(try await client.renewApiKey() == renewed)
            #expect(try await sandbox.count("keys.create") == 2)
            #expect(try await sandbox.count("keys.delete") == 1)
            try await client.logout()
            #expect(try await sandbox.count("keys.delete") == 2)
        }
    }

    @Test func dataKeyOfTheCommandNeedsNoLogin() async throws {
        try await Sandbox.run { sandbox in
            let record =
                #"{"version": 1, "selected_org_id": "org_1", "#
                + #""orgs": {"org_1": {"api_key": "a-key-of-the-cli"}}}"#
            let client = try sandbox.client(store: MemoryStore(record: record))
            #expect(try await client.apiKey().expose() == "a-key-of-the-cli")
            let error = await accountError { try await sandbox.client().apiKey() }
            #expect(error?.code == .loginRequired)
        }
    }

    @Test func dataKeyThatIsCancelledWhileItIsMadeIsKept() async throws {
        try await Sandbox.run { sandbox in
            let client = try await sandbox.loggedIn()
            try await sandbox.fault(["route": "keys.create", "delay_answer_ms": 300])
            let task = Task { try await client.apiKey() }
            while try await sandbox.count("keys.create") == 0 { await Task.yield() }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            try await client.settled()
            _ = try await client.apiKey()
            #expect(try await sandbox.count("keys.create") == 1)
        }
    }

    @Test func anythingElseBelowTheBase() async throws {
        try await Sandbox.run { sandbox in
            let client = try await sandbox.loggedIn()
            let balance = try await client.request("GET", "/service/v1/balance")
            #expect(balance.json["org_id"] == "org_sandbox")
            let app = try await client.request(
                "POST", "/service/v1/apps", json: ["app_name": "by hand"])
            #expect(app.json["app_id"] != nil)
            let cents = try balance.json["credit_balance_cents"]?.decode(as: Double.self)
            #expect(cents == 5000)
        }
    }

    @Test func expiredTokenIsRefreshedOnceForAll() async throws {
        try await Sandbox.run { sandbox in
            let client = try await sandbox.loggedIn()
            let before = try await client.accessToken()
            try await sandbox.control("POST", "/expire-access-token")
            try await withThrowingTaskGroup(of: Balance.self) { group in
                for _ in 0..<50 { group.addTask { try await client.balance.get() } }
                for try await balance in group { #expect(balance.organizationID == "org_sandbox") }
            }
            #expect(try await client.accessToken() != before)
            #expect(try await sandbox.count("token.refresh") == 1)
        }
    }

    @Test func tokenThatEndsSoonIsRefreshedBeforehand() async throws {
        try await Sandbox.run("--access-token-lifetime", "2") { sandbox in
            let client = try await sandbox.loggedIn()
            let before = try await client.accessToken()
            while try await client.accessToken() == before { await Task.yield() }
            #expect(try await sandbox.count("token.refresh") >= 1)
        }
    }

    @Test func logoutRevokesAndForgets() async throws {
        try await Sandbox.run { sandbox in
            let client = try await sandbox.loggedIn()
            try await client.logout()
            #expect(try await sandbox.count("revoke") == 1)
            #expect(try await !client.status().isLoggedIn)
            #expect(await accountError { try await client.balance.get() }?.code == .loginRequired)
        }
    }

    @Test func withoutALoginNothingIsSent() async throws {
        try await Sandbox.run { sandbox in
            let client = try sandbox.client()
            #expect(try await !client.status().isLoggedIn)
            let error = await accountError { try await client.balance.get() }
            #expect(error?.code == .loginRequired)
            #expect(error?.isRetryable == false)
            #expect(try await sandbox.count("*") == 0)
        }
    }

    @Test func revokedLoginAsksForAnother() async throws {
        try await Sandbox.run { sandbox in
            let client = try await sandbox.loggedIn()
            try await sandbox.control("POST", "/revoke-family")
            try await sandbox.control("POST", "/expire-access-token")
            #expect(await accountError { try await client.balance.get() }?.code == .loginRequired)
        }
    }

    @Test func organizationsAreListedAndSelected() async throws {
        try await Sandbox.run { sandbox in
            let client = try await sandbox.loggedIn()
            try await client.login(openBrowser: false) { login in
                try await sandbox.control(
                    "POST", "/approve",
                    ["user_code": .string(login.userCode), "org_id": "org_two", "org_name": "Two"])
            }
            #expect(Set(try await client.organizations().map(\.id)) == ["org_sandbox", "org_two"])
            #expect(try await client.balance.get().organizationID == "org_two")
            try await client.selectOrganization("org_sandbox")
            #expect(try await client.balance.get().organizationID == "org_sandbox")
            try await client.logout(all: true)
            #expect(try await !client.status().isLoggedIn)
        }
    }

    @Test func otherLimitsForACall() async throws {
        try await Sandbox.run { sandbox in
            let client = try await sandbox.loggedIn()
            try await sandbox.fault(["route": "balance.get", "delay_ms": 60_000])
            let error = await accountError {
                try await client.with(timeout: .milliseconds(100)).balance.get()
            }
            #expect(error?.code == .timeout)
            try await sandbox.fault(["route": "balance.get", "times": 2, "status": 503])
            let patient = try client.with(maxRetries: 2)
            #expect(try await patient.balance.get().organizationID == "org_sandbox")
        }
    }

    @Test func thousandsAtOnceAndClientsThatGoAway() async throws {
        try await Sandbox.run { sandbox in
            let store = MemoryStore()
            let client = try await sandbox.loggedIn(store: store)
            try await withThrowingTaskGroup(of: Balance.self) { group in
                for _ in 0..<2_000 { group.addTask { try await client.balance.get() } }
                for _ in 0..<50 {
                    let passing = try sandbox.client(store: store).balance
                    group.addTask { try await passing.get() }
                }
                var count = 0
                for try await _ in group { count += 1 }
                #expect(count == 2_050)
            }
        }
    }
}
