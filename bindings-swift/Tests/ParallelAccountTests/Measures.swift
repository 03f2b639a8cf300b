#if canImport(Glibc)
    import Foundation
    import Glibc
    import XCTest

    /// What this process uses.
    enum Measures {
        /// What is allocated and not freed, in bytes. What the process has from the system tells
        /// more of the allocator's moods than of leaks.
        static func allocated() throws -> Int {
            typealias Info = @convention(c) (Int32, UnsafeMutablePointer<FILE>) -> Int32
            // Not declared by the module Glibc.
            let info = unsafeBitCast(
                try XCTUnwrap(dlsym(nil, "malloc_info")), to: Info.self)
            var text: UnsafeMutablePointer<CChar>?
            var length = 0
            let stream = try XCTUnwrap(open_memstream(&text, &length))
            XCTAssertEqual(info(0, stream), 0)
            fclose(stream)
            defer { free(text) }
            // The sums over all arenas come last.
            let xml = String(cString: try XCTUnwrap(text))
            func last(_ pattern: Regex<(Substring, Substring)>) throws -> Int {
                try XCTUnwrap(xml.matches(of: pattern).last.flatMap { Int($0.1) })
            }
            return try last(/<system type="current" size="(\d+)"/)
                + last(/<total type="mmap" count="\d+" size="(\d+)"/)
                - last(/<total type="fast" count="\d+" size="(\d+)"/)
                - last(/<total type="rest" count="\d+" size="(\d+)"/)
        }

        /// What the process has from the system, in bytes.
        static func resident() throws -> Int {
            let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            let line = try XCTUnwrap(status.firstMatch(of: /VmRSS:\s+(\d+) kB/))
            return try XCTUnwrap(Int(line.1)) * 1024
        }

        /// How many descriptors are open.
        static func descriptors() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        }
    }

    /// Makes `call` so many times, 64 at once.
    func repeated(
        _ count: Int, _ call: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                if number >= 64 { try await group.next() }
                group.addTask { try await call(number) }
            }
            try await group.waitForAll()
        }
    }
#endif
