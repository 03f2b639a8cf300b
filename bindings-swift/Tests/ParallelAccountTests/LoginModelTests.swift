import Foundation
import Testing

@testable import ParallelAccount
@testable import ParallelAccountUI

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
            #expect((500...600).contains(prompt.secondsLeft()))
            #expect(prompt.secondsLeft(at: prompt.expiresAt.addingTimeInterval(1)) == 0)
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
                case .failed(let error): #expect(!isApproved && error.code == .accessDenied)
                default: Issue.record("\(model.phase)")
                }
                // As a view does that disappears.
                let phase = model.phase
                model.cancel()
                #expect(isApproved ? model.phase == phase : model.phase == .idle)
            }
        }
    }

    /// A login that was given up logs nobody in, even if its tokens are on their way already.
    @Test func givingUpEndsTheLogin() async throws {
        try await Sandbox.run("--interval", "1") { sandbox in
            try await Gate.run(before: sandbox) { gate in
                let client = try sandbox.client(
                    firstPollAtOnce: false, platformURL: gate.platformURL)
                let model = LoginModel(client: client)
                model.start()
                let prompt = await waitForCode(model)
                gate.hold()
                try await sandbox.control("POST", "/approve", ["user_code": .string(prompt.code)])
                while try await sandbox.control("GET", "/counts")["families"]?.int == 0 {
                    await Task.yield()
                }
                model.cancel()
                gate.release()
                try await client.settled()
                #expect(try await !client.status().isLoggedIn)
            }
        }
    }

    /// Logins of which the first fails when it is told to, cancelled or not, and the others wait.
    @MainActor private final class LateFailure {
        private(set) var begun = 0
        private let failure: Task<AccountError, any Error>
        private let told: AsyncStream<AccountError>.Continuation

        init() {
            let (failures, told) = AsyncStream.makeStream(of: AccountError.self)
            self.told = told
            failure = Task {
                for await failure in failures { return failure }
                throw CancellationError()
            }
        }

        func begin() async throws -> DeviceLogin {
            begun += 1
            if begun == 1 { throw try await failure.value }
            // Until it is cancelled.
            for await _ in AsyncStream.makeStream(of: Void.self).stream {}
            throw CancellationError()
        }

        func fail(_ error: AccountError) { told.yield(error) }
    }

    /// The error of a login that another has replaced is not shown, though it was on its way
    /// already when that login was cancelled.
    @Test func anOldLoginSaysNothingMore() async throws {
        let logins = LateFailure()
        let model = LoginModel { try await logins.begin() }
        model.start()
        let old = try #require(model.attempt?.task)
        while logins.begun == 0 { await Task.yield() }
        model.start()
        logins.fail(AccountError(.oauth, "too late"))
        await old.value
        #expect(model.phase == .starting)
        model.cancel()
    }
}
