import Foundation
import ParallelAccountTesting
import Testing

@testable import ParallelAccount
@testable import ParallelAccountUI

@MainActor @Suite(.timeLimit(.minutes(1))) struct LoginModelTests {
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
        /// Those of the others that were cancelled.
        private(set) var cancelled = 0
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
            cancelled += 1
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

    /// The same for one that was given up.
    @Test func aLoginThatWasGivenUpSaysNothingMore() async throws {
        let logins = LateFailure()
        let model = LoginModel { try await logins.begin() }
        model.start()
        let old = try #require(model.attempt?.task)
        while logins.begun == 0 { await Task.yield() }
        model.cancel()
        logins.fail(AccountError(.oauth, "too late"))
        await old.value
        #expect(model.phase == .idle)
    }

    /// Nor are its events, of which one may be on its way to the main actor.
    @Test func eventsOfAnOldLoginAreNotShown() async throws {
        let logins = LateFailure()
        let model = LoginModel { try await logins.begin() }
        model.start()
        let old = try #require(model.attempt)
        model.start()
        model.apply(.offline(AccountError(.connection, "too late"), retryIn: .zero), of: old)
        model.apply(.authorized(.loggedOut), of: old)
        #expect(!model.isOffline)
        #expect(model.phase == .starting)
        model.cancel()
    }

    @Test func whoeverIsLoggedInIsNotOffline() async throws {
        let logins = LateFailure()
        let model = LoginModel { try await logins.begin() }
        model.start()
        let attempt = try #require(model.attempt)
        model.apply(.offline(AccountError(.connection, "no answer"), retryIn: .zero), of: attempt)
        #expect(model.isOffline)
        model.apply(.authorized(.loggedOut), of: attempt)
        #expect(!model.isOffline)
        #expect(model.phase == .loggedIn(.loggedOut))
        attempt.end()
    }

    /// A code that is still being asked for is not waited for.
    @Test func givingUpEndsTheRequestForACode() async throws {
        let logins = LateFailure()
        let model = LoginModel { try await logins.begin() }
        model.start()
        while logins.begun == 0 { await Task.yield() }
        logins.fail(AccountError(.oauth, "The first one fails."))
        await model.finish()
        model.start()
        let task = try #require(model.attempt?.task)
        while logins.begun == 1 { await Task.yield() }
        model.cancel()
        await task.value
        #expect(logins.cancelled == 1)
        #expect(model.phase == .idle)
    }

    /// The button that tries again leaves nothing of the failure on the screen.
    @Test func tryingAgainBeginsAnew() async throws {
        let logins = LateFailure()
        let model = LoginModel { try await logins.begin() }
        model.start()
        let error = AccountError(.oauth, "The server said no.")
        logins.fail(error)
        await model.finish()
        #expect(model.phase == .failed(error))
        model.start()
        #expect(model.phase == .starting)
        #expect(!model.isOffline)
        model.cancel()
    }

    /// Of two logins, the one that was begun last counts, and no code of the first stays valid here.
    @Test func startingAgainEndsTheLoginBefore() async throws {
        try await Sandbox.run("--interval", "1") { sandbox in
            let client = try sandbox.client(firstPollAtOnce: false)
            let model = LoginModel(client: client)
            model.start()
            let first = await waitForCode(model)
            let old = try #require(model.attempt?.task)
            model.start()
            #expect(model.phase == .starting)
            await old.value
            let second = await waitForCode(model)
            #expect(second.code != first.code)
            #expect(second.address.hasPrefix(sandbox.platformURL))
            try await sandbox.control("POST", "/approve", ["user_code": .string(first.code)])
            try await sandbox.control("POST", "/deny", ["user_code": .string(second.code)])
            await model.finish()
            guard case .failed(let error) = model.phase else {
                Issue.record("\(model.phase)")
                return
            }
            #expect(error.code == .accessDenied)
            #expect(try await !client.status().isLoggedIn)
        }
    }

    /// A code that arrives when nobody wants it any more is not polled for.
    @Test func aCodeThatComesTooLateIsDropped() async throws {
        try await Sandbox.run("--interval", "1") { sandbox in
            let client = try sandbox.client(firstPollAtOnce: false)
            let made = try await client.startLogin()
            let (release, released) = AsyncStream.makeStream(of: Void.self)
            let (begun, hasBegun) = AsyncStream.makeStream(of: Void.self)
            let model = LoginModel {
                hasBegun.finish()
                // Whether it is cancelled or not.
                await Task.detached { for await _ in release {} }.value
                return made
            }
            model.start()
            let task = try #require(model.attempt?.task)
            for await _ in begun {}
            model.cancel()
            released.finish()
            await task.value
            #expect(model.phase == .idle)
            await #expect(throws: CancellationError.self) { _ = try await made.poll() }
        }
    }

    /// Waits until the model is, or is not, offline.
    private func wait(until isOffline: Bool, _ model: LoginModel) async {
        while model.isOffline != isOffline { await Task.yield() }
    }

    @Test func saysWhileItIsOffline() async throws {
        try await Sandbox.run("--interval", "1") { sandbox in
            let outage: JSONValue = ["route": "token.poll", "status": 503, "times": 1000]
            let model = LoginModel(client: try sandbox.client(firstPollAtOnce: true))
            try await sandbox.fault(outage)
            model.start()
            let prompt = await waitForCode(model)
            await wait(until: true, model)
            // The code stays on the screen.
            #expect(model.phase == .waiting(prompt))
            // A new login begins without what was said of the old one.
            model.start()
            #expect(!model.isOffline)
            _ = await waitForCode(model)
            await wait(until: true, model)
            model.cancel()
            #expect(!model.isOffline)

            model.start()
            let last = await waitForCode(model)
            await wait(until: true, model)
            try await sandbox.control("DELETE", "/faults")
            await wait(until: false, model)
            #expect(model.phase == .waiting(last))
            try await sandbox.fault(outage)
            await wait(until: true, model)
            try await sandbox.control("POST", "/deny", ["user_code": .string(last.code)])
            try await sandbox.control("DELETE", "/faults")
            await model.finish()
            #expect(!model.isOffline)
            #expect(model.phase != .waiting(last))
        }
    }

    @Test func countsSecondsUp() {
        let now = Date(timeIntervalSince1970: 1_000)
        let prompt = LoginModel.Prompt(
            code: "A", address: "b", url: nil, expiresAt: now.addingTimeInterval(2.2))
        #expect(prompt.secondsLeft(at: now) == 3)
        #expect(prompt.secondsLeft(at: now.addingTimeInterval(2.1)) == 1)
        #expect(prompt.secondsLeft(at: now.addingTimeInterval(2.2)) == 0)
        #expect(prompt.secondsLeft(at: now.addingTimeInterval(60)) == 0)
    }
}
