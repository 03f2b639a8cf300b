import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A program that is stopped in the middle of a login, as an app in the background is, and
/// continues later. It is `Examples/login`, in a process of its own.
@Suite struct SuspensionTests {
    /// What the program wrote and with which status it ended, if it was suspended while it waited
    /// and woke up after `meanwhile`.
    private func suspended(
        in sandbox: Sandbox, meanwhile: () async throws -> Void
    ) async throws -> (status: Int32, output: String, errors: String) {
        let program = Example(platformURL: sandbox.platformURL, accountURL: sandbox.accountURL)
        return try await program.ended {
            let process = program.process
            while try await sandbox.count("token.poll") == 0 {
                try #require(process.isRunning)
                await Task.yield()
            }
            kill(process.processIdentifier, SIGSTOP)
            defer { kill(process.processIdentifier, SIGCONT) }
            try await meanwhile()
        }
    }

    @Test func wakingAfterTheExpiryShowsAnExpiredCode() async throws {
        try await Sandbox.run("--interval", "1", "--expires-in", "5") { sandbox in
            let (status, output, errors) = try await suspended(in: sandbox) {
                let codes = try await sandbox.control("GET", "/device-codes")
                let left = try #require(codes["device_codes"]?[0]?["seconds_left"]?.double)
                try await Task.sleep(for: .seconds(left + 1))
            }
            #expect(status == 1)
            #expect(output.isEmpty)
            let says = "The code expired before the login was approved. Start a new login.\n"
            #expect(errors.hasSuffix(says))
        }
    }

    @Test func wakingBeforeTheExpiryGoesOnPolling() async throws {
        try await Sandbox.run("--interval", "1") { sandbox in
            var before = 0
            let (status, output, _) = try await suspended(in: sandbox) {
                // Several polls are missed.
                try await Task.sleep(for: .seconds(3))
                before = try await sandbox.count("token.poll")
                try await sandbox.control("POST", "/approve")
            }
            #expect(status == 0)
            #expect(output.hasPrefix("approved: yes\n"))
            // One poll found it out; those that were missed were not made up for.
            #expect(try await sandbox.count("token.poll") == before + 1)
        }
    }
}
