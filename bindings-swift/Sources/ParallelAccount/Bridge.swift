internal import Foundation
internal import ParallelAccountFFI

/// One call into Rust. UniFFI does not tell Rust that a task was cancelled, so each call carries
/// a handle that does; it is made before the call, so that no moment is too early for it.
func bridged<Value: Sendable>(
    _ body: @Sendable (Call) async throws -> Value
) async throws -> Value {
    try Task.checkCancellation()
    let call = Call()
    do {
        return try await withTaskCancellationHandler {
            try await body(call)
        } onCancel: {
            call.cancel()
        }
    } catch {
        throw publicError(error)
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
    case is CancellationError:
        error
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
