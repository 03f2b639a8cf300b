import Foundation
import ParallelAccount

/// The whole job: log in, read the balance, renew the token, log out, against the service that
/// `PARALLEL_PLATFORM_URL` and `PARALLEL_SERVICE_API_URL` name.
@main
struct Login {
    static func main() async {
        do {
            try await run()
        } catch {
            FileHandle.standardError.write(Data("\(error.localizedDescription)\n".utf8))
            exit(1)
        }
    }

    static func run() async throws {
        let client = try AccountClient(
            clientName: "parallel-account demo (Swift)", store: MemoryStore())

        let status = try await client.login()
        print("approved: yes")
        if let organization = status.organization {
            print("organization: \(organization.name ?? "no name") (\(organization.id))")
        }
        let balance = try await client.balance.get()
        print("balance: \(String(format: "%.2f", balance.creditBalanceCents / 100)) USD")

        let before = try await client.accessToken()
        let lifetime = status.accessTokenExpiresAt?.timeIntervalSinceNow ?? 0
        if lifetime < 30 {
            try await Task.sleep(for: .seconds(max(lifetime, 0)))
            let renewed = try await client.accessToken() != before
            print("refreshed: \(renewed ? "yes" : "no")")
        } else {
            print("refreshed: not yet, the token lives for \(Int(lifetime)) s")
        }

        try await client.logout()
        print("revoked: yes")
    }
}
