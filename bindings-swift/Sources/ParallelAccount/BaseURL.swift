public import Foundation

/// What names a base or a proxy: a `String` or a `URL`.
public protocol BaseURLConvertible: Sendable {
    /// The URL as text. A client checks it when it is made.
    var baseURLText: String { get }
}

extension String: BaseURLConvertible {
    /// The text itself.
    public var baseURLText: String { self }
}

extension URL: BaseURLConvertible {
    /// The absolute URL.
    public var baseURLText: String { absoluteString }
}
