import Foundation
import Testing

@testable import ParallelAccount

/// Notes what is asked of the system, which runs everything at once on a thread of its own.
private final class System: @unchecked Sendable {
    private let mutex = NSLock()
    private var running = 0
    private var begun = 0
    let (ends, ended) = AsyncStream.makeStream(of: Void.self)

    var asked: Int { mutex.withLock { begun } }
    var isHolding: Bool { mutex.withLock { running > 0 } }

    var activity: ExpiringActivity {
        ExpiringActivity { [self] _, body in
            mutex.withLock {
                running += 1
                begun += 1
            }
            Thread.detachNewThread { [self] in
                body(false)
                mutex.withLock { running -= 1 }
                ended.yield()
            }
        }
    }
}

@Suite struct BackgroundTests {
    /// While a pair may be on its way, and until it is stored, the app is not suspended.
    @Test func refreshesHoldOffSuspension() async throws {
        try await Sandbox.run { sandbox in
            try await Gate.run(before: sandbox) { gate in
                let system = System()
                let store = ShelfStore()
                let client = try await ExpiringActivity.$replaced.withValue(system.activity) {
                    try await sandbox.loggedIn(store: store, platformURL: gate.platformURL)
                }
                var ends = system.ends.makeAsyncIterator()
                await ends.next()
                let before = system.asked
                _ = try await client.balance.get()
                #expect(system.asked == before && !system.isHolding)
                try await sandbox.control("POST", "/expire-access-token")
                gate.hold()
                let call = Task { try await client.balance.get() }
                while try await sandbox.count("token.refresh") == 0 { await Task.yield() }
                #expect(system.isHolding)
                gate.release()
                _ = try await call.value
                await ends.next()
                #expect(system.asked == before + 1 && !system.isHolding)
            }
        }
    }

    /// When the system waits no longer, nothing is held any more, and the next refresh asks anew.
    @Test func endsWhenTheSystemSaysSo() {
        let bodies = Bodies()
        let suspension = Suspension(
            ExpiringActivity { _, body in
                bodies.add(body)
                body(true)
            })
        suspension.hold()
        suspension.hold()
        #expect(bodies.count == 2)
    }

    private final class Bodies: @unchecked Sendable {
        private let mutex = NSLock()
        private var all: [@Sendable (Bool) -> Void] = []
        var count: Int { mutex.withLock { all.count } }
        func add(_ body: @escaping @Sendable (Bool) -> Void) { mutex.withLock { all.append(body) } }
    }
}
