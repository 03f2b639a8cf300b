// A stub of Apple's UIKit: see Package.swift.

@MainActor public final class UIPasteboard {
    public static let general = UIPasteboard()
    public var string: String?
}
