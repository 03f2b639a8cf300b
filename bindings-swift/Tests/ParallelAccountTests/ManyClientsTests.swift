#if canImport(Glibc)
    import Foundation
    import ParallelAccount
    import XCTest

    /// Many clients, as in a server that makes one for each user. Lowers the process's limit of
    /// descriptors and looks at its memory, and therefore runs in a process of its own: `tools/test`
    /// sets `PARALLEL_ACCOUNT_CLIENTS`, the number of clients, and
    /// `PARALLEL_ACCOUNT_DESCRIPTORS`, the limit.
    final class ManyClientsTests: XCTestCase {
        /// Bytes of a client that has made a call: about twice what it takes. It is to stay below
        /// 40 kB.
        private static let atMost = 20_000

        private func number(_ variable: String) throws -> Int {
            let given = ProcessInfo.processInfo.environment[variable]
            guard let number = given.flatMap({ Int($0) }) else {
                throw XCTSkip("tools/test runs it alone")
            }
            return number
        }

        /// Counts failures by what they say.
        private actor Failures {
            private(set) var all: [String: Int] = [:]
            func add(_ error: any Error) { all["\(error)", default: 0] += 1 }
        }

        private func callAll(_ clients: [AccountClient]) async throws -> [String: Int] {
            let failures = Failures()
            try await repeated(clients.count) { number in
                do {
                    _ = try await clients[number].balance.get()
                } catch {
                    await failures.add(error)
                }
            }
            return await failures.all
        }

        /// - Returns: The record of a login.
        private func record(in sandbox: Sandbox) async throws -> String {
            let store = ShelfStore()
            let client = try await sandbox.loggedIn(store: store)
            let record = await store.record
            await client.close()
            return try XCTUnwrap(record)
        }

        func testManyClientsShareConnections() async throws {
            let count = try number("PARALLEL_ACCOUNT_CLIENTS")
            let limit = try number("PARALLEL_ACCOUNT_DESCRIPTORS")
            try Measures.allow(descriptors: limit)
            try await Sandbox.run { sandbox in
                let record = try await record(in: sandbox)
                let kinds: [(String, @Sendable () -> any CredentialStore)] = [
                    ("a MemoryStore", { MemoryStore(record: record) }),
                    ("a store in Swift", { ShelfStore(record: record) }),
                ]
                for (kind, store) in kinds {
                    try await measure(count, of: kind, store: store, in: sandbox)
                }
            }
        }

        /// Closed connections end on the runtime's threads, which get a moment for it; an idle one
        /// that nobody closes would stay for longer.
        private func givesBack(to descriptors: Int) async throws {
            let end = ContinuousClock.now + .seconds(10)
            while try Measures.descriptors() > descriptors, ContinuousClock.now < end {
                try await Task.sleep(for: .milliseconds(1))
            }
            XCTAssertLessThanOrEqual(try Measures.descriptors(), descriptors)
        }

        private func measure(
            _ count: Int, of kind: String, store: () -> any CredentialStore, in sandbox: Sandbox
        ) async throws {
            let descriptors = try Measures.descriptors()
            // What is made once is not the clients' own.
            let warm = try (0..<64).map { _ in try sandbox.client(store: store()) }
            let warmFailures = try await callAll(warm)
            XCTAssertEqual(warmFailures, [:], kind)
            for client in warm { await client.close() }
            try await givesBack(to: descriptors)

            let before = try (Measures.allocated(), Measures.resident())
            func show(_ when: String) throws -> Int {
                let bytes = try Measures.allocated() - before.0
                let resident = try Measures.resident() - before.1
                let more = try Measures.descriptors() - descriptors
                print(
                    "\(count) clients with \(kind), \(when): \(bytes / count) bytes each "
                        + "(resident \(resident / count)), \(more) descriptors more")
                return bytes / count
            }
            var clients = try (0..<count).map { _ in try sandbox.client(store: store()) }
            _ = try show("made")
            let failures = try await callAll(clients)
            XCTAssertEqual(failures, [:], kind)
            let each = try show("after a call")
            XCTAssertLessThan(each, Self.atMost, kind)
            for client in clients { await client.close() }
            try await givesBack(to: descriptors)
            let left = try show("closed")
            XCTAssertLessThan(left, Self.atMost, kind)
            clients = []
            let kept = try show("gone")
            XCTAssertLessThan(kept, 1_000, kind)
        }
    }
#endif
