import Foundation
import ParallelAccount
import Testing

/// A server closes its clients, then what their stores need.
@Suite struct CloseTests {
    private struct Gone: Error {}

    private func wait(until isSo: () async throws -> Bool) async throws {
        while try await !isSo() { await Task.yield() }
    }

    private func isClosed(_ client: AccountClient) async -> Bool {
        let error = await accountError { try await client.status() }
        return error?.code == .config
    }

    @Test(arguments: [false, true])
    func pairOfARefreshUnderWayIsSaved(whenCancelled: Bool) async throws {
        try await Sandbox.run { sandbox in
            try await Gate.run(before: sandbox) { gate in
                let store = ShelfStore()
                let client = try await sandbox.loggedIn(
                    store: store, platformURL: gate.platformURL)
                let before = try await client.accessToken()
                try await sandbox.control("POST", "/expire-access-token")
                gate.hold()
                let caller = Task { try await client.balance.get() }
                try await wait { try await sandbox.count("token.refresh") == 1 }
                caller.cancel()
                await #expect(throws: CancellationError.self) { try await caller.value }

                // Shutting down often is what a cancelled task does.
                let closing = Task {
                    if whenCancelled { withUnsafeCurrentTask { $0?.cancel() } }
                    await client.close()
                    await store.visit(onLoad: { throw Gone() }, onReplace: { throw Gone() })
                    return await store.record
                }
                try await wait { await isClosed(client) }
                gate.release()
                let saved = await closing.value
                let other = try sandbox.client(store: MemoryStore(record: saved))
                #expect(try await other.balance.get().organizationID == "org_sandbox")
                #expect(try await other.accessToken() != before)
                #expect(try await sandbox.count("token.refresh") == 1)
            }
        }
    }

    @Test func storeThatHangsIsNotWaitedForLongerThanFiveSeconds() async throws {
        try await Sandbox.run { sandbox in
            let store = ShelfStore(timeout: .seconds(3600))
            let client = try await sandbox.loggedIn(store: store)
            try await sandbox.control("POST", "/expire-access-token")
            let (hangs, hung) = AsyncStream.makeStream(of: Void.self)
            await store.visit(onReplace: {
                hung.yield()
                try await Task.sleep(for: .seconds(3600))
            })
            let caller = Task { try await client.balance.get() }
            for await _ in hangs { break }
            caller.cancel()
            _ = try? await caller.value
            let start = ContinuousClock.now
            await client.close()
            let took = ContinuousClock.now - start
            #expect(took >= .seconds(5))
            #expect(took < .seconds(60))
            print("closed a client whose store hangs: after \(took)")
        }
    }

    @Test func storeThatClosesItsClientDoesNotWaitForItself() async throws {
        let store = ShelfStore()
        let client = try AccountClient(store: store)
        let (times, took) = AsyncStream.makeStream(of: Duration.self)
        await store.visit(onLoad: {
            let start = ContinuousClock.now
            await client.close()
            took.yield(ContinuousClock.now - start)
        })
        _ = await accountError { try await client.status() }
        for await took in times {
            #expect(took < .seconds(5))
            break
        }
        #expect(await isClosed(client))
        await client.close()
    }

    @Test func closingEndsEveryViewOfTheClient() async throws {
        let client = try AccountClient(store: ShelfStore())
        let view = try client.with(timeout: .seconds(1))
        await view.close()
        #expect(await isClosed(client))
    }
}
