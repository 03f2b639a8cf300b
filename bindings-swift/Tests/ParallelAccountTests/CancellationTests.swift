import Foundation
import ParallelAccount
import Testing

/// How long a cancelled call may go on. The aim is 100 ms; a busy machine gets some more.
private let limit = Duration.seconds(2)

@Suite struct CancellationTests {
    /// Cancels `body` once `started` says so; answers how long it took to end.
    private func cancel<Value: Sendable>(
        when started: () async throws -> Bool, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Duration {
        let task = Task { try await body() }
        while try await !started() { await Task.yield() }
        let clock = ContinuousClock()
        let start = clock.now
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        return clock.now - start
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
            let client = try await sandbox.loggedIn()
            try await sandbox.fault(["route": "balance.get", "delay_ms": 60_000])
            let took = try await cancel(when: { try await sandbox.count("balance.get") == 1 }) {
                try await client.balance.get()
            }
            #expect(took < limit)
            print("cancelled during a call: ended after \(took)")
            #expect(try await client.balance.get().organizationID == "org_sandbox")
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
            let took = try await cancel(when: { try await sandbox.count("token.poll") >= 2 }) {
                for try await _ in login {}
            }
            #expect(took < limit)
            // A poll that was under way may still arrive; after it there are no more.
            let polls = try await sandbox.count("token.poll")
            try await Task.sleep(for: .milliseconds(300))
            #expect(try await sandbox.count("token.poll") <= polls + 1)
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

    @Test func oneOfAGroup() async throws {
        try await Sandbox.run { sandbox in
            let client = try await sandbox.loggedIn()
            try await sandbox.fault(["route": "balance.get", "times": 20, "delay_ms": 60_000])
            let clock = ContinuousClock()
            let start = clock.now
            let first = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<20 {
                    group.addTask { try await client.balance.get().organizationID }
                }
                group.addTask {
                    while try await sandbox.count("balance.get") < 20 { await Task.yield() }
                    return "first"
                }
                let first = try await group.next()
                group.cancelAll()
                return first
            }
            #expect(first == "first")
            #expect(clock.now - start < .seconds(30))
        }
    }

    /// Whoever starts a refresh may go away: the others, and the new pair, must not be lost.
    @Test func refreshOutlivesItsCaller() async throws {
        try await Sandbox.run { sandbox in
            let client = try await sandbox.loggedIn()
            try await sandbox.control("POST", "/expire-access-token")
            try await sandbox.fault(["route": "token.refresh", "delay_answer_ms": 2_000])
            _ = try await cancel(when: { try await sandbox.count("token.refresh") == 1 }) {
                try await client.balance.get()
            }
            #expect(try await client.balance.get().organizationID == "org_sandbox")
            #expect(try await sandbox.count("token.refresh") == 1)
        }
    }
}
