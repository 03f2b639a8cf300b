import Foundation
import ParallelAccount
import Testing

private let record = #"{"version":1,"orgs":{}}"#
private let other = #"{"version":1,"orgs":{},"n":2}"#
private let old = [(id: "2026-05", key: Data(repeating: 5, count: 32))]
private let new = [(id: "2026-11", key: Data(0..<32))]

/// Written by joserfc, a library for Python, with the key of `new`.
private let foreign =
    "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiMjAyNi0xMSIsInR5cCI6IkpXRSJ9"
    + "..F8ILUUtjUA_MgjoC.pEYzXkd8gbzNHGJXlC_gFTDfhlPt8eI.jYFvy3CYNmI3NrgCUDVoNg"

private func header(_ jwe: String?) throws -> [String: String] {
    let jwe = try #require(jwe)
    // Base64url, which Foundation does not read.
    var part = jwe.prefix { $0 != "." }
        .replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
    part += String(repeating: "=", count: (4 - part.count % 4) % 4)
    let data = try #require(Data(base64Encoded: part))
    return try JSONDecoder().decode([String: String].self, from: data)
}

@Suite struct EncryptedStoreTests {
    @Test func whatAnotherLibraryWroteIsRead() async throws {
        let shelf = ShelfStore(record: foreign)
        let store = try EncryptedStore(shelf, keys: old + new)
        #expect(try await store.load() == record)
        #expect(try await store.replace(record, with: other))
        #expect(
            try await header(shelf.record) == ["alg": "dir", "enc": "A256GCM", "kid": "2026-05"])
    }

    @Test func keysRotate() async throws {
        let shelf = ShelfStore()
        #expect(try await EncryptedStore(shelf, keys: old).replace(nil, with: record))
        let rotating = try EncryptedStore(shelf, keys: new + old)
        #expect(try await rotating.load() == record)
        let onlyNew = try EncryptedStore(shelf, keys: new)
        let error = await accountError { try await onlyNew.load() }
        #expect(error?.code == .store)
        #expect(error?.message.contains("2026-05") == true)
        #expect(try await rotating.replace(record, with: record))
        #expect(try await onlyNew.load() == record)
    }

    @Test func clientsShareAnEncryptedLogin() async throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("parallel-account-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("login.jwe").path
        try await Sandbox.run { sandbox in
            let inners: [any CredentialStore] = [
                ShelfStore(), MemoryStore(), FileStore(path: path),
                try EncryptedStore(ShelfStore(), keys: old),
            ]
            for inner in inners {
                let make = { try EncryptedStore(inner, keys: new, subject: "user-42") }
                let first = try await sandbox.loggedIn(store: make())
                let second = try sandbox.client(store: make())
                let refreshed = try await sandbox.count("token.refresh")
                try await sandbox.control("POST", "/expire-access-token")
                _ = try await second.balance.get()
                _ = try await first.balance.get()
                #expect(try await sandbox.count("token.refresh") == refreshed + 1)
                #expect(try await first.status().store == inner.location)
                let stored = try await inner.load()
                #expect(try header(stored)["sub"] == "user-42")
                try await second.logout()
                #expect(try await !first.status().isLoggedIn)
            }
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(names.sorted() == ["login.jwe", "login.jwe.lock"])
        }
    }

    @Test func whatCannotBeDecryptedStays() async throws {
        try await Sandbox.run { sandbox in
            for planted in [record, foreign, "eyJhbGciOiJkaXIi", ""] {
                let shelf = ShelfStore(record: planted)
                let store = try EncryptedStore(shelf, keys: old)
                let client = try sandbox.client(store: store)
                let status = await accountError { try await client.status() }
                #expect(status?.code == .store)
                #expect(status?.message.contains("untouched") == true)
                let login = await accountError { try await client.startLogin() }
                #expect(login?.code == .store)
                #expect(try await !store.replace(nil, with: other))
                #expect(await shelf.record == planted)
            }
        }
        let shelf = ShelfStore(record: record)
        let error = await accountError { try await EncryptedStore(shelf, keys: new).load() }
        #expect(error?.message.contains("set acceptPlaintext") == true)
        let lenient = try EncryptedStore(shelf, keys: new, acceptPlaintext: true)
        #expect(try await lenient.replace(record, with: record))
        #expect(try await EncryptedStore(shelf, keys: new).load() == record)
    }

    @Test func anotherUsersRecordIsRefused() async throws {
        let shelf = ShelfStore()
        let mallory = try EncryptedStore(shelf, keys: new, subject: "mallory")
        #expect(try await mallory.replace(nil, with: record))
        let alice = try EncryptedStore(shelf, keys: new, subject: "alice")
        let error = await accountError { try await alice.load() }
        #expect(error?.message.contains("another subject") == true)
    }

    @Test func badKeysAreRefusedAndNotShown() async throws {
        let key = Data("canary-secret-canary-secret-cana".utf8)
        let bad: [[(id: String, key: Data)]] = [
            [], [("a", Data("canary".utf8))], [("", key)], [("canary\n", key)],
            [("canary", key), ("canary", key)], [(String(repeating: "canary", count: 11), key)],
        ]
        for keys in bad {
            let error = await accountError { try EncryptedStore(MemoryStore(), keys: keys) }
            #expect(error?.code == .config)
            #expect(error?.message.hasPrefix("keys") == true)
            #expect(!"\(String(reflecting: error)) \(dumped(error as Any))".contains("canary"))
        }
        let subject = await accountError {
            try EncryptedStore(MemoryStore(), keys: new, subject: "")
        }
        #expect(subject?.code == .config)
        let store = try EncryptedStore(MemoryStore(), keys: [("id", key)])
        #expect(!"\(String(reflecting: store)) \(dumped(store))".contains("canary"))
    }

    private func dumped(_ value: Any) -> String {
        var text = ""
        dump(value, to: &text)
        return text
    }

    @Test func methodsRunInTheCallersTask() async throws {
        enum Tenant { @TaskLocal static var name = "nobody" }
        let shelf = ShelfStore(record: foreign)
        await shelf.visit(onLoad: { #expect(Tenant.name == "user-42") })
        let store = try EncryptedStore(shelf, keys: new)
        let loaded = try await Tenant.$name.withValue("user-42") { try await store.load() }
        #expect(loaded == record)
    }
}
