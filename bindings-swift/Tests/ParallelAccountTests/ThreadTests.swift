#if os(Linux)
    import Foundation
    import ParallelAccount
    import Testing

    /// How many threads the process has for the Rust half, whichever tests run beside this one.
    @Suite struct ThreadTests {
        /// Two that calls run on, those that look up hosts and read files, and the core's own for
        /// what no runtime is left for.
        private static let atMost = 2 + 16 + 1

        private static func count() -> Int {
            let folder = "/proc/self/task"
            let tasks = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return tasks.count { task in
                // The system cuts names off after 15 bytes.
                (try? String(contentsOfFile: "\(folder)/\(task)/comm", encoding: .utf8))?
                    .hasPrefix("parallel-accou") == true
            }
        }

        @Test func callsThatAllLookUpTheirHostTakeFewThreads() async throws {
            try await Sandbox.run { sandbox in
                let url = sandbox.accountURL.replacingOccurrences(of: "127.0.0.1", with: "localhost")
                let client = try await sandbox.loggedIn(accountURL: url)
                let most = try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<200 {
                        group.addTask {
                            _ = try await client.balance.get()
                            return Self.count()
                        }
                    }
                    return try await group.reduce(0) { max($0, $1) }
                }
                // More than those of the runtime, or nothing was looked up.
                #expect((3...Self.atMost).contains(most), "\(most) threads")
            }
        }
    }
#endif
