#if canImport(Glibc)
    import Foundation
    import Glibc
    import ParallelAccount
    import XCTest

    /// Looks at the memory of the process, and therefore runs in one of its own: `tools/test` sets
    /// `PARALLEL_ACCOUNT_LEAK_CALLS`, the number of calls of each kind. With XCTest, because Swift
    /// Testing keeps a backtrace of every error that is thrown: some twenty bytes for each.
    final class LeakTests: XCTestCase {
        private typealias Call = @Sendable () async throws -> Void

        /// What is allocated and not freed, in bytes. What the process has from the system tells
        /// more of the allocator's moods than of leaks.
        private func allocated() throws -> Int {
            typealias Info = @convention(c) (Int32, UnsafeMutablePointer<FILE>) -> Int32
            // Not declared by the module Glibc.
            let info = unsafeBitCast(
                try XCTUnwrap(dlsym(nil, "malloc_info")), to: Info.self)
            var text: UnsafeMutablePointer<CChar>?
            var length = 0
            let stream = try XCTUnwrap(open_memstream(&text, &length))
            XCTAssertEqual(info(0, stream), 0)
            fclose(stream)
            defer { free(text) }
            // The sums over all arenas come last.
            let xml = String(cString: try XCTUnwrap(text))
            func last(_ pattern: Regex<(Substring, Substring)>) throws -> Int {
                try XCTUnwrap(xml.matches(of: pattern).last.flatMap { Int($0.1) })
            }
            return try last(/<system type="current" size="(\d+)"/)
                + last(/<total type="mmap" count="\d+" size="(\d+)"/)
                - last(/<total type="fast" count="\d+" size="(\d+)"/)
                - last(/<total type="rest" count="\d+" size="(\d+)"/)
        }

        private func make(_ count: Int, _ call: @escaping Call) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<count {
                    if number >= 64 { try await group.next() }
                    group.addTask { try await call() }
                }
                try await group.waitForAll()
            }
        }

        /// Calls that succeed, are refused and are cancelled, with a store that is written in Swift.
        func testMemoryDoesNotGrowWithCalls() async throws {
            actor Shelf: CredentialStore {
                var record: String?
                func load() -> String? { record }
                func save(_ record: String) { self.record = record }
                func delete() { record = nil }
            }
            let given = ProcessInfo.processInfo.environment["PARALLEL_ACCOUNT_LEAK_CALLS"]
            guard let calls = given.flatMap({ Int($0) }) else {
                throw XCTSkip("tools/test runs it alone")
            }
            try await Sandbox.run { sandbox in
                let client = try await sandbox.loggedIn(store: Shelf())
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
                    try await make(max(2_000, calls / 4), call)
                    let before = try allocated()
                    try await make(calls, call)
                    let grown = try allocated() - before
                    print("\(calls) calls that \(kind): \(grown) bytes more")
                    // Caches of threads fill up for long; a leak of one pointer a call is more.
                    XCTAssertLessThan(grown, 200_000 + calls * 6, "calls that \(kind)")
                }
            }
        }
    }
#endif
