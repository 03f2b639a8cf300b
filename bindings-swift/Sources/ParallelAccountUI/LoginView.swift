#if canImport(SwiftUI)
    import CoreImage
    internal import ParallelAccount
    public import SwiftUI

    #if canImport(UIKit)
        import UIKit
    #elseif canImport(AppKit)
        import AppKit
    #endif

    /// The prompt of a device login: code, QR code, countdown, and what can be done.
    ///
    /// It begins the login when it appears and gives up when it disappears; a login that is done
    /// stays. Hold the model, in a `@StateObject`, where the view is shown:
    ///
    /// ```swift
    /// @StateObject private var model = LoginModel(client: client)
    /// var body: some View { LoginView(model: model) }
    /// ```
    public struct LoginView: View {
        @ObservedObject private var model: LoginModel
        @Environment(\.openURL) private var openURL
        @State private var copiedCode: String?
        private let strings: LoginStrings

        /// - Parameters:
        ///   - model: What is shown.
        ///   - strings: The texts; English by default.
        public init(model: LoginModel, strings: LoginStrings = LoginStrings()) {
            self.model = model
            self.strings = strings
        }

        /// The view.
        public var body: some View {
            VStack(spacing: 16) {
                switch model.phase {
                case .idle:
                    Button(strings.logIn) { model.start() }
                case .starting:
                    ProgressView().accessibilityLabel(strings.starting)
                case .waiting(let prompt):
                    waiting(prompt)
                case .loggedIn(let status):
                    Label(
                        strings.loggedIn(status.organization?.name),
                        systemImage: "checkmark.circle")
                case .failed(let error):
                    Text(strings.failed(error.message, error.code.rawValue))
                        .multilineTextAlignment(.center)
                    Button(strings.tryAgain) { model.start() }
                }
            }
            .padding()
            .onAppear { if model.phase == .idle { model.start() } }
            .onDisappear { model.cancel() }
        }

        @ViewBuilder private func waiting(_ prompt: LoginModel.Prompt) -> some View {
            Text(strings.enterCode(prompt.address))
                .multilineTextAlignment(.center)
            code(prompt.code)
            if let url = prompt.url {
                if let image = qrImage(url) {
                    Image(image, scale: 1, label: Text(strings.qrCode))
                        .interpolation(.none)
                        .resizable()
                        .frame(width: 160, height: 160)
                }
                #if !os(tvOS)
                    Button(strings.openPage) { openURL(url) }
                #endif
            }
            #if !os(tvOS)
                Button(copiedCode == prompt.code ? strings.copied : strings.copyCode) {
                    copy(prompt.code)
                    copiedCode = prompt.code
                }
            #endif
            TimelineView(.periodic(from: .now, by: 1)) { context in
                let left = Duration.seconds(prompt.secondsLeft(at: context.date))
                Text(strings.validFor(left.formatted(.time(pattern: .minuteSecond))))
                    .monospacedDigit()
            }
            if model.isOffline { Label(strings.offline, systemImage: "wifi.slash") }
            Button(strings.cancel, role: .cancel) { model.cancel() }
        }

        @ViewBuilder private func code(_ code: String) -> some View {
            let text = Text(code)
                .font(.system(.largeTitle, design: .monospaced))
                // Letter by letter: it is no word.
                .accessibilityLabel(
                    "\(strings.code): \(code.map(String.init).joined(separator: " "))")
            #if os(tvOS)
                text
            #else
                text.textSelection(.enabled)
            #endif
        }

        #if !os(tvOS)
            private func copy(_ text: String) {
                #if canImport(UIKit)
                    UIPasteboard.general.string = text
                #elseif canImport(AppKit)
                    NSPasteboard.general.clearContents()
                    NSPasteboard.general.setString(text, forType: .string)
                #endif
            }
        #endif

        private func qrImage(_ url: URL) -> CGImage? {
            let message = ["inputMessage": Data(url.absoluteString.utf8)]
            let filter = CIFilter(name: "CIQRCodeGenerator", parameters: message)
            guard let image = filter?.outputImage else { return nil }
            return CIContext().createCGImage(image, from: image.extent)
        }
    }
#endif
