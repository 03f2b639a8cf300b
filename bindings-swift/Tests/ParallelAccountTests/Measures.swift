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

        /// How many descriptors are open. Timers are left out: Dispatch makes them when a task
        /// sleeps, such as one of a test, and Rust makes none.
        static func descriptors() throws -> Int {
            let folder = "/proc/self/fd"
            let files = FileManager.default
            return try files.contentsOfDirectory(atPath: folder).filter {
                let target = try? files.destinationOfSymbolicLink(atPath: "\(folder)/\($0)")
                return target != "anon_inode:[timerfd]"
            }.count
        }

        /// Lets the process have so many descriptors, and answers how many it could have before.
        @discardableResult
        static func allow(descriptors: Int) throws -> Int {
            let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
            var limits = rlimit()
            XCTAssertEqual(getrlimit(kind, &limits), 0)
            let before = Int(limits.rlim_cur)
            limits.rlim_cur = rlim_t(descriptors)
            XCTAssertEqual(setrlimit(kind, &limits), 0)
            return before
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
