import Foundation
import ParallelAccount
import Testing

/// A store as a program would write one.
private actor ShelfStore: CredentialStore {
    private(set) var record: String?
    private(set) var isLocked = false
    private(set) var locks = 0
    nonisolated let location = "the shelf"

    func load() -> String? { record }
    func save(_ record: String) { self.record = record }
    func delete() { record = nil }

    func lock() async throws -> StoreLock? {
        while isLocked { await Task.yield() }
        isLocked = true
        locks += 1
        return StoreLock { Task { await self.unlock() } }
    }

    private func unlock() { isLocked = false }
}

/// A store that knows when its record has changed.
private final class NumberedStore: CredentialStore, @unchecked Sendable {
    private let mutex = NSLock()
    private var record: String?
    private var number: UInt64 = 1
    private var loaded = 0

    var revision: UInt64? { mutex.withLock { number } }
    var loads: Int { mutex.withLock { loaded } }

    func load() async throws -> String? {
        mutex.withLock {
            loaded += 1
            return record
        }
    }

    func save(_ record: String) async throws { change(to: record) }
    func delete() async throws { change(to: nil) }

    private func change(to record: String?) {
        mutex.withLock {
            self.record = record
            number += 1
        }
    }
}

private struct ThrowingStore: CredentialStore {
    struct Broken: LocalizedError {
        let record: String
        var errorDescription: String? { "the drawer is stuck" }
    }

    let hangs: Bool
    var timeout: Duration { hangs ? .milliseconds(200) : .seconds(30) }

    private func fail() async throws -> Never {
        if hangs {
            // Deaf to cancellation, like a call that blocks.
            await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
        }
        throw Broken(record: "rt-canary-in-an-error")
    }

    func load() async throws -> String? { try await fail() }
    func save(_ record: String) async throws { try await fail() }
    func delete() async throws { try await fail() }
}

@Suite struct StoreTests {
    @Test func storeWrittenInSwiftKeepsALogin() async throws {
        try await Sandbox.run { sandbox in
            let store = ShelfStore()
            let first = try await sandbox.loggedIn(store: store)
            #expect(try await first.status().store.contains("the shelf"))
            let second = try sandbox.client(store: store)
            #expect(try await second.balance.get().organizationID == "org_sandbox")
            try await sandbox.control("POST", "/expire-access-token")
            async let one = first.balance.get()
            async let two = second.balance.get()
            _ = try await (one, two)
            #expect(try await sandbox.count("token.refresh") == 1)
            #expect(await store.locks > 0)
            while await store.isLocked { await Task.yield() }
            try await second.logout()
            #expect(try await !first.status().isLoggedIn)
        }
    }

    @Test func storeWithARevisionIsLoadedOnlyWhenItHasChanged() async throws {
        try await Sandbox.run { sandbox in
            let store = NumberedStore()
            let client = try await sandbox.loggedIn(store: store)
            _ = try await client.status()
            let loads = store.loads
            for _ in 0..<10 { _ = try await client.balance.get() }
            #expect(store.loads == loads)
            // A sibling's logout is noticed.
            try await sandbox.client(store: store).logout()
            #expect(await accountError { try await client.balance.get() }?.code == .loginRequired)
        }
    }

    @Test(arguments: [false, true])
    func storeThatThrowsOrHangsEndsInAnError(hangs: Bool) async throws {
        let client = try AccountClient(store: ThrowingStore(hangs: hangs))
        let attempts: [@Sendable () async throws -> Void] = [
            { _ = try await client.status() },
            { _ = try await client.balance.get() },
            { _ = try await client.organizations() },
            { _ = try await client.startLogin() },
        ]
        for (number, attempt) in attempts.enumerated() {
            let error = await accountError(attempt)
            #expect(error?.code == .store, "attempt \(number)")
            let said = hangs ? "within 0.2 s" : "the drawer is stuck"
            let shown = String(describing: error)
            #expect(error?.message.contains(said) == true, "attempt \(number): \(shown)")
            #expect(!shown.contains("canary"))
        }
    }

    @Test func callWithAHangingStoreCanBeCancelled() async throws {
        struct Hanging: CredentialStore {
            let begun: @Sendable () -> Void
            func load() async throws -> String? {
                begun()
                try await Task.sleep(for: .seconds(3600))
                return nil
            }
            func save(_ record: String) async throws {}
            func delete() async throws {}
        }
        let (begun, signal) = AsyncStream.makeStream(of: Void.self)
        let client = try AccountClient(store: Hanging { signal.yield() })
        let task = Task { try await client.status() }
        for await _ in begun { break }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func fileStoreIsPrivateAndShared() async throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("parallel-account-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("auth.json").path
        try await Sandbox.run { sandbox in
            _ = try await sandbox.loggedIn(store: FileStore(path: path))
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            let other = try sandbox.client(store: FileStore(path: path))
            #expect(try await other.balance.get().organizationID == "org_sandbox")
            #expect(try await other.status().store.contains(path))
        }
    }

    @Test func storesOfThePackageWorkByThemselves() async throws {
        let store = MemoryStore(record: "{}")
        #expect(try await store.load() == "{}")
        try await store.save("{\"version\":1}")
        let lock = try await store.lock()
        #expect(lock != nil)
        #expect(try await store.load() == "{\"version\":1}")
        try await store.delete()
        #expect(try await store.load() == nil)
        #expect(try FileStore.parallelCLI().location.contains("parallel-web-tools"))
    }
}
