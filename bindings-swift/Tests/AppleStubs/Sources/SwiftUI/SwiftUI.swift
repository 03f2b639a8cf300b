// A stub of Apple's SwiftUI: see Package.swift. It declares; it shows nothing.
@_exported import Combine
@_exported import CoreImage
@_exported import Foundation

@MainActor @preconcurrency public protocol View {
    associatedtype Body: View
    @ViewBuilder var body: Body { get }
}

extension Never: View {
    public var body: Never { fatalError() }
}

extension Optional: View where Wrapped: View {
    public var body: Never { fatalError() }
}

public protocol Primitive: View where Body == Never {}
extension Primitive {
    public var body: Never { fatalError() }
}

public struct EmptyView: Primitive {}
public struct AnyStubView: Primitive {}

@resultBuilder public enum ViewBuilder {
    public static func buildBlock() -> EmptyView { EmptyView() }
    public static func buildBlock<Content: View>(_ content: Content) -> Content { content }
    public static func buildBlock<each Content: View>(
        _ content: repeat each Content
    ) -> AnyStubView { AnyStubView() }
    public static func buildEither(first: some View) -> AnyStubView { AnyStubView() }
    public static func buildEither(second: some View) -> AnyStubView { AnyStubView() }
    public static func buildIf<Content: View>(_ content: Content?) -> Content? { content }
}

public struct VStack<Content: View>: Primitive {
    public init(spacing: CGFloat? = nil, @ViewBuilder content: () -> Content) {}
}

public struct Text: Primitive {
    public init(_ text: String) {}
    public func font(_ font: Font) -> Text { self }
    public func monospacedDigit() -> Text { self }
}

public struct Font {
    public enum TextStyle { case largeTitle }
    public enum Design { case monospaced }
    public static func system(_ style: TextStyle, design: Design? = nil) -> Font { Font() }
}

public struct ButtonRole: Sendable {
    public static let cancel = ButtonRole()
}

public struct Button: Primitive {
    public init(_ title: String, action: @escaping @MainActor () -> Void) {}
    public init(_ title: String, role: ButtonRole?, action: @escaping @MainActor () -> Void) {}
}

public struct ProgressView: Primitive {
    public init() {}
}

public struct Label: Primitive {
    public init(_ title: String, systemImage: String) {}
}

public struct Image: Primitive {
    public enum Interpolation { case none }
    public init(_ image: CGImage, scale: CGFloat, label: Text) {}
    public func interpolation(_ interpolation: Interpolation) -> Image { self }
    public func resizable() -> Image { self }
}

public struct TimelineViewDefaultContext {
    public let date: Date
}

public struct PeriodicTimelineSchedule {}
public struct TimelineView<Content: View>: Primitive {
    public init(
        _ schedule: PeriodicTimelineSchedule,
        @ViewBuilder content: @escaping (TimelineViewDefaultContext) -> Content
    ) {}
}

extension PeriodicTimelineSchedule {
    public static func periodic(from: Date, by: TimeInterval) -> PeriodicTimelineSchedule {
        PeriodicTimelineSchedule()
    }
}

public enum TextAlignment { case center }

public enum TextSelectability { case enabled }

extension View {
    public func padding() -> some View { self }
    public func onAppear(perform: (() -> Void)? = nil) -> some View { self }
    public func onDisappear(perform: (() -> Void)? = nil) -> some View { self }
    public func multilineTextAlignment(_ alignment: TextAlignment) -> some View { self }
    public func accessibilityLabel(_ label: String) -> some View { self }
    public func textSelection(_ selectability: TextSelectability) -> some View { self }
    public func frame(width: CGFloat, height: CGFloat) -> some View { self }
}

@MainActor @propertyWrapper public struct ObservedObject<Object: ObservableObject> {
    public var wrappedValue: Object
    public init(wrappedValue: Object) { self.wrappedValue = wrappedValue }
}

@propertyWrapper public struct State<Value> {
    public var wrappedValue: Value {
        get { value }
        nonmutating set {}
    }
    private let value: Value
    public init(wrappedValue: Value) { value = wrappedValue }
}

extension State where Value: ExpressibleByNilLiteral {
    public init() { self.init(wrappedValue: nil) }
}

public struct OpenURLAction: Sendable {
    @MainActor public func callAsFunction(_ url: URL) {}
}

public struct EnvironmentValues {
    public var openURL: OpenURLAction { OpenURLAction() }
}

@MainActor @propertyWrapper public struct Environment<Value> {
    public let wrappedValue: Value
    public init(_ path: KeyPath<EnvironmentValues, Value>) {
        wrappedValue = EnvironmentValues()[keyPath: path]
    }
}
