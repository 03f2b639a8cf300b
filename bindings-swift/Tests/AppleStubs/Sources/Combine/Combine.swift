// A stub of Apple's Combine: see Package.swift.

public final class ObservableObjectPublisher: @unchecked Sendable {
    public private(set) var count = 0
    public func send() { count += 1 }
    init() {}
}

public protocol ObservableObject: AnyObject {
    var objectWillChange: ObservableObjectPublisher { get }
}

nonisolated(unsafe) private var publishers: [ObjectIdentifier: ObservableObjectPublisher] = [:]

extension ObservableObject {
    public var objectWillChange: ObservableObjectPublisher {
        let id = ObjectIdentifier(self)
        if let known = publishers[id] { return known }
        let publisher = ObservableObjectPublisher()
        publishers[id] = publisher
        return publisher
    }
}
