import Foundation
import ParallelAccountTesting
import Security
import Testing

@testable import ParallelAccount

/// The Keychain is one for the process, so its tests run one after the other.
@Suite(.serialized) struct KeychainStoreTests {
    private let store = KeychainStore(service: "test")

    init() { SecurityStub.reset() }

    private func error(_ body: () async throws -> Void) async -> AccountError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? AccountError
        }
    }

    @Test func isACell() async throws {
        #expect(try await store.load() == nil)
        #expect(try await store.replace(nil, with: nil))
        #expect(try await !store.replace("a", with: "b"))
        #expect(try await store.replace(nil, with: "a"))
        #expect(try await !store.replace(nil, with: "b"))
        #expect(try await !store.replace(nil, with: nil))
        #expect(try await store.load() == "a")
        #expect(try await !store.replace("b", with: "c"))
        #expect(try await store.replace("a", with: "b"))
        #expect(try await !store.replace("a", with: nil))
        #expect(try await store.load() == "b")
        #expect(try await store.replace("b", with: nil))
        #expect(try await store.load() == nil)
        #expect(SecurityStub.items.isEmpty)
    }

    @Test func itemsStayOnTheDevice() async throws {
        _ = try await store.replace(nil, with: "a")
        let item = try #require(SecurityStub.items.first)
        #expect(item.accessible == "cku")
        #expect(item.value == Data("a".utf8))
        #expect(item.generic != nil && item.generic != item.value)
    }

    @Test func groupsAndAccountsAreApart() async throws {
        let shared = KeychainStore(service: "test", accessGroup: "shared")
        let other = KeychainStore(service: "test", account: "second")
        _ = try await shared.replace(nil, with: "s")
        _ = try await other.replace(nil, with: "o")
        #expect(try await shared.load() == "s")
        #expect(try await other.load() == "o")
        #expect(SecurityStub.items.map(\.group) == ["shared", "app"])
    }

    /// Of many that replace the same record at once, one succeeds, whatever they do.
    @Test func oneOfManyWins() async throws {
        for (round, old) in [nil, "0"].enumerated() {
            let old = round == 0 ? nil : try await store.load() ?? old
            let winners = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<64 {
                    let store = KeychainStore(service: "test")
                    group.addTask {
                        try await store.replace(old, with: "round \(round), \(number)")
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(winners == 1)
            #expect(SecurityStub.items.count == 1)
        }
    }

    /// No increment is lost among many that compare and swap.
    @Test func noChangeIsLost() async throws {
        _ = try await store.replace(nil, with: "0")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    for _ in 0..<25 {
                        while true {
                            let old = try await store.load()
                            let new = "\(Int(old ?? "0")! + 1)"
                            if try await store.replace(old, with: new) { break }
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await store.load() == "400")
    }

    @Test(arguments: [
        (errSecInteractionNotAllowed, "store", true, "unlocked"),
        (errSecNotAvailable, "store", true, "Retry"),
        (errSecMissingEntitlement, "config", false, "Keychain Sharing"),
        (errSecAuthFailed, "store", false, "refused access"),
        (OSStatus(-4), "store", false, "-4"),
    ])
    func statusesDiffer(_ status: OSStatus, code: String, retryable: Bool, says: String) async {
        SecurityStub.fail(with: status)
        let error = await error { _ = try await store.load() }
        #expect(error?.code.rawValue == code)
        #expect(error?.isRetryable == retryable)
        #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
    }

    /// Nothing of it gets lost on the way through a client.
    @Test func clientsSayWhatTheKeychainSaid() async throws {
        let client = try AccountClient(clientName: "test", store: store)
        SecurityStub.fail(with: errSecInteractionNotAllowed, times: 10)
        let locked = await error { _ = try await client.status() }
        #expect(locked?.code == .store && locked?.isRetryable == true)
        SecurityStub.fail(with: errSecMissingEntitlement, times: 10)
        let missing = await error { _ = try await client.status() }
        #expect(missing?.code == .config && missing?.isRetryable == false)
        SecurityStub.reset()
        await client.close()
    }

    /// What no retry can help says so, instead of being retried for ever.
    @Test func foreignItemsAreErrors() async throws {
        var item = SecurityStub.Item()
        (item.service, item.account) = ("test", "parallel-account")
        item.value = Data("foreign".utf8)
        SecurityStub.items = [item]
        let unmarked = await error { _ = try await store.replace("foreign", with: "new") }
        #expect(unmarked?.code == .store)
        #expect(unmarked?.message.contains("not written by KeychainStore") == true)
        item.isHidden = true
        SecurityStub.items = [item]
        let hidden = await error { _ = try await store.replace(nil, with: "new") }
        #expect(hidden?.message.contains("another service") == true)
        item.isHidden = false
        item.value = Data([0xff, 0xfe])
        SecurityStub.items = [item]
        let binary = await error { _ = try await store.load() }
        #expect(binary?.message.contains("no text") == true)
    }

    /// An app and its extensions, and then some: however many ask at once, one renews.
    @Test func manyProcessesRenewOnce() async throws {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("keychain-\(UUID().uuidString)").path
        SecurityStub.file = file
        defer {
            SecurityStub.file = nil
            try? FileManager.default.removeItem(atPath: file)
        }
        try await AccountSandbox.run { sandbox in
            let store = KeychainStore(service: "shared", accessGroup: "shared")
            let client = try sandbox.client(store: store)
            try await client.login(openBrowser: false) { try await sandbox.approve($0) }
            for round in 1...2 {
                try await sandbox.control("POST", "/expire-access-token")
                let workers = try (0..<32).map { _ in try Worker(of: sandbox, file: file) }
                for worker in workers { worker.begin() }
                for worker in workers { #expect(await worker.said == "5000.0\n") }
                let refreshes = try await sandbox.control("GET", "/requests?route=token.refresh")
                guard case .array(let sent) = refreshes["requests"] else {
                    Issue.record("\(refreshes)")
                    return
                }
                print("32 processes, one keychain: \(sent.count) refreshes in \(round) expiries")
                #expect(sent.count == round)
            }
            await client.close()
        }
    }

    private final class Worker {
        private let process = Process()
        private let input = Pipe()
        private let output = Pipe()
        private let ended: AsyncStream<Void>

        init(of sandbox: AccountSandbox, file: String) throws {
            process.executableURL = Bundle.main.bundleURL.appendingPathComponent("KeychainWorker")
            process.arguments = [sandbox.platformURL, sandbox.accountURL]
            process.environment = ProcessInfo.processInfo.environment
                .merging(["SECURITY_STUB_FILE": file]) { $1 }
            process.standardInput = input
            process.standardOutput = output
            let (ended, end) = AsyncStream.makeStream(of: Void.self)
            self.ended = ended
            process.terminationHandler = { _ in end.finish() }
            try process.run()
        }

        func begin() { input.fileHandleForWriting.write(Data("\n".utf8)) }

        var said: String {
            get async {
                for await _ in ended {}
                return String(
                    decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            }
        }
    }

    @Test func isTheDefaultOnDevices() async throws {
        let client = try AccountClient(clientName: "default-app")
        #expect(try await client.status().store == "Keychain, default-app")
        await client.close()
    }

    @Test func waitsOffTheSharedThreads() async throws {
        // A keychain that does not answer holds up no task: more calls than there are threads.
        SecurityStub.items = []
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<200 { group.addTask { _ = try await store.load() } }
            try await group.waitForAll()
        }
    }
}
