public import Foundation
internal import ParallelAccountFFI

/// What an answer of the Account API says besides its body.
public struct ResponseInfo: Sendable, Hashable {
    /// The HTTP status.
    public let status: Int
    /// The service's ID of the request, to quote to Parallel's support.
    public let requestID: String?
    /// Names in lower case; several values of one name are joined by `, `. `Set-Cookie` is left
    /// out.
    public let headers: [String: String]

    /// - Parameters:
    ///   - status: The HTTP status.
    ///   - requestID: The service's ID of the request.
    ///   - headers: By their names in lower case.
    public init(status: Int, requestID: String? = nil, headers: [String: String] = [:]) {
        self.status = status
        self.requestID = requestID
        self.headers = headers
    }

    init(_ ffi: FfiResponse) {
        self.init(
            status: Int(ffi.status), requestID: ffi.requestId,
            headers: Dictionary(ffi.headers.map { ($0.name, $0.value) }) { "\($0), \($1)" })
    }
}

/// A successful answer to ``AccountClient/request(_:_:json:)``. Printing and reflecting it shows
/// nothing of the body, which may hold a key.
public struct APIResponse: Sendable, Hashable {
    /// The status, 200 to 299, with the headers and the request's ID.
    public let info: ResponseInfo
    /// The body; `.null` where there was none.
    public let json: JSONValue
    private let body: Data

    /// - Parameters:
    ///   - json: The body.
    ///   - info: The status, headers and the request's ID.
    /// - Throws: `EncodingError` for a number that JSON cannot write.
    public init(json: JSONValue, info: ResponseInfo = ResponseInfo(status: 200)) throws {
        self.info = info
        self.json = json
        body = try JSONEncoder().encode(json)
    }

    init(_ ffi: FfiAnswer) throws {
        info = ResponseInfo(ffi.response)
        body = Data(ffi.json.utf8)
        do {
            json = try JSONDecoder().decode(JSONValue.self, from: body)
        } catch {
            throw AccountError(.invalidResponse, "The answer is nested too deeply to be read.")
        }
    }

    /// The HTTP status, 200 to 299.
    public var status: Int { info.status }
    /// The service's ID of the request, to quote to Parallel's support.
    public var requestID: String? { info.requestID }
    /// As ``ResponseInfo/headers``.
    public var headers: [String: String] { info.headers }

    /// The body as a type of your own.
    ///
    /// - Parameters:
    ///   - type: The type.
    ///   - decoder: How to read it, such as `convertFromSnakeCase`.
    public func decode<Value: Decodable>(
        as type: Value.Type = Value.self, with decoder: JSONDecoder = JSONDecoder()
    ) throws -> Value {
        try decoder.decode(type, from: body)
    }
}

extension APIResponse: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The status and the request's ID.
    public var description: String { "APIResponse(status: \(status), \(requestID ?? "no id"))" }
    /// As `description`.
    public var debugDescription: String { description }
    /// A mirror without the body.
    public var customMirror: Mirror { Mirror(self, children: ["info": info]) }
}
