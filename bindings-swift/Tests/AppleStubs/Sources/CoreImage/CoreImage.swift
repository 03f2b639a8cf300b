// A stub of Apple's CoreImage and CoreGraphics: see Package.swift.
import Foundation

public final class CGImage {}

public final class CIImage {
    public var extent: CGRect { .zero }
}

public final class CIFilter {
    public init?(name: String, parameters: [String: Any]?) {}
    public var outputImage: CIImage? { nil }
}

public final class CIContext {
    public init() {}
    public func createCGImage(_ image: CIImage, from: CGRect) -> CGImage? { nil }
}
