internal import ParallelAccountFFI

/// The client in Rust, and the store in Swift that it asks, if there is one.
struct NativeClient: Sendable {
    let ffi: FfiClient
    let store: StoreAdapter?
    let desk: EventDesk

    /// One call of the client.
    ///
    /// - Parameter start: Has Rust start the call of this number.
    /// - Returns: What it answers.
    /// - Throws: ``AccountError`` `config` if one of the store's own methods makes it: it would
    ///   wait for itself.
    @discardableResult
    func call(_ start: (FfiClient, UInt64) -> Void) async throws -> FfiOutcome {
        if let store, StoreVisit.isWithin(store) {
            throw AccountError(
                .config,
                "A store must not call the client that it serves. "
                    + "Call another client, or call this one after the store's method has returned."
            )
        }
        let caller = store?.callers.enter()
        defer { caller?.leave() }
        return try await bridged { start(ffi, $0) }
    }

    /// The same client for calls with other options.
    func with(_ options: FfiCallOptions) throws -> NativeClient {
        let view = try bridgedNow { try ffi.withOptions(options: options) }
        return NativeClient(ffi: view, store: store, desk: desk)
    }

    /// Ends the client, then waits for what is unsaved, but for 5 s at most. Not for what waits for
    /// this task: a store's method that closes its own client.
    func close() async {
        ffi.close()
        desk.statusChanges.tell()
        if let store, StoreVisit.isWithin(store) { return }
        let caller = store?.callers.enter()
        defer { caller?.leave() }
        // Not as other calls: a task that is cancelled waits, too. It fails where there are no
        // threads, and then nothing has run that could be unsaved.
        _ = await CallDesk.call { ffi.settleClosed(call: $0) }
        await desk.drain(within: .seconds(5))
    }
}
