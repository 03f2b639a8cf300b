import Foundation
import ParallelAccount

/// All that this server keeps, in one file. The actor makes `replace` atomic, as long as one process
/// has the file; a server of several processes has a database, and the one statement of the README.
actor Logins {
    private struct Contents: Codable {
        var clientID: String?
        var users: [String: String] = [:]
        var records: [String: String] = [:]
    }

    private let file: URL
    private var contents = Contents()
    /// Logins in progress, which are secrets and stay here.
    private var pending: [String: Secret] = [:]

    init(path: String) throws {
        file = URL(fileURLWithPath: path)
        guard FileManager.default.fileExists(atPath: path) else { return }
        contents = try JSONDecoder().decode(Contents.self, from: Data(contentsOf: file))
    }

    /// Changes what is kept once it is on the disk.
    private func change(_ body: (inout Contents) -> Void) throws {
        var changed = contents
        body(&changed)
        try JSONEncoder().encode(changed).write(to: file, options: .atomic)
        contents = changed
    }

    func record(of user: String) -> String? { contents.records[user] }

    func replace(_ old: String?, with new: String?, of user: String) throws -> Bool {
        guard contents.records[user] == old else { return false }
        try change { $0.records[user] = new }
        return true
    }

    /// This server's registration with Parallel, made once for all users.
    func clientID(register: @Sendable () async throws -> String) async throws -> String {
        if let known = contents.clientID { return known }
        let made = try await register()
        try change { $0.clientID = made }
        return made
    }

    /// Whose session it is.
    func user(of session: String?) -> String? { session.flatMap { contents.users[$0] } }

    /// Begins a session of a new user. A server that has users of its own takes their IDs.
    func newSession() throws -> (session: String, user: String) {
        let made = (session: UUID().uuidString, user: UUID().uuidString)
        try change { $0.users[made.session] = made.user }
        return made
    }

    func end(_ session: String?) throws {
        guard let session, let user = contents.users[session] else { return }
        pending[user] = nil
        try change { $0.users[session] = nil }
    }

    func pending(of user: String) -> Secret? { pending[user] }
    func setPending(_ record: Secret?, of user: String) { pending[user] = record }
}

/// One user's cell.
struct UserStore: CredentialStore {
    let logins: Logins
    let user: String

    func load() async throws -> String? { await logins.record(of: user) }

    func replace(_ old: String?, with new: String?) async throws -> Bool {
        try await logins.replace(old, with: new, of: user)
    }
}
