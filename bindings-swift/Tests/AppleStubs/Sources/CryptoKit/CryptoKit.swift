// A stub of Apple's CryptoKit: see Package.swift. The hash is none of SHA-256, only a function.
import Foundation

public enum SHA256 {
    public static func hash(data: Data) -> [UInt8] {
        (0..<32).map { seed -> UInt8 in
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325 &+ UInt64(seed)
            for byte in data { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            return UInt8(truncatingIfNeeded: hash ^ (hash >> 40))
        }
    }
}
