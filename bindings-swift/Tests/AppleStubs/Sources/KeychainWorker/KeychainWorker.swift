// One of many processes that share a login in the stub's keychain: makes a call, and says what came
// of it. Its arguments are the bases of the platform and of the Account API.
import Foundation
import ParallelAccount

@main struct KeychainWorker {
    static func main() async throws {
        let arguments = CommandLine.arguments
        let client = try AccountClient(
            clientName: "worker", platformURL: arguments[1], accountURL: arguments[2],
            store: KeychainStore(service: "shared", accessGroup: "shared"))
        // All are to ask at the same moment: they begin when whoever started them says so.
        _ = readLine()
        do {
            print(try await client.balance.get().creditBalanceCents)
        } catch {
            print("failed: \(error)")
        }
        await client.close()
    }
}
