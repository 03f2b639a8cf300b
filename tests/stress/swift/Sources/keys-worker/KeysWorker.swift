import Foundation
import ParallelAccount

/// The Swift worker of the keys suite; see tests/keys/README.md for what workers do.
@main
struct KeysWorker {
    static func main() async throws {
        let arguments = CommandLine.arguments
        let client = try AccountClient(
            clientName: "keys", store: FileStore(path: arguments[1]), userAgent: arguments[2])
        try say(["ready": "yes"])
        while let order = readLine() {
            do {
                switch order {
                case "get": try say(["key": await client.apiKey().expose()])
                case "renew": try say(["key": await client.renewApiKey().expose()])
                default:
                    try await client.logout()
                    try say([:])
                }
            } catch let error as AccountError {
                try say(["code": "\(error.code)", "message": error.message])
            }
        }
    }

    /// A line of JSON, there at once although standard output is a pipe.
    static func say(_ what: [String: String]) throws {
        FileHandle.standardOutput.write(try JSONEncoder().encode(what) + Data("\n".utf8))
    }
}
