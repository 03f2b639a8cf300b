import Foundation
import ParallelAccount
import Testing

@Suite struct CancellationTests {
    /// Cancels the tasks and has them end. How long that took is printed, not judged: what is
    /// judged is that they end although no answer comes.
    private func cancel<Value>(_ tasks: Task<Value, any Error>..., note: String) async {
        await cancel(tasks, note: note)
    }

    private func cancel<Value>(_ tasks: [Task<Value, any Error>], note: String) async {
        let clock = ContinuousClock()
        let start = clock.now
        for task in tasks { task.cancel() }
        for task in tasks {
            await #expect(throws: CancellationError.self) { try await task.value }
        }
        print("cancelled \(note): \(tasks.count) ended after \(clock.now - start)")
    }

    private func wait(until isSo: () async throws -> Bool) async throws {
        while try await !isSo() { await Task.yield() }
    }

    @Test func beforeTheCall() async throws {
        try await Sandbox.run { sandbox in
            let client = try await sandbox.loggedIn()
            let before = try await sandbox.count("balance.get")
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await client.balance.get()
            }
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(try await sandbox.count("balance.get") == before)
        }
    }

    @Test func duringTheCall() async throws {
        try await Sandbox.run { sandbox in
            try await Gate.run(before: sandbox) { gate in
                let client = try await sandbox.loggedIn(accountURL: gate.accountURL)
                gate.hold()
                let task = Task { try await client.balance.get() }
                try await wait { try await sandbox.count("balance.get") == 1 }
                await cancel(task, note: "during a call")
                // The server sees it while it still has its answer to give.
                for await _ in gate.hangUps { break }
                gate.release()
                #expect(try await client.balance.get().organizationID == "org_sandbox")
            }
        }
    }

    @Test func afterTheCall() async throws {
        try await Sandbox.run { sandbox in
            let client = try await sandbox.loggedIn()
            let task = Task { try await client.balance.get() }
            let balance = try await task.value
            task.cancel()
            #expect(try await task.value == balance)
        }
    }

    @Test func whileWaitingForALogin() async throws {
        try await Sandbox.run("--interval", "0") { sandbox in
            let client = try sandbox.client(timeScale: 20)
            let login = try await client.startLogin()
            let task = Task { for try await _ in login {} }
            try await wait { try await sandbox.count("token.poll") >= 2 }
            await cancel(task, note: "while waiting for a login")
            // A poll that was under way still ends; after it there are no more, however long
            // another login continues.
            try await client.settled()
            let polls = try await sandbox.deviceCode(login).polls
            let other = try await client.startLogin()
            for _ in 0..<3 { _ = try await other.poll() }
            #expect(try await sandbox.deviceCode(other).polls == 3)
            #expect(try await sandbox.deviceCode(login).polls == polls)
        }
    }

    @Test func loginThatIsGivenUp() async throws {
        try await Sandbox.run { sandbox in
            let login = try await sandbox.client().startLogin()
            let waiting = Task { try await login.wait() }
            while try await sandbox.count("token.poll") == 0 { await Task.yield() }
            login.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
        }
    }

    @Test func groupThatIsCancelled() async throws {
        try await Sandbox.run { sandbox in
            let client = try await sandbox.loggedIn()
            try await sandbox.fault(["route": "balance.get", "times": 20, "delay_ms": 3_600_000])
            let first = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<20 {
                    group.addTask { try await client.balance.get().organizationID }
                }
                group.addTask {
                    try await wait { try await sandbox.count("balance.get") == 20 }
                    return "first"
                }
                let first = try await group.next()
                group.cancelAll()
                return first
            }
            #expect(first == "first")
        }
    }

    /// The usual time-out of Swift: a group in which the faster of two wins.
    @Test func timeOutByAGroup() async throws {
        struct TooSlow: Error {}
        try await Sandbox.run { sandbox in
            let client = try await sandbox.loggedIn()
            try await sandbox.fault(["route": "balance.get", "delay_ms": 3_600_000])
            await #expect(throws: TooSlow.self) {
                try await withThrowingTaskGroup(of: Balance.self) { group in
                    group.addTask { try await client.balance.get() }
                    group.addTask {
                        try await wait { try await sandbox.count("balance.get") == 1 }
                        throw TooSlow()
                    }
                    defer { group.cancelAll() }
                    return try await group.next()
                }
            }
            #expect(try await client.balance.get().organizationID == "org_sandbox")
        }
    }

    /// A refresh outlives its callers: with every caller gone, the new pair still reaches the disk.
    @Test func refreshOutlivesAllOfItsCallers() async throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("parallel-account-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("auth.json").path
        try await Sandbox.run { sandbox in
            try await Gate.run(before: sandbox) { gate in
                let store = FileStore(path: path)
                let client = try await sandbox.loggedIn(
                    store: store, platformURL: gate.platformURL)
                let before = try await client.accessToken()
                let stored = try await store.load()
                try await sandbox.control("POST", "/expire-access-token")
                gate.hold()
                let callers = (0..<20).map { _ in Task { try await client.balance.get() } }
                try await wait { try await sandbox.count("balance.get") == 20 }
                try await wait { try await sandbox.count("token.refresh") == 1 }
                await cancel(callers, note: "in a refresh")
                #expect(try await store.load() == stored)

                // Whoever waits for it may go, too.
                let waiting = Task { try await client.settled() }
                await cancel(waiting, note: "while waiting for a refresh")
                gate.release()
                try await client.settled()
                #expect(try await store.load() != stored)
                let other = try sandbox.client(store: FileStore(path: path))
                for client in [client, other] {
                    #expect(try await client.balance.get().organizationID == "org_sandbox")
                    #expect(try await client.accessToken() != before)
                }
                #expect(try await sandbox.count("token.refresh") == 1)
            }
        }
    }
}
