import Foundation
import Testing

@testable import ParallelAccount

/// Notes the events of a client.
private final class Heard: @unchecked Sendable {
    private let mutex = NSLock()
    private var noted: [AccountEvent] = []

    var events: [AccountEvent] { mutex.withLock { noted } }
    var responses: [AccountEvent.Response] {
        events.compactMap { if case .response(let response) = $0 { response } else { nil } }
    }
    var refreshes: [AccountEvent.Refresh] {
        events.compactMap { if case .refresh(let refresh) = $0 { refresh } else { nil } }
    }

    @Sendable func note(_ event: AccountEvent) { mutex.withLock { noted.append(event) } }
}

@Suite struct EventTests {
    @Test func requestsAndTheirEndsInOrder() async throws {
        try await Sandbox.run { sandbox in
            let heard = Heard()
            let client = try await sandbox.loggedIn(maxRetries: 1, onEvent: heard.note)
            try await sandbox.fault([
                "route": "balance.get", "status": 503, "headers": ["x-request-id": "req-503"],
            ])
            _ = try await client.balance.get()
            await client.close()
            let ours = heard.events.suffix(5)
            guard ours.count == 5, let base = ours.startIndex as Int?,
                case .request(let first) = ours[base],
                case .response(let refused) = ours[base + 1],
                case .retry(let retry) = ours[base + 2],
                case .request(let second) = ours[base + 3],
                case .response(let answered) = ours[base + 4]
            else {
                Issue.record("\(heard.events)")
                return
            }
            #expect(first.method == "GET" && first.url.hasSuffix("/service/v1/balance"))
            #expect(refused.outcome == .answered(status: 503, requestID: "req-503"))
            #expect(retry.request == first && refused.request == first)
            #expect(second.attempt == 1 && second.id != first.id)
            guard case .answered(200, _) = answered.outcome else {
                Issue.record("\(answered)")
                return
            }
            #expect(heard.events.suffix(5).map(\.level) == [.debug, .debug, .info, .debug, .debug])
            for event in heard.events { #expect("\(event)".contains("at-") == false) }
        }
    }

    @Test func refreshes() async throws {
        try await Sandbox.run { sandbox in
            let heard = Heard()
            let client = try await sandbox.loggedIn(onEvent: heard.note)
            try await sandbox.control("POST", "/expire-access-token")
            _ = try await client.balance.get()
            try await sandbox.control("POST", "/expire-access-token")
            try await sandbox.fault([
                "route": "token.refresh", "status": 400, "body": ["error": "invalid_scope"],
            ])
            _ = await accountError { try await client.balance.get() }
            await client.close()
            #expect(heard.refreshes.first?.organization == "org_sandbox")
            #expect(heard.refreshes.first?.outcome == .renewed)
            guard case .failed(let error) = heard.refreshes.last?.outcome else {
                Issue.record("\(heard.refreshes)")
                return
            }
            #expect(error.oauthError == "invalid_scope")
            #expect(AccountEvent.refresh(heard.refreshes.last!).level == .warning)
        }
    }

    @Test func storesThatFail() async throws {
        struct Broken: CredentialStore {
            struct Down: LocalizedError { var errorDescription: String? { "it is down" } }
            func load() async throws -> String? { throw Down() }
            func replace(_ old: String?, with new: String?) async throws -> Bool { throw Down() }
            var location: String { "the broken store" }
        }
        let heard = Heard()
        let client = try AccountClient(
            clientName: "swift-tests", store: Broken(), onEvent: heard.note)
        _ = await accountError { try await client.status() }
        await client.close()
        // Warnings of other tests' files are heard as well.
        let event = heard.events.first { if case .store = $0 { true } else { false } }
        guard case .store(let store) = event, case .failed(let error) = store.problem else {
            Issue.record("\(heard.events)")
            return
        }
        #expect(store.location == "the broken store")
        #expect(error.message.contains("it is down"))
        #expect(event?.level == .error)
    }

    @Test func cancelledCallsEndTheirRequests() async throws {
        try await Sandbox.run { sandbox in
            try await Gate.run(before: sandbox) { gate in
                let heard = Heard()
                let (sent, send) = AsyncStream.makeStream(of: Void.self)
                let client = try await sandbox.loggedIn(
                    accountURL: gate.accountURL,
                    onEvent: { event in
                        heard.note(event)
                        if case .request(let request) = event, request.url.contains("balance") {
                            send.finish()
                        }
                    })
                gate.hold()
                let call = Task { try await client.balance.get() }
                for await _ in sent {}
                call.cancel()
                _ = await call.result
                try await client.settled()
                await client.close()
                #expect(heard.responses.last?.outcome == .cancelled)
            }
        }
    }

    /// A handler that stands still holds up neither calls nor their answers.
    @Test func blockingHandlersHoldUpNoCall() async throws {
        try await Sandbox.run { sandbox in
            let standstill = DispatchSemaphore(value: 0)
            let client = try await sandbox.loggedIn(onEvent: { _ in standstill.wait() })
            for _ in 0..<4 { _ = try await client.balance.get() }
            for _ in 0..<1000 { standstill.signal() }
            await client.close()
        }
    }

    /// What belongs to no client reaches every handler.
    @Test func warnings() async throws {
        let heard = Heard()
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("parallel-account-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("login.json").path
        try Data(#"{"version": 1, "orgs": {}}"#.utf8).write(to: URL(fileURLWithPath: file))
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
        let client = try AccountClient(
            clientName: "swift-tests", store: FileStore(path: file), onEvent: heard.note)
        _ = try await client.status()
        await client.close()
        let warnings = heard.events.filter {
            if case .warning(let text) = $0 { text.contains(file) } else { false }
        }
        #expect(warnings.count >= 1, "\(heard.events)")
    }

    /// The client holds its handler, and gives it up in the end.
    @Test func handlersAreReleasedWithTheirClient() async throws {
        final class Owner: Sendable {}
        weak var owner: Owner?
        do {
            let held = Owner()
            owner = held
            let client = try AccountClient(
                clientName: "swift-tests", store: MemoryStore(), onEvent: { _ in _ = held })
            _ = try await client.status()
            #expect(owner != nil)
            await client.close()
        }
        // Rust's threads may be about to let go of the call.
        for _ in 0..<100_000 where owner != nil { await Task.yield() }
        #expect(owner == nil)
    }
}
