import Foundation
import Testing

@testable import ParallelAccount

@Suite struct ResponseTests {
    @Test func requestKeepsStatusHeadersAndID() async throws {
        try await Sandbox.run { sandbox in
            let client = try await sandbox.loggedIn()
            try await sandbox.fault([
                "route": "other", "status": 201,
                "headers": [
                    "x-request-id": "req-8", "X-Rate-Left": "7", "set-cookie": "canary=1",
                ],
                "body": ["made_at": "2026-01-02T03:04:05Z", "raw_api_key": "canary"],
            ])
            let response = try await client.request("POST", "/service/v1/other", json: [:])
            #expect(response.status == 201)
            #expect(response.requestID == "req-8")
            #expect(response.headers["x-rate-left"] == "7")
            #expect(response.headers["content-length"] != nil)
            #expect(response.headers["set-cookie"] == nil)
            struct Made: Decodable { let madeAt: Date }
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            decoder.dateDecodingStrategy = .iso8601
            let made = try response.decode(as: Made.self, with: decoder)
            #expect(made.madeAt == Date(timeIntervalSince1970: 1_767_323_045))
            var dumped = ""
            dump(response, to: &dumped)
            #expect(!"\(response) \(String(reflecting: response)) \(dumped)".contains("canary"))
        }
    }

    @Test func anyCallSaysWhatItsAnswerSaid() async throws {
        try await Sandbox.run { sandbox in
            let client = try await sandbox.loggedIn()
            try await sandbox.fault([
                "route": "apps.list", "status": 200, "headers": ["x-request-id": "req-9"],
                "body": ["apps": []],
            ])
            let (apps, response) = try await client.withResponse { try await $0.apps.list() }
            #expect(apps.isEmpty)
            #expect(response?.status == 200)
            #expect(response?.requestID == "req-9")
            let (_, nothing) = try await client.withResponse { try await $0.status() }
            #expect(nothing == nil)
        }
    }

    @Test func headersOfTheClientAndOfOneCall() async throws {
        try await Sandbox.run { sandbox in
            let bad = try AccountClient(
                clientName: "swift-tests", store: MemoryStore(), headers: ["x-team": "billing"])
            _ = try await bad.status()
            let error = await accountError {
                try AccountClient(
                    clientName: "swift-tests", store: MemoryStore(),
                    headers: ["Authorization": "Bearer canary"])
            }
            #expect(error?.code == .config)
            #expect(error?.message.contains("Authorization") == true)
            #expect(error?.message.contains("userAgent") == true)
            #expect(error?.message.contains("canary") == false)
            let client = try await sandbox.loggedIn()
            let refused = await accountError {
                try await client.with(headers: ["x-a": "canary\r\nx-b: 1"]).balance.get()
            }
            #expect(refused?.code == .config)
            #expect(refused?.message.contains("canary") == false)
        }
    }

    @Test func basesAndPathsAreTextsOrURLs() async throws {
        try await Sandbox.run { sandbox in
            let file = FileManager.default.temporaryDirectory
                .appendingPathComponent("parallel-account-\(UUID().uuidString)")
                .appendingPathComponent("login.json")
            defer {
                try? FileManager.default.removeItem(at: file.deletingLastPathComponent())
            }
            let client = try AccountClient(
                clientName: "swift-tests", platformURL: URL(string: sandbox.platformURL),
                accountURL: URL(string: sandbox.accountURL), store: FileStore(url: file),
                firstPollAtOnce: true)
            try await client.login(openBrowser: false) { try await sandbox.approve($0) }
            #expect(try await client.balance.get().creditBalanceCents == 5000)
            #expect(FileManager.default.fileExists(atPath: file.path))
            await client.close()
        }
    }
}
