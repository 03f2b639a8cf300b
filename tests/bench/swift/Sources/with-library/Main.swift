import Foundation
import ParallelAccount

@main
struct Main {
    static func main() async throws {
        let client = try AccountClient(clientName: "bench", store: MemoryStore())
        print(try await client.login().organization?.name ?? "", Date())
        print(try await client.balance.get().creditBalanceCents)
    }
}
