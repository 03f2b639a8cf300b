import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A relay before the sandbox that holds answers back for as long as a test wants, and says when a
/// client hangs up.
final class Gate: Sendable {
    /// The same as the sandbox's, through this gate.
    let platformURL: String
    let accountURL: String
    /// Connections that a client has ended.
    let hangUps: AsyncStream<Void>

    private let listener: Int32
    private let state = State()

    private final class State: @unchecked Sendable {
        private let condition = NSCondition()
        private var isHeld = false

        func set(held: Bool) {
            condition.withLock {
                isHeld = held
                condition.broadcast()
            }
        }

        func pass() {
            condition.withLock { while isHeld { condition.wait() } }
        }
    }

    private init(before sandbox: Sandbox) throws {
        let upstream = UInt16(URL(string: sandbox.platformURL)!.port!)
        let listener = try Self.socket()
        self.listener = listener
        try Self.withAddress(port: 0) { address, length in
            try Self.check(bind(listener, address, length))
        }
        try Self.check(listen(listener, 64))
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try Self.check(getsockname(listener, $0, &length))
            }
        }
        let (here, there) = (":\(UInt16(bigEndian: address.sin_port))", ":\(upstream)")
        platformURL = sandbox.platformURL.replacingOccurrences(of: there, with: here)
        accountURL = sandbox.accountURL.replacingOccurrences(of: there, with: here)
        let (hangUps, hungUp) = AsyncStream.makeStream(of: Void.self)
        self.hangUps = hangUps
        Thread.detachNewThread { [state] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0, let server = try? Self.connected(to: upstream) else { return }
                let connection = Connection(client: client, server: server)
                Thread.detachNewThread {
                    connection.copy(from: client, to: server) {}
                    if !connection.isOver { hungUp.yield() }
                    shutdown(server, Int32(SHUT_WR))
                }
                Thread.detachNewThread {
                    connection.copy(from: server, to: client) { state.pass() }
                    connection.isOver = true
                    shutdown(client, Int32(SHUT_RDWR))
                }
            }
        }
    }

    /// Runs `body` with a gate before the sandbox.
    static func run<Value: Sendable>(
        before sandbox: Sandbox, isolation: isolated (any Actor)? = #isolation,
        body: (Gate) async throws -> Value
    ) async throws -> Value {
        let gate = try Gate(before: sandbox)
        defer {
            gate.release()
            // Wakes the thread that accepts, which closing would not.
            shutdown(gate.listener, Int32(SHUT_RDWR))
            close(gate.listener)
        }
        return try await body(gate)
    }

    /// From now on no answer gets through.
    func hold() { state.set(held: true) }

    /// Lets through what was held back, and all that follows.
    func release() { state.set(held: false) }

    /// Two sockets, closed when both directions have ended.
    private final class Connection: @unchecked Sendable {
        private let client: Int32
        private let server: Int32
        private let mutex = NSLock()
        private var serverHasEnded = false

        init(client: Int32, server: Int32) {
            self.client = client
            self.server = server
        }

        deinit {
            close(client)
            close(server)
        }

        var isOver: Bool {
            get { mutex.withLock { serverHasEnded } }
            set { mutex.withLock { serverHasEnded = newValue } }
        }

        func copy(from source: Int32, to sink: Int32, beforeEach: () -> Void) {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(source, &buffer, buffer.count)
                guard count > 0 else { return }
                beforeEach()
                var sent = 0
                while sent < count {
                    let more = buffer[sent..<count].withUnsafeBytes {
                        send(sink, $0.baseAddress, $0.count, noSignal)
                    }
                    guard more > 0 else { return }
                    sent += more
                }
            }
        }
    }

    #if canImport(Glibc)
        private static let stream = Int32(SOCK_STREAM.rawValue)
        private static let noSignal = Int32(MSG_NOSIGNAL)
    #else
        private static let stream = SOCK_STREAM
        private static let noSignal: Int32 = 0
    #endif

    private static func socket() throws -> Int32 {
        #if canImport(Glibc)
            let descriptor = Glibc.socket(AF_INET, stream, 0)
        #else
            let descriptor = Darwin.socket(AF_INET, stream, 0)
            var on: Int32 = 1
            let size = socklen_t(MemoryLayout<Int32>.size)
            setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, size)
        #endif
        try check(descriptor)
        return descriptor
    }

    private static func connected(to port: UInt16) throws -> Int32 {
        let descriptor = try socket()
        try withAddress(port: port) { address, length in
            try check(connect(descriptor, address, length))
        }
        return descriptor
    }

    private static func withAddress(
        port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Void
    ) throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        try withUnsafePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    private static func check(_ result: Int32) throws {
        guard result >= 0 else {
            throw Sandbox.Problem(description: String(cString: strerror(errno)))
        }
    }
}
