import Foundation

/// As much of HTTP/1.1 as this example needs, without a framework: one request per connection, no
/// bodies. A real server has Hummingbird or Vapor here.
struct Request: Sendable {
    let method: String
    let path: String
    /// The cookie.
    let session: String?

    init?(_ head: String) {
        let lines = head.components(separatedBy: "\r\n")
        let first = lines[0].components(separatedBy: " ")
        guard first.count == 3 else { return nil }
        (method, path) = (first[0], first[1])
        session = lines.lazy
            .filter { $0.lowercased().hasPrefix("cookie:") }
            .flatMap { $0.dropFirst("cookie:".count).components(separatedBy: ";") }
            .map { $0.trimmingCharacters(in: .whitespaces) }
            .first { $0.hasPrefix("session=") }
            .map { String($0.dropFirst("session=".count)) }
    }
}

struct Response: Sendable {
    let status: Int
    let body: [String: String]
    let cookie: String?

    init(_ status: Int, _ body: [String: String], cookie: String? = nil) {
        (self.status, self.body, self.cookie) = (status, body, cookie)
    }

    var bytes: Data {
        let json = (try? JSONEncoder().encode(body)) ?? Data()
        var head = "HTTP/1.1 \(status) -\r\nContent-Type: application/json\r\n"
        head += "Content-Length: \(json.count)\r\nCache-Control: no-store\r\nConnection: close\r\n"
        // Add `Secure` behind HTTPS.
        if let cookie {
            head += "Set-Cookie: session=\(cookie); Path=/; HttpOnly; SameSite=Lax\r\n"
        }
        return Data("\(head)\r\n".utf8) + json
    }
}

/// A request, and the connection that it came on.
struct Exchange: Sendable {
    let request: Request
    fileprivate let connection: FileHandle

    func answer(_ response: Response) {
        // Whoever has hung up gets none.
        try? connection.write(contentsOf: response.bytes)
        try? connection.close()
    }
}

/// Listens on this machine only.
final class Listener: Sendable {
    let port: UInt16
    /// Ends after ``stop()``.
    let exchanges: AsyncStream<Exchange>
    private let descriptor: Int32

    init(port: UInt16) throws {
        signal(SIGPIPE, SIG_IGN)
        #if canImport(Glibc)
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
            descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 64) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else {
            let reason = String(cString: strerror(errno))
            throw Main.Problem(errorDescription: "Port \(port) is not available: \(reason).")
        }
        self.port = UInt16(bigEndian: address.sin_port)
        let (exchanges, sink) = AsyncStream.makeStream(of: Exchange.self)
        self.exchanges = exchanges
        Thread.detachNewThread {
            while true {
                let connection = accept(descriptor, nil, nil)
                if connection < 0, [EINTR, ECONNABORTED].contains(errno) { continue }
                guard connection >= 0 else { return sink.finish() }
                Thread.detachNewThread { Self.read(connection).map { _ = sink.yield($0) } }
            }
        }
    }

    func stop() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// Reads a request, which may take 10 s and 16 KiB.
    private static func read(_ connection: Int32) -> Exchange? {
        let handle = FileHandle(fileDescriptor: connection, closeOnDealloc: true)
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(
            connection, SOL_SOCKET, SO_RCVTIMEO, &patience,
            socklen_t(MemoryLayout<timeval>.size))
        var head = Data()
        var buffer = [UInt8](repeating: 0, count: 4096)
        while head.range(of: Data("\r\n\r\n".utf8)) == nil {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0, head.count < 16_384 else { return nil }
            head.append(contentsOf: buffer[..<count])
        }
        guard let request = Request(String(decoding: head, as: UTF8.self)) else { return nil }
        return Exchange(request: request, connection: handle)
    }
}
