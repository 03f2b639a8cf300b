import Foundation
import ParallelAccount
import ParallelAccountTesting
import Testing

/// What ParallelAccountTesting offers, used as an app's tests use it.
@Suite struct TestingTests {
    /// A part of an app.
    private struct Header {
        let client: any AccountClientProtocol

        func text() async -> String {
            do {
                let status = try await client.status()
                guard status.isLoggedIn else { return "Log in" }
                let balance = try await client.balance.get()
                return "\(status.organization?.name ?? "?"): \(balance.creditBalanceCents)"
            } catch let error as AccountError where error.isRetryable {
                return "offline"
            } catch {
                return "broken"
            }
        }
    }

    @Test func scriptedClient() async throws {
        let client = ScriptedClient()
        let header = Header(client: client)
        #expect(await header.text() == "Sample: 5000.0")
        client.script.getBalance = { throw AccountError.sample(.connection) }
        #expect(await header.text() == "offline")
        client.script.status = { .loggedOut }
        #expect(await header.text() == "Log in")
        #expect(client.calls == [.status, .getBalance, .status, .getBalance, .status])
    }

    @Test func scriptsSeeArguments() async throws {
        let client = ScriptedClient()
        let anyClient: any AccountClientProtocol = client
        _ = try await anyClient.balance.add(amountCents: 7)
        _ = try await anyClient.keys.create(name: "n", appID: "a")
        try await anyClient.keys.delete("k", appID: "a")
        try await anyClient.apps.delete("a")
        let response = try await anyClient.request("GET", "/x")
        #expect(response.status == 200)
        try await anyClient.logout()
        #expect(
            client.calls == [
                .addToBalance(amountCents: 7, idempotencyKey: nil),
                .createKey(name: "n", appID: "a"), .deleteKey("k", appID: "a"), .deleteApp("a"),
                .request(method: "GET", path: "/x", json: nil),
                .logout(organization: nil, all: false),
            ])
    }

    /// A handler of events can be tested without a client.
    @Test func eventsCanBeMade() {
        let request = AccountEvent.Request(id: 7, method: "GET", url: "https://a.example/x")
        let failed = AccountError.sample(.connection)
        let events: [AccountEvent] = [
            .request(request),
            .response(.init(request: request, outcome: .failed(failed), duration: .seconds(1))),
            .retry(.init(request: request, retryIn: .seconds(2))),
            .refresh(.init(organization: "org_1", outcome: .renewed)),
            .store(.init(location: "shelf", problem: .slow(.seconds(3)))),
        ]
        #expect(events.map(\.level) == [.debug, .debug, .info, .info, .warning])
        #expect("\(events[1])".contains(failed.message))
    }

    @Test func theRealClientFits() async throws {
        try await AccountSandbox.run { sandbox in
            let client = try sandbox.client()
            try await client.login(openBrowser: false) { try await sandbox.approve($0) }
            #expect(await Header(client: client).text().hasSuffix(": 5000.0"))
        }
    }

    @Test func errorsAreFoundationErrorsToo() {
        let error: any Error = AccountError(
            code: .paymentRequired, message: "The card was declined.", cause: "bank")
        let bridged = error as NSError
        #expect(bridged.domain == "ParallelAccount.AccountError")
        #expect(bridged.code == 6)
        #expect(bridged.localizedDescription == "The card was declined.")
        let unknown = AccountError(code: .init(rawValue: "later"), message: "")
        #expect((unknown as NSError).code == 0)
    }

    /// The numbers are part of the interface: apps log and compare them.
    @Test func numbersOfCodesNeverChange() throws {
        let codes: [AccountError.Code] = [
            .loginRequired, .accessDenied, .loginExpired, .oauth, .unauthorized, .paymentRequired,
            .permissionDenied, .notFound, .conflict, .invalidRequest, .rateLimited, .server,
            .connection, .tls, .timeout, .invalidResponse, .store, .storeCorrupt, .config,
            .internal,
        ]
        #expect(codes.map { ($0.sampleError as NSError).code } == Array(1...20))
    }
}

extension AccountError.Code {
    fileprivate var sampleError: AccountError { .sample(self) }
}
