public import Foundation
internal import ParallelAccountFFI

/// Keeps the login in this process's memory only.
public final class MemoryStore: NativeStore {
    let native: FfiStore

    /// - Parameter record: What is in it to begin with, as another store's `load()` gave it.
    public init(record: String? = nil) { native = FfiStore.memory(record: record) }
}

/// Keeps the login in a file: mode 0600 in a folder of mode 0700, replaced atomically, and locked
/// against other processes while it is refreshed.
public final class FileStore: NativeStore {
    let native: FfiStore

    private init(_ native: FfiStore) { self.native = native }

    /// A file of its own, made at the first save.
    public convenience init(path: String) { self.init(FfiStore.file(path: path)) }

    /// A file of its own, made at the first save.
    ///
    /// - Parameter url: A file's.
    /// - Throws: ``AccountError`` `config` for another URL.
    public convenience init(url: URL) throws { self.init(path: try filePath(url, "url")) }

    /// The file of Parallel's own command line, so that both share a login.
    ///
    /// - Throws: ``AccountError`` `config` where there is no home folder.
    public static func parallelCLI() throws -> FileStore {
        FileStore(try bridgedNow { try FfiStore.parallelCli() })
    }
}
