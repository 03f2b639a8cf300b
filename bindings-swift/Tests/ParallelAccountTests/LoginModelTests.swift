import Foundation
import LoginView
import Testing

@MainActor @Suite struct LoginModelTests {
    private func waitForCode(_ model: LoginModel) async -> LoginModel.Prompt {
        while true {
            if case .waiting(let prompt) = model.phase { return prompt }
            await Task.yield()
        }
    }

    @Test func showsTheCodeAndThenWhoIsLoggedIn() async throws {
        try await Sandbox.run { sandbox in
            let model = LoginModel(client: try sandbox.client(firstPollAtOnce: false))
            #expect(model.phase == .idle)
            model.start()
            let prompt = await waitForCode(model)
            #expect(prompt.url != nil && prompt.qrSVG != nil)
            #expect((500...600).contains(model.secondsLeft()))
            #expect(model.secondsLeft(at: prompt.expiresAt.addingTimeInterval(1)) == 0)
            model.cancel()
            #expect(model.phase == .idle)
        }
    }

    @Test func endsLoggedInOrSaysWhyNot() async throws {
        try await Sandbox.run("--interval", "1") { sandbox in
            for (decision, isApproved) in [("/approve", true), ("/deny", false)] {
                let model = LoginModel(client: try sandbox.client(firstPollAtOnce: false))
                model.start()
                let prompt = await waitForCode(model)
                try await sandbox.control("POST", decision, ["user_code": .string(prompt.code)])
                await model.finish()
                switch model.phase {
                case .loggedIn(let status): #expect(isApproved && status.isLoggedIn)
                case .failed(let message): #expect(!isApproved && message.contains("denied"))
                default: Issue.record("\(model.phase)")
                }
            }
        }
    }
}
