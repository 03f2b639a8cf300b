/// A token, device code or API key. Printing, reflecting and encoding it shows nothing of it;
/// reading it is always the explicit ``expose()``.
public struct Secret: Sendable, Hashable {
    private let value: String

    /// Wraps a secret of your own.
    public init(_ value: String) { self.value = value }

    /// The secret itself. Whatever you do with it is on you from here.
    public func expose() -> String { value }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// `Secret(…)`, whatever it holds.
    public var description: String { "Secret(…)" }
    /// `Secret(…)`, whatever it holds.
    public var debugDescription: String { description }
    /// A mirror without children.
    public var customMirror: Mirror { Mirror(self, children: [:] as KeyValuePairs<String, Any>) }
}

extension Secret: Codable {
    /// Set this to `true` in an encoder's `userInfo` to have secrets written.
    public static let encodesSecrets = CodingUserInfoKey(
        rawValue: "parallel-account.encodes-secrets")!

    /// Writes `null`, unless the encoder's `userInfo` asks for secrets.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if encoder.userInfo[Self.encodesSecrets] as? Bool == true {
            try container.encode(value)
        } else {
            try container.encodeNil()
        }
    }

    /// Reads what ``encode(to:)`` wrote with secrets.
    public init(from decoder: any Decoder) throws {
        value = try decoder.singleValueContainer().decode(String.self)
    }
}
