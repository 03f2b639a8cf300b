import Foundation
import Testing

/// `Examples/login`, a package of its own that depends on this one; `tools/test` builds it.
@Suite struct ExampleTests {
    private static let program =
        ProcessInfo.processInfo.environment["PARALLEL_ACCOUNT_EXAMPLE"]
        ?? ".build/login/debug/login"

    private func run(against url: String, account: String) async throws -> (Int32, String, String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.program)
        process.environment = ProcessInfo.processInfo.environment.merging([
            "PARALLEL_PLATFORM_URL": url, "PARALLEL_SERVICE_API_URL": account, "CI": "1",
        ]) { $1 }
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        process.terminationHandler = { _ in end.finish() }
        try process.run()
        for await _ in ended {}
        func text(_ pipe: Pipe) -> String {
            String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        }
        return (process.terminationStatus, text(output), text(errors))
    }

    @Test func doesTheWholeJob() async throws {
        try await Sandbox.run(
            "--interval", "1", "--approve-after", "0", "--access-token-lifetime", "2"
        ) { sandbox in
            let (status, output, errors) = try await run(
                against: sandbox.platformURL, account: sandbox.accountURL)
            #expect(status == 0)
            #expect(
                output == """
                    approved: yes
                    organisation: Sandbox Inc. (org_sandbox)
                    balance: 50.00 USD
                    refreshed: yes
                    revoked: yes

                    """)
            #expect(errors.contains("enter the code"))
            #expect(try await sandbox.count("revoke") == 1)
        }
    }

    @Test(arguments: ["http://127.0.0.1:1", "http://example.com", "nonsense"])
    func saysInOneSentenceWhatIsWrong(url: String) async throws {
        let (status, output, errors) = try await run(against: url, account: url)
        #expect(status == 1)
        #expect(output.isEmpty)
        #expect(!errors.contains("Fatal") && !errors.contains("Stack"))
        #expect(errors.split(separator: "\n").count == 1, "\(errors)")
    }
}
