import Foundation
import Testing

@testable import ParallelAccount

@Suite struct RedactionTests {
    /// Everything that a program may print of a value by accident.
    private func shown(_ value: Any) throws -> String {
        var text = "\(value) \(String(reflecting: value))"
        dump(value, to: &text)
        if let error = value as? any Error { text += error.localizedDescription }
        if let value = value as? any Encodable {
            text += String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
        }
        return text
    }

    @Test func noSecretIsEverShown() async throws {
        try await Sandbox.run("--interval", "0") { sandbox in
            let store = MemoryStore()
            let client = try sandbox.client(store: store)
            let login = try await client.startLogin()
            let oauth = client.oauth
            let id = try await oauth.register().clientID
            let code = try await oauth.requestDeviceCode(clientID: id, scopes: ["balance:read"])
            try await sandbox.control("POST", "/approve")
            let answer = try await oauth.pollToken(clientID: id, deviceCode: code.deviceCode)
            try await sandbox.approve(login)
            let status = try await login.wait()
            let app = try await client.apps.create(name: "app")
            let key = try await client.keys.create(appID: app, name: "key")
            guard case .tokens(let tokens) = answer else {
                Issue.record("no tokens")
                return
            }
            let secrets = [
                code.deviceCode, tokens.accessToken, try #require(tokens.refreshToken),
                try #require(key.rawAPIKey), try await client.accessToken(),
                login.pendingRecord(), Secret(try #require(try await store.load())),
            ]
            var values: [Any] = [
                client, login, status, code, answer, tokens, key, store, client.oauth,
                try await client.accessToken(), try await client.organizations(),
            ]
            for route in ["balance.get", "token.refresh"] {
                for secret in secrets {
                    try await sandbox.control("DELETE", "/faults")
                    try await sandbox.fault([
                        "route": .string(route), "times": 2, "status": 400,
                        "body": [
                            "error": "invalid_request",
                            "error_description": .string("no: \(secret.expose())"),
                        ],
                    ])
                    if let error = await accountError({ try await client.balance.get() }) {
                        // What a server says is shown; what this client sent it is not.
                        if secret == secrets[4] { values.append(error) }
                    }
                }
            }
            let refused = await accountError { try await oauth.refresh(Secret("rt-canary-1234")) }
            #expect(try !shown(try #require(refused)).contains("rt-canary-1234"))
            for value in values {
                let text = try shown(value)
                for secret in secrets {
                    #expect(!text.contains(secret.expose()), "\(type(of: value))")
                }
            }
        }
    }

    @Test func secretsAreWrittenOnlyWhenAsked() throws {
        let encoder = JSONEncoder()
        let written = try encoder.encode([Secret("hunter22")])
        #expect(String(decoding: written, as: UTF8.self) == "[null]")
        encoder.userInfo[Secret.encodesSecrets] = true
        let asked = try encoder.encode([Secret("hunter22")])
        #expect(try JSONDecoder().decode([Secret].self, from: asked) == [Secret("hunter22")])
    }
}
