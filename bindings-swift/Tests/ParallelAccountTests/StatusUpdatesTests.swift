import Foundation
import Testing

@testable import ParallelAccount

@Suite struct StatusUpdatesTests {
    /// Changes by the client itself come at once, whatever the interval.
    private func updates(of client: AccountClient) -> StatusUpdates {
        StatusUpdates(client: client, interval: .seconds(3600))
    }

    @Test func loginAndLogout() async throws {
        try await Sandbox.run { sandbox in
            let client = try sandbox.client()
            var statuses = updates(of: client).makeAsyncIterator()
            #expect(await statuses.next()?.isLoggedIn == false)
            let view = try client.with(maxRetries: 0)
            try await view.login(openBrowser: false) { try await sandbox.approve($0) }
            let status = await statuses.next()
            #expect(status?.isLoggedIn == true)
            #expect(status?.organization?.id == "org_sandbox")
            try await client.logout()
            #expect(await statuses.next()?.isLoggedIn == false)
        }
    }

    @Test func refreshes() async throws {
        try await Sandbox.run { sandbox in
            let client = try await sandbox.loggedIn()
            var statuses = updates(of: client).makeAsyncIterator()
            let before = await statuses.next()
            try await sandbox.control("POST", "/expire-access-token")
            _ = try await client.balance.get()
            let after = await statuses.next()
            #expect(after?.isLoggedIn == true && after != before)
        }
    }

    /// Another client of the same store is noticed by asking the store.
    @Test func othersChanges() async throws {
        try await Sandbox.run { sandbox in
            let store = MemoryStore()
            let client = try await sandbox.loggedIn(store: store)
            var statuses = StatusUpdates(client: client, interval: .milliseconds(1))
                .makeAsyncIterator()
            #expect(await statuses.next()?.isLoggedIn == true)
            try await sandbox.client(store: store).logout()
            #expect(await statuses.next()?.isLoggedIn == false)
        }
    }

    @Test func everyTaskGetsEveryStatus() async throws {
        try await Sandbox.run { sandbox in
            let client = try sandbox.client()
            var first = updates(of: client).makeAsyncIterator()
            var second = updates(of: client).makeAsyncIterator()
            _ = await (first.next(), second.next())
            try await client.login(openBrowser: false) { try await sandbox.approve($0) }
            #expect(await first.next()?.isLoggedIn == true)
            #expect(await second.next()?.isLoggedIn == true)
        }
    }

    @Test func endsWithTheClientAndWithTheTask() async throws {
        try await Sandbox.run { sandbox in
            let client = try sandbox.client()
            let (began, begin) = AsyncStream.makeStream(of: Void.self)
            let watching = Task {
                for await _ in updates(of: client) { begin.yield() }
            }
            let cancelled = Task {
                for await _ in updates(of: client) { begin.yield() }
            }
            var starts = began.makeAsyncIterator()
            _ = await (starts.next(), starts.next())
            cancelled.cancel()
            await cancelled.value
            await client.close()
            await watching.value
        }
    }

    /// A store that is down for a while ends nothing.
    @Test func outlivesAStoreThatFails() async throws {
        actor Flaky: CredentialStore {
            struct Down: Error {}
            private var failures = 3
            func load() async throws -> String? {
                failures -= 1
                if failures > 0 { throw Down() }
                return nil
            }
            func replace(_ old: String?, with new: String?) async throws -> Bool { false }
        }
        let client = try AccountClient(clientName: "swift-tests", store: Flaky())
        var statuses = StatusUpdates(client: client, interval: .milliseconds(1))
            .makeAsyncIterator()
        #expect(await statuses.next()?.isLoggedIn == false)
    }
}
