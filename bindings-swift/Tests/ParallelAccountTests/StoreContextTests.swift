import Foundation
import ParallelAccount
import Testing

/// Where the methods of a store run.
@Suite struct StoreContextTests {
    private enum Request {
        @TaskLocal static var user = "nobody"
    }

    /// Its methods block their thread, like those of a synchronous database driver.
    private final class BlockingStore: CredentialStore, @unchecked Sendable {
        let timeout: Duration
        private let condition = NSCondition()
        private var isBlocked = true
        private var begun = 0
        private let entered: AsyncStream<Void>.Continuation

        init(timeout: Duration = .seconds(30), entered: AsyncStream<Void>.Continuation) {
            self.timeout = timeout
            self.entered = entered
        }

        var loads: Int { condition.withLock { begun } }

        func release() {
            condition.withLock {
                isBlocked = false
                condition.broadcast()
            }
        }

        func load() async throws -> String? {
            entered.yield()
            block()
            return nil
        }

        func replace(_ old: String?, with new: String?) async throws -> Bool { false }

        private func block() {
            // So that a failed test ends, too.
            let end = Date(timeIntervalSinceNow: 60)
            condition.withLock {
                begun += 1
                while isBlocked, condition.wait(until: end) {}
            }
        }
    }

    @Test func storesThatBlockHoldUpNoOtherClient() async throws {
        try await Sandbox.run { sandbox in
            let others = try await (0..<20).asyncMap { _ in
                try await sandbox.loggedIn(store: ShelfStore())
            }
            // More than Swift has threads for all tasks together.
            let count = ProcessInfo.processInfo.activeProcessorCount + 8
            let (entries, entered) = AsyncStream.makeStream(of: Void.self)
            let stores = (0..<count).map { _ in BlockingStore(entered: entered) }
            let blocked = try stores.map { store in
                let client = try AccountClient(store: store)
                return Task { try await client.status() }
            }
            var begun = 0
            for await _ in entries {
                begun += 1
                if begun == count { break }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in others {
                    group.addTask { _ = try await client.balance.get() }
                }
                try await group.waitForAll()
            }
            #expect(stores.allSatisfy { $0.loads == 1 })
            for store in stores { store.release() }
            for task in blocked { #expect(try await !task.value.isLoggedIn) }
        }
    }

    @Test func storeThatHangsCostsOneThreadAndNotOneForEachCall() async throws {
        let (_, entered) = AsyncStream.makeStream(of: Void.self)
        let store = BlockingStore(timeout: .milliseconds(100), entered: entered)
        let client = try AccountClient(store: store)
        for _ in 0..<20 {
            let error = await accountError { try await client.status() }
            #expect(error?.code == .store)
            #expect(error?.message.contains("within 0.1 s") == true)
        }
        #expect(store.loads == 1)
        store.release()
        // What was given up in the meantime is not done.
        let patient = ContinuousClock.now + .seconds(30)
        while await accountError({ try await client.status() }) != nil {
            try #require(ContinuousClock.now < patient)
        }
        #expect(store.loads <= 3)
    }

    /// Notes whose request its methods ran in.
    private actor NotingStore: CredentialStore {
        private var record: String?
        private(set) var seen: [String] = []

        func load() async throws -> String? {
            seen.append("load for \(Request.user)")
            return record
        }

        func replace(_ old: String?, with new: String?) async throws -> Bool {
            seen.append("replace for \(Request.user)")
            guard record == old else { return false }
            record = new
            return true
        }

        func forget() { seen = [] }
    }

    @Test(arguments: [false, true])
    func taskLocalValuesOfACallThatWaitsAreSeen(encrypted: Bool) async throws {
        try await Sandbox.run { sandbox in
            let inner = NotingStore()
            let keys = [(id: "1", key: Data(repeating: 7, count: 32))]
            let store: any CredentialStore =
                try encrypted ? EncryptedStore(inner, keys: keys) : inner
            let client = try await Request.$user.withValue("ann") {
                try await sandbox.loggedIn(store: store)
            }
            try await sandbox.control("POST", "/expire-access-token")
            _ = try await Request.$user.withValue("ann") { try await client.balance.get() }
            let seen = await Set(inner.seen)
            #expect(seen == ["load for ann", "replace for ann"])
            // Those of the call at hand, not of whoever made the client or called first.
            await inner.forget()
            _ = try await Request.$user.withValue("bob") { try await client.status() }
            #expect(await Set(inner.seen) == ["load for bob"])
            try await client.logout()
            #expect(await inner.seen.last == "replace for nobody")
        }
    }

    private final class Queue: SerialExecutor {
        nonisolated(unsafe) static let key = DispatchSpecificKey<Bool>()
        private let queue = DispatchQueue(label: "store")

        init() { queue.setSpecific(key: Self.key, value: true) }

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
        }
    }

    /// An actor that brings its own executor.
    private actor QueueStore: CredentialStore {
        nonisolated private let queue = Queue()
        nonisolated var unownedExecutor: UnownedSerialExecutor {
            queue.asUnownedSerialExecutor()
        }
        private(set) var visits: [Bool] = []

        func load() async throws -> String? {
            visits.append(DispatchQueue.getSpecific(key: Queue.key) == true)
            return nil
        }

        func replace(_ old: String?, with new: String?) async throws -> Bool { false }
    }

    @Test func actorRunsOnItsOwnExecutor() async throws {
        let store = QueueStore()
        #expect(try await !AccountClient(store: store).status().isLoggedIn)
        #expect(await store.visits == [true])
    }
}

extension Sequence {
    fileprivate func asyncMap<Value>(
        _ body: (Element) async throws -> Value
    ) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await body(element)) }
        return values
    }
}
