#if canImport(Glibc)
    import Foundation
    import ParallelAccount
    import XCTest

    /// Looks at the memory of the process, and therefore runs in one of its own: `tools/test` sets
    /// `PARALLEL_ACCOUNT_LEAK_CALLS`, the number of calls of each kind. With XCTest, because Swift
    /// Testing keeps a backtrace of every error that is thrown: some twenty bytes for each.
    final class LeakTests: XCTestCase {
        private typealias Call = @Sendable () async throws -> Void

        /// Calls that succeed, are refused and are cancelled, with a store that is written in Swift.
        func testMemoryDoesNotGrowWithCalls() async throws {
            let given = ProcessInfo.processInfo.environment["PARALLEL_ACCOUNT_LEAK_CALLS"]
            guard let calls = given.flatMap({ Int($0) }) else {
                throw XCTSkip("tools/test runs it alone")
            }
            try await Sandbox.run { sandbox in
                let client = try await sandbox.loggedIn(store: ShelfStore())
                let anyone = try sandbox.client()
                let kinds: [(String, Call)] = [
                    ("succeed", { _ = try await client.balance.get() }),
                    (
                        "are refused here",
                        { _ = await accountError { try await client.apps.delete("no id") } }
                    ),
                    ("need a login", { _ = await accountError { try await anyone.apps.list() } }),
                    (
                        "are cancelled",
                        {
                            let task = Task { try await client.balance.get() }
                            task.cancel()
                            _ = try? await task.value
                        }
                    ),
                ]
                for (kind, call) in kinds {
                    // The allocator's caches, one per thread, fill up for some 25,000 calls.
                    try await repeated(max(25_000, calls / 4)) { _ in try await call() }
                    let before = try Measures.allocated()
                    try await repeated(calls) { _ in try await call() }
                    let grown = try Measures.allocated() - before
                    print("\(calls) calls that \(kind): \(grown) bytes more")
                    // Over 100,000 calls, a leak of one pointer per call is more.
                    XCTAssertLessThan(grown, 100_000 + calls * 6, "calls that \(kind)")
                }
            }
        }
    }
#endif
