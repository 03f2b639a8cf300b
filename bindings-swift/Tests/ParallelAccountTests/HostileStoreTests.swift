import Foundation
import ParallelAccount
import Testing

/// Stores that do what no store should.
@Suite struct HostileStoreTests {
    private struct Broken: LocalizedError {
        let record = "rt-canary-in-an-error"
        var errorDescription: String? { "the drawer is stuck" }
    }

    /// Deaf to cancellation, like a call that blocks.
    @Sendable private static func hang() async {
        await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
    }

    @Test(arguments: [false, true])
    func storeThatThrowsOrHangsEndsInAnError(hangs: Bool) async throws {
        let store = ShelfStore(timeout: hangs ? .milliseconds(200) : .seconds(30))
        await store.visit {
            if hangs { await Self.hang() }
            throw Broken()
        }
        let client = try AccountClient(store: store)
        let attempts: [@Sendable () async throws -> Void] = [
            { _ = try await client.status() },
            { _ = try await client.balance.get() },
            { _ = try await client.organizations() },
            { _ = try await client.startLogin() },
        ]
        for (number, attempt) in attempts.enumerated() {
            let error = await accountError(attempt)
            #expect(error?.code == .store, "attempt \(number)")
            let said = hangs ? "within 0.2 s" : "the drawer is stuck"
            let shown = String(describing: error)
            #expect(error?.message.contains(said) == true, "attempt \(number): \(shown)")
            #expect(!shown.contains("canary"))
        }
    }

    /// The pair that a login or a refresh brought serves on, although it could not be saved.
    @Test(arguments: [false, true])
    func storeThatCannotSaveLosesNoPair(hangs: Bool) async throws {
        try await Sandbox.run { sandbox in
            let patient = ShelfStore()
            _ = try await sandbox.loggedIn(store: patient)
            let store = ShelfStore(
                record: await patient.record, timeout: hangs ? .milliseconds(200) : .seconds(30))
            let client = try sandbox.client(store: store)
            await store.visit(onReplace: {
                if hangs { await Self.hang() }
                throw Broken()
            })
            try await sandbox.control("POST", "/expire-access-token")
            let balance = try? await client.balance.get()
            // Where nothing can be claimed nothing is sent, and the login outlives the trouble.
            #expect(balance == nil || balance?.organizationID == "org_sandbox")
            await store.visit()
            try await eventually { try await client.balance.get().organizationID == "org_sandbox" }
            let other = try sandbox.client(store: store)
            try await eventually { try await other.balance.get().organizationID == "org_sandbox" }
        }
    }

    /// Repeats `body` until it holds, also after errors of the store.
    private func eventually(_ body: @Sendable () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(30)
        while true {
            do {
                if try await body() { return }
            } catch let error as AccountError
                where error.code == .store && ContinuousClock.now < end
            {}
            try #require(ContinuousClock.now < end)
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    @Test func callWithAHangingStoreCanBeCancelled() async throws {
        let (begun, signal) = AsyncStream.makeStream(of: Void.self)
        let store = ShelfStore()
        await store.visit(onLoad: {
            signal.yield()
            try await Task.sleep(for: .seconds(3600))
        })
        let client = try AccountClient(store: store)
        let task = Task { try await client.status() }
        for await _ in begun { break }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    /// A store that says what is not so.
    private actor LyingStore: CredentialStore {
        let answer: Bool
        private(set) var replacements = 0

        init(answer: Bool) { self.answer = answer }

        func load() async throws -> String? { nil }

        func replace(_ old: String?, with new: String?) async throws -> Bool {
            replacements += 1
            return answer
        }
    }

    @Test(arguments: [false, true])
    func storeThatLiesEndsInAnErrorAndNotInALoop(answer: Bool) async throws {
        try await Sandbox.run { sandbox in
            let store = LyingStore(answer: answer)
            let client = try sandbox.client(store: store)
            let error = await accountError {
                try await client.login(openBrowser: false) { try await sandbox.approve($0) }
                _ = try await client.balance.get()
            }
            #expect([.store, .loginRequired].contains(error?.code), "\(String(describing: error))")
            #expect(await store.replacements < 100)
            #expect(try await sandbox.count("*") < 20)
        }
    }

    @Test func storeThatAnswersAnotherUsersRecordLosesNeither() async throws {
        try await Sandbox.run { sandbox in
            let mine = ShelfStore()
            let theirs = ShelfStore()
            let me = try await sandbox.loggedIn(store: mine)
            // Of another platform, which this one's tokens do not suit.
            let record = try await Sandbox.run { elsewhere in
                _ = try await elsewhere.loggedIn(store: theirs)
                return try #require(await theirs.record)
            }
            let before = try #require(await mine.record)
            await mine.put(record)
            let error = await accountError { try await me.balance.get() }
            #expect([.loginRequired, .unauthorized].contains(error?.code))
            let requests = try await sandbox.count("*")
            #expect(requests < 20)
            await mine.put(before)
            #expect(try await me.balance.get().organizationID == "org_sandbox")
            #expect(await theirs.record == record)
        }
    }

    @Test func storeThatCallsItsOwnClientGetsAnErrorAtOnce() async throws {
        try await Sandbox.run { sandbox in
            let store = ShelfStore()
            let client = try await sandbox.loggedIn(store: store)
            let login = try await client.startLogin()
            let view = try client.with(maxRetries: 1)
            let calls: [@Sendable () async throws -> Void] = [
                { _ = try await client.status() },
                { _ = try await view.balance.get() },
                { _ = try await client.accessToken() },
                { _ = try await client.apiKey() },
                { _ = try await client.renewApiKey() },
                { try await client.logout() },
                { _ = try await client.oauth.register() },
                { _ = try await login.poll() },
                // A task of the method's own is still the method.
                { try await Task { _ = try await client.status() }.value },
            ]
            for (number, call) in calls.enumerated() {
                let loads = await store.loads
                let errors = Errors()
                await store.visit(onLoad: {
                    guard let error = await accountError(call) else { return }
                    await errors.add(error)
                    throw error
                })
                let outer = await accountError { try await client.status() }
                let inner = await errors.all
                #expect(inner.map(\.code) == [.config], "call \(number)")
                #expect(inner.first?.message.contains("must not call the client") == true)
                #expect(outer?.code == .store, "call \(number)")
                #expect(outer?.message.contains("must not call the client") == true)
                #expect(await store.loads == loads + 1, "call \(number)")
            }
            await store.visit(onReplace: { _ = try await client.status() })
            let error = await accountError { try await client.logout() }
            #expect(error?.message.contains("must not call the client") == true)
            // The client serves on.
            await store.visit()
            _ = try await client.status()
        }
    }

    @Test func storeMayCallOtherClientsAndItsOwnLater() async throws {
        try await Sandbox.run { sandbox in
            let store = ShelfStore()
            let client = try await sandbox.loggedIn(store: store)
            let other = try await sandbox.loggedIn(store: ShelfStore())
            let (later, go) = AsyncStream.makeStream(of: Void.self)
            let (started, start) = AsyncStream.makeStream(of: Task<Bool, any Error>.self)
            await store.visit(onLoad: {
                _ = try await other.balance.get()
                start.yield(
                    Task {
                        for await _ in later { break }
                        return try await client.status().isLoggedIn
                    })
            })
            #expect(try await client.status().isLoggedIn)
            await store.visit()
            go.finish()
            for await task in started {
                #expect(try await task.value)
                break
            }
        }
    }

    private actor Errors {
        private(set) var all: [AccountError] = []
        func add(_ error: AccountError) { all.append(error) }
    }
}
