/// The texts of a ``LoginView``, in English. Set those that your app localizes:
///
/// ```swift
/// var strings = LoginStrings()
/// strings.copyCode = String(localized: "Copy code")
/// ```
public struct LoginStrings: Sendable {
    /// The button that begins a login.
    public var logIn = "Log in"
    /// Shown, or read out, while the code is asked for.
    public var starting = "Starting the login"
    /// What to do with the code, for an address.
    public var enterCode: @Sendable (_ address: String) -> String = {
        "Enter this code at \($0)"
    }
    /// Read out before the code.
    public var code = "Code"
    /// Read out for the QR code.
    public var qrCode = "QR code of the login page"
    /// The button that opens the login page.
    public var openPage = "Open login page"
    /// The button that copies the code.
    public var copyCode = "Copy code"
    /// Shown once the code has been copied.
    public var copied = "Copied"
    /// How long the code is valid, for minutes and seconds such as `9:59`.
    public var validFor: @Sendable (_ time: String) -> String = { "Valid for \($0)" }
    /// Shown while there is no connection.
    public var offline = "No connection. Trying again."
    /// The button that gives up.
    public var cancel = "Cancel"
    /// Shown in the end, for an organization's name, if it has one.
    public var loggedIn: @Sendable (_ organization: String?) -> String = {
        $0.map { "Logged in to \($0)" } ?? "Logged in"
    }
    /// What went wrong; by default the error's own message, which is English.
    public var failed: @Sendable (_ message: String, _ code: String) -> String = { message, _ in
        message
    }
    /// The button that begins another login.
    public var tryAgain = "Try again"

    /// English.
    public init() {}
}
