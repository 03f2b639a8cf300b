import Foundation
import ParallelAccount
import Testing

/// Looks at the memory of the process, and therefore runs in one of its own: `tools/test` sets
/// `PARALLEL_ACCOUNT_LEAK_CALLS`, the number of calls.
private let calls = ProcessInfo.processInfo.environment["PARALLEL_ACCOUNT_LEAK_CALLS"]
    .flatMap { Int($0) }

@Suite(.enabled(if: calls != nil)) struct LeakTests {
    /// What the process has in memory, in KiB.
    private func resident() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        return try #require(Int(line.filter(\.isNumber)))
    }

    private func make(_ count: Int, _ call: @escaping @Sendable (Int) async throws -> Void)
        async throws
    {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                if number >= 64 { try await group.next() }
                group.addTask { try await call(number) }
            }
            try await group.waitForAll()
        }
    }

    /// Calls that succeed, fail and are cancelled, with a store that is written in Swift.
    @Test func memoryDoesNotGrowWithCalls() async throws {
        actor Shelf: CredentialStore {
            var record: String?
            func load() -> String? { record }
            func save(_ record: String) { self.record = record }
            func delete() { record = nil }
        }
        let calls = try #require(calls)
        try await Sandbox.run { sandbox in
            let client = try await sandbox.loggedIn(store: Shelf())
            let call: @Sendable (Int) async throws -> Void = { number in
                switch number % 4 {
                case 0:
                    let refused = await accountError { try await client.apps.delete("no id") }
                    #expect(refused?.code == .invalidRequest)
                case 1:
                    let task = Task { try await client.balance.get() }
                    task.cancel()
                    _ = try? await task.value
                default:
                    _ = try await client.balance.get()
                }
            }
            try await make(5_000, call)
            let before = try resident()
            let clock = ContinuousClock()
            let start = clock.now
            try await make(calls, call)
            let grown = try resident() - before
            print("memory after \(calls) more calls in \(clock.now - start): \(grown) KiB more")
            // What a leak of a hundred bytes a call would come to, and the allocator's own moods.
            #expect(grown < 4_096 + calls / 10)
        }
    }
}
