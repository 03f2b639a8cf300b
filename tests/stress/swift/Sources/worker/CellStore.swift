import Foundation
import ParallelAccount

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A store that many processes share without a lock: a cell served over HTTP.
struct CellStore: CredentialStore {
    struct Refused: Error {}

    let url: URL

    func load() async throws -> String? {
        try await answer(String?.self, to: URLRequest(url: url))
    }

    func replace(_ old: String?, with new: String?) async throws -> Bool {
        var request = URLRequest(url: url)
        request.httpMethod = "POST"
        request.httpBody = try JSONEncoder().encode([old, new])
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        return try await answer(Bool.self, to: request)
    }

    private func answer<Value: Decodable>(
        _ type: Value.Type, to request: URLRequest
    ) async throws -> Value {
        let (data, response) = try await URLSession.shared.data(for: request)
        guard (response as? HTTPURLResponse)?.statusCode == 200 else { throw Refused() }
        return try JSONDecoder().decode(type, from: data)
    }
}
