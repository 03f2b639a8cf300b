import Foundation
import ParallelAccount
import Testing

@Suite struct LoginTests {
    @Test func approvedLoginTellsWhoIsLoggedIn() async throws {
        try await Sandbox.run("--org-name", "Zoë 日本") { sandbox in
            let client = try sandbox.client()
            let status = try await client.login(openBrowser: false) { login in
                #expect(!login.userCode.isEmpty)
                #expect(login.verificationURL != nil)
                #expect(login.promptText.contains(login.userCode))
                #expect(login.expiresAt > .now)
                try await sandbox.approve(login)
            }
            #expect(status.isLoggedIn)
            #expect(status.organization?.name == "Zoë 日本")
            #expect(status.scopes.contains("balance:read"))
            #expect(try await client.status() == status)
        }
    }

    @Test func deniedLoginThrowsAccessDenied() async throws {
        try await Sandbox.run { sandbox in
            let login = try await sandbox.client().startLogin()
            try await sandbox.control("POST", "/deny")
            let error = await accountError { try await login.wait() }
            #expect(error?.code == .accessDenied)
            #expect(error?.localizedDescription.contains("denied") == true)
        }
    }

    @Test func expiredCodeThrowsLoginExpired() async throws {
        try await Sandbox.run { sandbox in
            let login = try await sandbox.client().startLogin()
            try await sandbox.control("POST", "/expire-device-code")
            #expect(await accountError { try await login.wait() }?.code == .loginExpired)
            // Once over, it stays over.
            #expect(await accountError { try await login.poll() }?.code == .loginExpired)
        }
    }

    @Test func codeThatDiesUnapprovedThrowsLoginExpired() async throws {
        try await Sandbox.run("--expires-in", "2", "--interval", "0") { sandbox in
            let login = try await sandbox.client(timeScale: 20).startLogin()
            #expect(await accountError { try await login.wait() }?.code == .loginExpired)
        }
    }

    @Test func patienceOfTheCallerEndsALogin() async throws {
        try await Sandbox.run("--interval", "0") { sandbox in
            let login = try await sandbox.client(timeScale: 20).startLogin(timeout: .seconds(2))
            #expect(await accountError { try await login.wait() } != nil)
        }
    }

    @Test func eventsTellWhatHappens() async throws {
        try await Sandbox.run("--interval", "0") { sandbox in
            let login = try await sandbox.client(timeScale: 50).startLogin()
            let before = login.interval
            try await sandbox.fault([
                "route": "token.poll", "skip": 1, "status": 400, "body": ["error": "slow_down"],
            ])
            try await sandbox.fault(["route": "token.poll", "skip": 1, "reset": "before"])
            var seen: [String] = []
            for try await event in login {
                switch event {
                case .pending(let retryIn):
                    #expect(retryIn > .zero)
                    seen.append("pending")
                    if seen.contains("offline") { try await sandbox.approve(login) }
                case .slowDown(let interval, _):
                    #expect(interval == before + .seconds(5))
                    #expect(login.interval == interval)
                    seen.append("slowDown")
                case .offline(let error, _):
                    #expect(error.code == .connection)
                    seen.append("offline")
                case .authorized(let status):
                    #expect(status.isLoggedIn)
                    seen.append("authorized")
                }
            }
            let expected = ["pending", "slowDown", "pending", "offline", "pending", "authorized"]
            #expect(seen == expected)
        }
    }

    @Test func anotherClientResumesALogin() async throws {
        try await Sandbox.run { sandbox in
            let store = MemoryStore()
            let record = try await sandbox.client(store: store).startLogin().pendingRecord()
            let login = try await sandbox.client(store: store).resumeLogin(record)
            try await sandbox.approve(login)
            #expect(try await login.wait().isLoggedIn)
        }
    }

    @Test func errorOfThePromptEndsTheLogin() async throws {
        struct NoScreen: Error {}
        try await Sandbox.run { sandbox in
            let client = try sandbox.client()
            await #expect(throws: NoScreen.self) {
                try await client.login(openBrowser: false) { _ in throw NoScreen() }
            }
            #expect(try await !client.status().isLoggedIn)
        }
    }

    @Test func linkAsQRCode() async throws {
        try await Sandbox.run { sandbox in
            let qr = try await sandbox.client().startLogin().qr()
            #expect(qr.svg.hasPrefix("<svg"))
            #expect(qr.text.split(separator: "\n").count > 10)
        }
    }

    @Test func everyStepByItself() async throws {
        try await Sandbox.run { sandbox in
            let oauth = try sandbox.client().oauth
            let id = try await oauth.register().clientID
            let code = try await oauth.requestDeviceCode(clientID: id, scopes: ["balance:read"])
            let pending = try await oauth.pollToken(clientID: id, deviceCode: code.deviceCode)
            #expect(pending == .pending)
            let early = try await oauth.pollToken(clientID: id, deviceCode: code.deviceCode)
            #expect(early == .slowDown)
            try await sandbox.control("POST", "/approve")
            // A poll that is too early is refused before the decision is looked at.
            try await sandbox.control("POST", "/options", ["interval": 0])
            let second = try await oauth.requestDeviceCode(clientID: id, scopes: ["balance:read"])
            try await sandbox.control("POST", "/approve")
            let answer = try await oauth.pollToken(clientID: id, deviceCode: second.deviceCode)
            guard case .tokens(let tokens) = answer else {
                Issue.record("expected tokens, not \(answer)")
                return
            }
            #expect(tokens.scopes == ["balance:read"])
            let old = try #require(tokens.refreshToken)
            let fresh = try await oauth.refresh(old, clientID: id)
            #expect(fresh.accessToken != tokens.accessToken)
            try await oauth.revoke(try #require(fresh.refreshToken))
            let refused = await accountError {
                try await oauth.refresh(try #require(fresh.refreshToken))
            }
            #expect(refused?.oauthError == "invalid_grant")
        }
    }
}
