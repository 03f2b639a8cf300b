internal import Foundation
internal import ParallelAccountFFI

/// One call into Rust.
///
/// - Parameter start: Has Rust start the call of this number.
/// - Returns: What it answers, if it succeeds.
@discardableResult
func bridged(_ start: (UInt64) -> Void) async throws -> FfiOutcome {
    try Task.checkCancellation()
    let outcome = await CallDesk.cancellableCall(start)
    switch outcome {
    case .cancelled: throw CancellationError()
    case .failed(let problem): throw AccountError(problem)
    default: return outcome
    }
}

/// The same for what answers at once.
func bridgedNow<Value>(_ body: () throws -> Value) throws -> Value {
    do {
        return try body()
    } catch {
        throw publicError(error)
    }
}

/// What a caller may see of an error that came from Rust.
func publicError(_ error: any Error) -> any Error {
    switch error {
    case Failure.Cancelled:
        CancellationError()
    case Failure.Failed(let problem):
        AccountError(problem)
    default:
        AccountError(bug: "a panic was caught; standard error says where")
    }
}

extension Duration {
    /// Seconds from Rust. What is too long for a `Duration` is as good as forever.
    init(ffiSeconds seconds: Double) {
        self = .seconds(min(max(seconds, 0), 1e15))
    }

    /// Seconds for Rust, which refuses negative ones.
    var ffiSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
