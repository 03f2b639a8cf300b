#if canImport(Glibc)
    import Foundation
    import ParallelAccount
    import XCTest

    /// Takes all descriptors from the process, before anything else has made a client in it, and
    /// therefore runs in one of its own: `tools/test` sets `PARALLEL_ACCOUNT_NO_DESCRIPTORS`. Not
    /// asynchronous, because Dispatch and the run loop end a process that has none left.
    final class NoDescriptorsTests: XCTestCase {
        func testFirstClientWithoutDescriptorsIsAnErrorAndTheNextOneWorks() throws {
            guard ProcessInfo.processInfo.environment["PARALLEL_ACCOUNT_NO_DESCRIPTORS"] != nil
            else { throw XCTSkip("tools/test runs it alone") }
            let before = try Measures.allow(descriptors: 1)
            let refused = Result { try AccountClient(store: MemoryStore()) }
            try Measures.allow(descriptors: before)
            XCTAssertThrowsError(try refused.get()) { error in
                let error = error as? AccountError
                XCTAssertEqual(error?.code, .connection)
                let message = error?.message ?? "no error of ours"
                XCTAssertTrue(message.contains("ulimit -n"), message)
            }
            XCTAssertNoThrow(try AccountClient(store: MemoryStore()))
        }
    }
#endif
