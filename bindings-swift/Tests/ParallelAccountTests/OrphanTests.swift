#if os(Linux)
    import Foundation
    import FoundationNetworking
    import ParallelAccountTesting
    import Testing

    private let variable = "PARALLEL_ACCOUNT_KILLED_TEST"
    private let file = ProcessInfo.processInfo.environment[variable]

    /// A process of tests that is killed leaves no sandbox behind.
    @Suite struct OrphanTests {
        @Test(.enabled(if: file != nil)) func startsASandboxAndWaitsToBeKilled() async throws {
            try await AccountSandbox.run { sandbox in
                let file = URL(fileURLWithPath: try #require(file))
                try Data(sandbox.controlURL.utf8).write(to: file, options: .atomic)
                try await Task.sleep(for: .seconds(3_600))
            }
        }

        @Test(.enabled(if: file == nil), .timeLimit(.minutes(1)))
        func sandboxEndsWithATestThatIsKilled() async throws {
            let file = FileManager.default.temporaryDirectory
                .appendingPathComponent("parallel-account-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: file) }
            let process = Process()
            process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
            process.arguments = ["--testing-library", "swift-testing", "--filter", "OrphanTests"]
            process.environment = ProcessInfo.processInfo.environment.merging(
                [variable: file.path]) { $1 }
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            let end = process.end
            try process.run()
            var address: URL?
            while address == nil {
                try await Task.sleep(for: .milliseconds(10))
                address = (try? String(contentsOf: file, encoding: .utf8)).flatMap {
                    URL(string: $0 + "/health")
                }
            }
            let health = try #require(address)
            func answers() async -> Bool {
                (try? await URLSession.shared.data(from: health)) != nil
            }
            #expect(await answers())

            kill(process.processIdentifier, SIGKILL)
            for await _ in end {}
            while await answers() { try await Task.sleep(for: .milliseconds(10)) }
        }
    }
#endif
