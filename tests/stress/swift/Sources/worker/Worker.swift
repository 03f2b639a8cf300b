import Foundation
import ParallelAccount

/// The Swift worker of the stress tests; see tests/stress/README.md for what workers do.
@main
struct Worker {
    static func main() async throws {
        let arguments = CommandLine.arguments
        let (mode, path, number) = (arguments[1], arguments[2], Double(arguments[3])!)
        let store: any CredentialStore =
            path.hasPrefix("http:") ? CellStore(url: URL(string: path)!) : FileStore(path: path)
        let client = try AccountClient(clientName: "stress", store: store)
        var calls = 0
        var failures: [String: Int] = [:]

        if mode == "herd" {
            calls = Int(number)
            await withTaskGroup(of: String?.self) { group in
                for _ in 0..<calls { group.addTask { await failure(of: client) } }
                for await code in group { if let code { failures[code, default: 0] += 1 } }
            }
        } else {
            let end = ContinuousClock.now + .seconds(number)
            print("ready")
            while ContinuousClock.now < end {
                calls += 1
                if let code = await failure(of: client) { failures[code, default: 0] += 1 }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        let counted = failures.map { "\"\($0)\":\($1)" }.joined(separator: ",")
        print("{\"calls\":\(calls),\"failures\":{\(counted)}}")
    }

    /// The code of the error that one call ends with, if it does.
    static func failure(of client: AccountClient) async -> String? {
        do {
            _ = try await client.balance.get()
            return nil
        } catch let error as AccountError {
            return "\(error.code)"
        } catch {
            return "\(error)"
        }
    }
}
