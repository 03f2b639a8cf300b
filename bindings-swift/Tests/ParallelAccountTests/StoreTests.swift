import Foundation
import ParallelAccount
import Testing

@Suite struct StoreTests {
    @Test func storeWrittenInSwiftKeepsALogin() async throws {
        try await Sandbox.run { sandbox in
            let store = ShelfStore()
            let first = try await sandbox.loggedIn(store: store)
            #expect(try await first.status().store.contains("the shelf"))
            let second = try sandbox.client(store: store)
            #expect(try await second.balance.get().organizationID == "org_sandbox")
            try await second.logout()
            #expect(try await !first.status().isLoggedIn)
        }
    }

    /// As many replicas of a server would, with nothing but the cell between them.
    @Test func clientsThatShareACellRefreshOnce() async throws {
        try await Sandbox.run { sandbox in
            let store = ShelfStore()
            let first = try await sandbox.loggedIn(store: store)
            let clients = try (0..<8).map { _ in try sandbox.client(store: store) } + [first]
            for round in 1...3 {
                try await sandbox.control("POST", "/expire-access-token")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for client in clients {
                        for _ in 0..<4 { group.addTask { _ = try await client.balance.get() } }
                    }
                    try await group.waitForAll()
                }
                #expect(try await sandbox.count("token.refresh") == round)
            }
            #expect(try await first.status().isLoggedIn)
        }
    }

    @Test func recordIsLoadedAgainOnlyAfterItsCacheTime() async throws {
        try await Sandbox.run { sandbox in
            for cacheFor in [Duration.zero, .seconds(3600)] {
                let store = ShelfStore(cacheFor: cacheFor)
                let client = try await sandbox.loggedIn(store: store)
                _ = try await client.balance.get()
                let before = await store.loads
                for _ in 0..<10 { _ = try await client.balance.get() }
                let loads = await store.loads - before
                #expect(cacheFor == .zero ? loads >= 10 : loads == 0)
                // A sibling's logout is noticed, at once or when the time is up.
                if cacheFor == .zero {
                    try await sandbox.client(store: store).logout()
                    let error = await accountError { try await client.balance.get() }
                    #expect(error?.code == .loginRequired)
                }
            }
        }
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

    @Test func storesOfThePackageAreCells() async throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("parallel-account-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let stores: [any CredentialStore] = [
            MemoryStore(), FileStore(path: folder.appendingPathComponent("auth.json").path),
        ]
        for store in stores {
            let (one, two) = ("{\"version\":1}", "{\"version\":1,\"more\":true}")
            #expect(try await !store.replace(one, with: two))
            #expect(try await store.load() == nil)
            #expect(try await store.replace(nil, with: one))
            #expect(try await !store.replace(nil, with: two))
            #expect(try await !store.replace(two, with: nil))
            #expect(try await store.load() == one)
            #expect(try await store.replace(one, with: two))
            #expect(try await store.replace(two, with: nil))
            #expect(try await store.load() == nil)
        }
        #expect(try await MemoryStore(record: "{}").load() == "{}")
        #expect(try FileStore.parallelCLI().location.contains("parallel-web-tools"))
    }

    /// What passes by itself is retryable for whoever called, through an encryption as well.
    @Test(arguments: [true, false]) func failuresThatPassAreRetryable(isRetryable: Bool)
        async throws
    {
        let store = ShelfStore()
        await store.visit(onLoad: {
            throw AccountError(
                code: .store, message: "The vault is locked.", isRetryable: isRetryable)
        })
        let encrypted = try EncryptedStore(
            store, keys: [(id: "k", key: Data(repeating: 7, count: 32))])
        for store in [store as any CredentialStore, encrypted] {
            let client = try AccountClient(clientName: "swift-tests", store: store)
            let error = await accountError { try await client.status() }
            #expect(error?.code == .store)
            #expect(error?.isRetryable == isRetryable)
            #expect(error?.message.contains("The vault is locked.") == true)
            await client.close()
        }
    }
}
