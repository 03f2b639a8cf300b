import Foundation
import ParallelAccount
import Testing

private let variable = "PARALLEL_ACCOUNT_REQUIRE_STORE"
private let isRequired = ProcessInfo.processInfo.environment[variable] == "1"

/// The environment belongs to a whole process, so these run once more in one of their own.
@Suite struct RequireStoreTests {
    @Test(.enabled(if: isRequired)) func clientWithoutAStoreIsRefused() async throws {
        let error = await accountError { try AccountClient() }
        #expect(error?.code == .config)
        #expect(error?.message.hasPrefix("store must be given") == true)
        _ = try AccountClient(store: MemoryStore())
    }

    @Test(.enabled(if: !isRequired)) func serverCanRequireThatAStoreIsGiven() async throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
        process.arguments = ["--testing-library", "swift-testing", "--filter", "RequireStoreTests"]
        process.environment = ProcessInfo.processInfo.environment.merging([variable: "1"]) { $1 }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        #expect(try await process.ended() == 0)
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        #expect(text.contains("clientWithoutAStoreIsRefused() passed"), "\(text)")
    }
}
