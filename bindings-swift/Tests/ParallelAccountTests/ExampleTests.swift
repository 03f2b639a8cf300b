import Foundation
import Testing

/// `Examples/login`, a package of its own that depends on this one; `tools/test` builds it.
struct Example {
    private static let program =
        ProcessInfo.processInfo.environment["PARALLEL_ACCOUNT_EXAMPLE"]
        ?? ".build/login/debug/login"

    let process = Process()
    private let output = Pipe()
    private let errors = Pipe()

    init(platformURL: String, accountURL: String) {
        process.executableURL = URL(fileURLWithPath: Self.program)
        process.environment = ProcessInfo.processInfo.environment.merging([
            "PARALLEL_PLATFORM_URL": platformURL, "PARALLEL_SERVICE_API_URL": accountURL,
            "CI": "1",
        ]) { $1 }
        process.standardOutput = output
        process.standardError = errors
    }

    /// Runs it to its end; `started` is called once it runs.
    func ended(
        started: () async throws -> Void = {}
    ) async throws -> (status: Int32, output: String, errors: String) {
        let end = process.end
        try process.run()
        try await started()
        for await _ in end {}
        func text(_ pipe: Pipe) -> String {
            String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        }
        return (process.terminationStatus, text(output), text(errors))
    }
}

@Suite struct ExampleTests {
    @Test func doesTheWholeJob() async throws {
        try await Sandbox.run(
            "--interval", "1", "--approve-after", "0", "--access-token-lifetime", "2"
        ) { sandbox in
            let program = Example(platformURL: sandbox.platformURL, accountURL: sandbox.accountURL)
            let (status, output, errors) = try await program.ended()
            #expect(status == 0)
            #expect(
                output == """
                    approved: yes
                    organization: Sandbox Inc. (org_sandbox)
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
        let program = Example(platformURL: url, accountURL: url)
        let (status, output, errors) = try await program.ended()
        #expect(status == 1)
        #expect(output.isEmpty)
        #expect(!errors.contains("Fatal") && !errors.contains("Stack"))
        #expect(errors.split(separator: "\n").count == 1, "\(errors)")
    }
}
