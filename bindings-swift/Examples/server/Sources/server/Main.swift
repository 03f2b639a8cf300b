import Foundation
import ParallelAccount

/// A server whose users each act for a Parallel account of their own:
///
///     LOGIN_KEY=$(openssl rand -base64 32) LOGINS=logins.json PORT=8080 server
///
/// - `POST /login` starts a login: where to approve it, and the code to type there;
/// - `GET /login` says how it stands;
/// - `GET /balance` is the user's balance, or 401 until logged in;
/// - `POST /logout` revokes the login and ends the session.
///
/// `LOGIN_KEY` encrypts the logins: keep it where you keep secrets, and not beside the file.
@main
struct Main {
    struct Problem: LocalizedError {
        let errorDescription: String?
    }

    static func main() async {
        do {
            try await run()
        } catch {
            FileHandle.standardError.write(Data("\(error.localizedDescription)\n".utf8))
            exit(1)
        }
    }

    private static func setting(_ name: String) throws -> String {
        guard let value = ProcessInfo.processInfo.environment[name], !value.isEmpty else {
            throw Problem(errorDescription: "Set \(name).")
        }
        return value
    }

    static func run() async throws {
        // Refuses a client that is given no store: it would share one login between all users.
        setenv("PARALLEL_ACCOUNT_REQUIRE_STORE", "1", 1)
        umask(0o077)
        guard let key = Data(base64Encoded: try setting("LOGIN_KEY")), key.count == 32 else {
            throw Problem(errorDescription: "LOGIN_KEY must be 32 bytes in Base64.")
        }
        guard let port = UInt16(try setting("PORT")) else {
            throw Problem(errorDescription: "PORT must be a port.")
        }
        let logins = try Logins(path: try setting("LOGINS"))
        let service = try await Service(logins: logins, keys: [(id: "1", key: key)])
        let listener = try Listener(port: port)

        signal(SIGTERM, SIG_IGN)
        let terminated = DispatchSource.makeSignalSource(signal: SIGTERM, queue: .global())
        terminated.setEventHandler { listener.stop() }
        terminated.resume()
        FileHandle.standardOutput.write(Data("http://127.0.0.1:\(listener.port)\n".utf8))

        await withDiscardingTaskGroup { group in
            for await exchange in listener.exchanges {
                group.addTask { await exchange.answer(service.response(to: exchange.request)) }
            }
            // Ends the calls under way at once, but no refresh before its pair is stored.
            group.cancelAll()
        }
        terminated.cancel()
        await service.close()
    }
}
