import Foundation
import ParallelAccount

/// What the server does for its users, each of whom acts for a Parallel account of their own.
struct Service {
    private static let name = "Example server"

    private let logins: Logins
    private let keys: [(id: String, key: Data)]
    private let clientID: String
    /// Keeps the connections open that the clients of all users share.
    private let connections: AccountClient

    init(logins: Logins, keys: [(id: String, key: Data)]) async throws {
        let connections = try AccountClient(clientName: Self.name, store: MemoryStore())
        clientID = try await logins.clientID {
            try await connections.oauth.register().clientID
        }
        (self.logins, self.keys, self.connections) = (logins, keys, connections)
    }

    func close() async { await connections.close() }

    /// One client per user, made anew for each request. `close()` waits until a pair that a refresh
    /// is about to bring is stored, even if the request's task is cancelled.
    private func withClient<Value>(
        of user: String, _ body: (AccountClient) async throws -> Value
    ) async throws -> Value {
        let store = try EncryptedStore(
            UserStore(logins: logins, user: user), keys: keys, subject: user)
        let client = try AccountClient(clientName: Self.name, clientID: clientID, store: store)
        do {
            let value = try await body(client)
            await client.close()
            return value
        } catch {
            await client.close()
            throw error
        }
    }

    func response(to request: Request) async -> Response {
        do {
            switch (request.method, request.path) {
            case ("POST", "/login"): return try await startLogin(request)
            case ("GET", "/login"): return try await loginState(request)
            case ("GET", "/balance"): return try await balance(request)
            case ("POST", "/logout"): return try await logout(request)
            default: return Response(404, ["error": "not found"])
            }
        } catch let error as AccountError where error.code == .loginRequired {
            return .loggedOut
        } catch let error as AccountError {
            FileHandle.standardError.write(Data("\(error.message)\n".utf8))
            return Response(502, ["error": "\(error.code.rawValue)"])
        } catch {
            return Response(503, ["error": "unavailable"])
        }
    }

    private func startLogin(_ request: Request) async throws -> Response {
        var cookie: String?
        let user: String
        if let known = await logins.user(of: request.session) {
            user = known
        } else {
            (cookie, user) = try await logins.newSession()
        }
        let login = try await withClient(of: user) { try await $0.startLogin() }
        await logins.setPending(login.pendingRecord(), of: user)
        let link = login.verificationURL?.absoluteString ?? login.verificationURI
        return Response(200, ["code": login.userCode, "link": link], cookie: cookie)
    }

    /// To be asked again while it says `pending`; answers when the next poll has.
    private func loginState(_ request: Request) async throws -> Response {
        guard let user = await logins.user(of: request.session),
            let record = await logins.pending(of: user)
        else { return .loggedOut }
        let event = try await withClient(of: user) { client in
            try await client.resumeLogin(record).poll()
        }
        guard case .authorized = event else { return Response(200, ["login": "pending"]) }
        await logins.setPending(nil, of: user)
        return Response(200, ["login": "authorized"])
    }

    private func balance(_ request: Request) async throws -> Response {
        guard let user = await logins.user(of: request.session) else { return .loggedOut }
        let balance = try await withClient(of: user) { try await $0.balance.get() }
        return Response(
            200,
            [
                "organization": balance.organizationID,
                "balance_cents": "\(balance.creditBalanceCents)",
            ])
    }

    private func logout(_ request: Request) async throws -> Response {
        guard let user = await logins.user(of: request.session) else { return .loggedOut }
        try await logins.end(request.session)
        try await withClient(of: user) { try await $0.logout(all: true) }
        return Response(200, ["login": "none"])
    }
}

extension Response {
    fileprivate static let loggedOut = Response(401, ["error": "login_required"])
}
