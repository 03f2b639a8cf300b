#if canImport(SwiftUI)
    import CoreImage.CIFilterBuiltins
    import ParallelAccount
    public import SwiftUI

    #if canImport(UIKit)
        import UIKit
    #elseif canImport(AppKit)
        import AppKit
    #endif

    /// The prompt of a device login: code, QR code, countdown, and what can be done.
    public struct LoginView: View {
        @StateObject private var model: LoginModel
        @Environment(\.openURL) private var openURL

        /// A view of this model; it begins the login when it appears.
        public init(model: LoginModel) {
            _model = StateObject(wrappedValue: model)
        }

        /// The view.
        public var body: some View {
            VStack(spacing: 16) {
                switch model.phase {
                case .idle:
                    Button("Log in") { model.start() }
                case .starting:
                    ProgressView()
                case .waiting(let prompt):
                    waiting(prompt)
                case .loggedIn(let status):
                    Label(
                        status.organization?.name ?? "Logged in", systemImage: "checkmark.circle")
                case .failed(let message):
                    Text(message)
                    Button("Try again") { model.start() }
                }
            }
            .padding()
            .onAppear { if model.phase == .idle { model.start() } }
            .onDisappear { model.cancel() }
        }

        @ViewBuilder private func waiting(_ prompt: LoginModel.Prompt) -> some View {
            Text("Enter this code at \(prompt.address)")
            Text(prompt.code)
                .font(.system(.largeTitle, design: .monospaced))
                .textSelection(.enabled)
                .accessibilityLabel(prompt.code.map(String.init).joined(separator: " "))
            if let url = prompt.url {
                if let image = qrImage(url) {
                    Image(decorative: image, scale: 1)
                        .interpolation(.none).resizable().frame(width: 160, height: 160)
                }
                Button("Open in browser") { openURL(url) }
            }
            Button("Copy code") { copy(prompt.code) }
            TimelineView(.periodic(from: .now, by: 1)) { context in
                let left = Duration.seconds(model.secondsLeft(at: context.date))
                Text("Valid for \(left.formatted(.time(pattern: .minuteSecond)))")
            }
            if model.isOffline { Label("No connection; trying again", systemImage: "wifi.slash") }
            Button("Cancel", role: .cancel) { model.cancel() }
        }

        private func copy(_ text: String) {
            #if canImport(UIKit)
                UIPasteboard.general.string = text
            #elseif canImport(AppKit)
                NSPasteboard.general.clearContents()
                NSPasteboard.general.setString(text, forType: .string)
            #endif
        }

        private func qrImage(_ url: URL) -> CGImage? {
            let filter = CIFilter.qrCodeGenerator()
            filter.message = Data(url.absoluteString.utf8)
            guard let image = filter.outputImage else { return nil }
            return CIContext().createCGImage(image, from: image.extent)
        }
    }
#endif
