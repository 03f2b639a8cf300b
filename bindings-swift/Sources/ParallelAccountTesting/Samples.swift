internal import Foundation
public import ParallelAccount

extension Organization {
    /// The organization of the other samples.
    public static let sample = Organization(
        id: "org_sample", name: "Sample", isSelected: true, isLoggedIn: true)
}

extension LoginStatus {
    /// Logged in to ``ParallelAccount/Organization/sample`` with every scope.
    public static let sample = LoginStatus(
        isLoggedIn: true, organization: .sample,
        scopes: [
            "keys:read", "keys:create", "keys:delete", "apps:read", "apps:create", "apps:delete",
            "balance:read", "balance:add",
        ],
        accessTokenExpiresAt: Date(timeIntervalSince1970: 4_000_000_000),
        clientID: "client_sample", store: "memory")

    /// Nobody is logged in.
    public static let loggedOut = LoginStatus(isLoggedIn: false, scopes: [], store: "memory")
}

extension Balance {
    /// 50 dollars.
    public static let sample = Balance(
        organizationID: "org_sample", creditBalanceCents: 5000, pendingDebitBalanceCents: 0,
        willInvoice: false)
}

extension AccountApp {
    /// An app of the sample organization.
    public static let sample = AccountApp(
        id: "00000000-0000-4000-8000-000000000001", name: "Sample app",
        organizationID: "org_sample", organizationName: "Sample")
}

extension APIKey {
    /// A key of the sample app, as it is answered when it is created.
    public static let sample = APIKey(
        id: "key_sample", name: "Sample key", appID: AccountApp.sample.id,
        appName: AccountApp.sample.name, displayValue: "samp…0001",
        rawAPIKey: Secret("sample-key-0001"), createdAt: Date(timeIntervalSince1970: 1_760_000_000))
}

extension AccountError {
    /// An error of this code with a message of the kind that clients throw.
    public static func sample(_ code: Code) -> AccountError {
        AccountError(
            code: code, message: "Sample of \(code.rawValue).",
            isRetryable: [.rateLimited, .server, .connection, .timeout].contains(code))
    }
}
