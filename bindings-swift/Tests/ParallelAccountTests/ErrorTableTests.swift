import Foundation
import ParallelAccountFFI
import Testing

@testable import ParallelAccount

/// Provokes every error of `tests/errors.json`. With `PARALLEL_ACCOUNT_ERRORS` set it prints the
/// table of them.
@Suite struct ErrorTableTests {
    private struct Entry: Decodable {
        let code: String
        let retryable: Bool
        let scenario: String?
    }

    /// The name in Swift of every code, and what a person must be able to read in the message.
    private static let known: [AccountError.Code: (name: String, says: String)] = [
        .loginRequired: ("loginRequired", "Log in again: the grant expired on 2026-05-28"),
        .accessDenied: (
            "accessDenied", "The login was denied on the approval page. Start a new login"
        ),
        .loginExpired: ("loginExpired", "The code expired before the login was approved. Start a"),
        .oauth: ("oauth", "Parallel refused the request for a device code (invalid_"),
        .unauthorized: ("unauthorized", "the access token was refused. Log in again"),
        .paymentRequired: ("paymentRequired", "the payment was declined. Check the"),
        .permissionDenied: ("permissionDenied", "permission denied. Log in with the required"),
        .notFound: ("notFound", "Deleting the app: not found. Check the ID"),
        .conflict: ("conflict", "conflicts with what is there"),
        .invalidRequest: ("invalidRequest", "The app's name must not be empty"),
        .rateLimited: ("rateLimited", "too many requests. Wait, then try again"),
        .server: ("server", "Creating the app: the service failed"),
        .connection: (
            "connection", "It is unknown whether creating the app succeeded. Check before you retry"
        ),
        .tls: ("tls", "No secure connection to 127.0.0.1"),
        .timeout: ("timeout", "did not answer within 2 s. Check the network"),
        .invalidResponse: ("invalidResponse", "is malformed: it has no app_id. Check the base"),
        .store: ("store", "written by a newer version"),
        .storeCorrupt: ("storeCorrupt", "The stored credentials are damaged"),
        .config: ("config", "The client is closed. Create a new one"),
        .internal: ("internal", "Please report it, with the version and what you called"),
    ]

    @Test func everyCodeComesAboutAndSaysWhatToDo() async throws {
        let list = Scenario.folder.appendingPathComponent("../errors.json").standardized
        let entries = try JSONDecoder().decode([Entry].self, from: Data(contentsOf: list))
        let codes = Set(entries.map(\.code)).subtracting(["cancelled"])
        #expect(codes == Set(Self.known.keys.map(\.rawValue)))
        try await Sandbox.run { sandbox in
            for entry in entries {
                let error = try #require(try await provoke(entry, in: sandbox), "\(entry.code)")
                show(entry.code, error)
                guard let error = error as? AccountError else {
                    #expect(entry.code == "cancelled" && error is CancellationError)
                    continue
                }
                #expect(error.code.rawValue == entry.code)
                let says = Self.known[error.code]?.says ?? "?"
                #expect(error.message.contains(says), "\(entry.code): \(error.message)")
                #expect(error.localizedDescription == error.message)
                #expect("\(error)" == "\(error.message) [\(entry.code)]")
                // Of a repeat that could do a thing twice nothing good is said.
                #expect(
                    error.isRetryable == entry.retryable || error.outcomeUnknown, "\(entry.code)")
            }
        }
    }

    /// The error with this code, as the scenario that the list names for it brings it about.
    private func provoke(_ entry: Entry, in sandbox: Sandbox) async throws -> (any Error)? {
        guard let scenario = entry.scenario else { return await panic("not to be seen") }
        let (problems, errors) = try await Scenario(scenario).run(in: sandbox)
        #expect(problems.isEmpty, "\(scenario)")
        return errors.first { raised($0)["code"]?.text == entry.code }
    }

    private func show(_ code: String, _ error: any Error) {
        guard ProcessInfo.processInfo.environment["PARALLEL_ACCOUNT_ERRORS"] != nil else { return }
        let name = (error as? AccountError).flatMap { Self.known[$0.code]?.name }
        let type = name.map { "AccountError .\($0)" } ?? "\(type(of: error))"
        let text = name == nil ? "" : error.localizedDescription
        print("| \(code) | \(type) | \(text.replacing(/127.0.0.1:\d+/, with: "127.0.0.1:…")) |")
    }

    private func panic(_ message: String) async -> (any Error)? {
        do {
            try await bridged { panicInCall(call: $0, message: message) }
            return nil
        } catch {
            return error
        }
    }

    @Test func panicBecomesAnErrorThatTellsNothingOfIt() async throws {
        let inACall = await panic("canary-panic")
        let atOnce = await accountError {
            try bridgedNow { try panicAtOnce(message: "canary-panic") }
        }
        for error in [inACall, atOnce] {
            let error = try #require(error as? AccountError)
            #expect(error.code == .internal)
            #expect(error.outcomeUnknown && !error.isRetryable)
            #expect(try !shown(error).contains("canary"))
        }
        // The library serves on.
        #expect(try await MemoryStore(record: "{}").load() == "{}")
    }
}
