internal import Dispatch

/// Where the methods of one client's store run, except for those of actors with an executor of
/// their own: on a queue, and not on the few threads that all tasks of the process share. A method
/// that blocks holds up its own client only, and costs one thread however many calls follow it.
final class StoreExecutor: Sendable {
    private let queue = DispatchQueue(label: "parallel-account-store")

    /// Runs `body` in a new task with the current one's task-local values.
    func start<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) -> Task<Value, any Error> {
        if #available(macOS 15, iOS 18, macCatalyst 18, tvOS 18, visionOS 2, *) {
            return Task(executorPreference: self, operation: body)
        }
        return Task(operation: body)
    }
}

@available(macOS 15, iOS 18, macCatalyst 18, tvOS 18, visionOS 2, *)
extension StoreExecutor: TaskExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
