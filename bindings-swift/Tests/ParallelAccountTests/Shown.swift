import Foundation

/// Everything that a program may print, log or send of a value by accident.
func shown(_ value: Any) throws -> String {
    var text = "\(value) \(String(reflecting: value)) \(String(describing: [value])) "
    dump(value, to: &text)
    reflect(value, into: &text, depth: 0)
    if let error = value as? any Error {
        let bridged = error as NSError
        text += "\(error.localizedDescription) \(bridged) \(bridged.userInfo)"
    }
    if let error = value as? any LocalizedError {
        text += "\(error.failureReason ?? "") \(error.recoverySuggestion ?? "")"
    }
    if let value = value as? any Encodable {
        text += String(decoding: try JSONEncoder().encode([AnyEncodable(value)]), as: UTF8.self)
        let list = PropertyListEncoder()
        list.outputFormat = .xml
        text += String(decoding: try list.encode([AnyEncodable(value)]), as: UTF8.self)
    }
    return text
}

/// What `dump` would leave out: the children of mirrors, custom or not, of superclasses too.
private func reflect(_ value: Any, into text: inout String, depth: Int) {
    guard depth < 12 else { return }
    var mirror: Mirror? = Mirror(reflecting: value)
    while let here = mirror {
        for child in here.children {
            text += "\(child.label ?? "-")=\(child.value) \(String(reflecting: child.value)) "
            reflect(child.value, into: &text, depth: depth + 1)
        }
        mirror = here.superclassMirror
    }
}

private struct AnyEncodable: Encodable {
    let value: any Encodable

    init(_ value: any Encodable) { self.value = value }

    func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
}
