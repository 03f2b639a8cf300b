import ParallelAccount

/// A store as a program would write one.
actor ShelfStore: CredentialStore {
    /// What a method does before its work.
    typealias Visitor = @Sendable () async throws -> Void

    private(set) var record: String?
    private(set) var loads = 0
    private(set) var replacements = 0
    private var onLoad: Visitor = {}
    private var onReplace: Visitor = {}
    nonisolated let location = "the shelf"
    nonisolated let cacheFor: Duration
    nonisolated let timeout: Duration

    init(record: String? = nil, cacheFor: Duration = .zero, timeout: Duration = .seconds(30)) {
        self.record = record
        self.cacheFor = cacheFor
        self.timeout = timeout
    }

    func load() async throws -> String? {
        loads += 1
        try await onLoad()
        return record
    }

    func replace(_ old: String?, with new: String?) async throws -> Bool {
        replacements += 1
        try await onReplace()
        guard record == old else { return false }
        record = new
        return true
    }

    /// From now on does this at each call.
    func visit(onLoad: @escaping Visitor = {}, onReplace: @escaping Visitor = {}) {
        self.onLoad = onLoad
        self.onReplace = onReplace
    }

    /// What another program would write.
    func put(_ record: String?) { self.record = record }
}
