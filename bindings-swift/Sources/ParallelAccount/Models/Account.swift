public import Foundation
internal import ParallelAccountFFI

/// An organization that the store knows.
public struct Organization: Sendable, Hashable, Codable, Identifiable {
    /// Its ID.
    public let id: String
    /// Its name, where the service told it.
    public let name: String?
    /// Whether calls act for it.
    public let isSelected: Bool
    /// Whether there is a login for it.
    public let isLoggedIn: Bool

    /// One of your own, for previews and tests.
    public init(id: String, name: String? = nil, isSelected: Bool, isLoggedIn: Bool) {
        self.id = id
        self.name = name
        self.isSelected = isSelected
        self.isLoggedIn = isLoggedIn
    }
}

/// What is known about the login, without asking anyone.
public struct LoginStatus: Sendable, Hashable, Codable {
    /// Whether calls can be made.
    public let isLoggedIn: Bool
    /// The organization that calls act for.
    public let organization: Organization?
    /// What the login allows.
    public let scopes: [String]
    /// When the access token ends; it is refreshed by itself.
    public let accessTokenExpiresAt: Date?
    /// When the refresh token ends.
    public let refreshTokenExpiresAt: Date?
    /// When the grant itself ends: after it only a new login helps.
    public let authorizationExpiresAt: Date?
    /// This installation's registration.
    public let clientID: String?
    /// Where the login is kept, for display.
    public let store: String
    /// Why calls cannot be made although there is a login.
    public let problem: String?

    /// One of your own, for previews and tests.
    public init(
        isLoggedIn: Bool, organization: Organization? = nil, scopes: [String],
        accessTokenExpiresAt: Date? = nil, refreshTokenExpiresAt: Date? = nil,
        authorizationExpiresAt: Date? = nil, clientID: String? = nil, store: String,
        problem: String? = nil
    ) {
        self.isLoggedIn = isLoggedIn
        self.organization = organization
        self.scopes = scopes
        self.accessTokenExpiresAt = accessTokenExpiresAt
        self.refreshTokenExpiresAt = refreshTokenExpiresAt
        self.authorizationExpiresAt = authorizationExpiresAt
        self.clientID = clientID
        self.store = store
        self.problem = problem
    }
}

/// An organization's balance. Amounts are US cents and may be fractional.
public struct Balance: Sendable, Hashable, Codable, Identifiable {
    /// The organization.
    public let organizationID: String
    /// What is left to use. 0 where an invoice comes instead.
    public let creditBalanceCents: Double
    /// Debits to come. 0 where an invoice comes instead.
    public let pendingDebitBalanceCents: Double
    /// Whether usage is invoiced.
    public let willInvoice: Bool

    /// ``organizationID``.
    public var id: String { organizationID }

    /// One of your own, for previews and tests.
    public init(
        organizationID: String, creditBalanceCents: Double, pendingDebitBalanceCents: Double,
        willInvoice: Bool
    ) {
        self.organizationID = organizationID
        self.creditBalanceCents = creditBalanceCents
        self.pendingDebitBalanceCents = pendingDebitBalanceCents
        self.willInvoice = willInvoice
    }
}

/// An app: what API keys belong to. (SwiftUI has taken the name `App`.)
public struct AccountApp: Sendable, Hashable, Codable, Identifiable {
    /// A UUID.
    public let id: String
    /// Its name.
    public let name: String
    /// Its organization; `nil` of an app just made.
    public let organizationID: String?
    /// The organization's name.
    public let organizationName: String?

    /// One of your own, for previews and tests.
    public init(
        id: String, name: String, organizationID: String? = nil, organizationName: String? = nil
    ) {
        self.id = id
        self.name = name
        self.organizationID = organizationID
        self.organizationName = organizationName
    }
}

/// An API key. Encoding it leaves the key itself out, unless asked by
/// ``Secret/encodesSecrets``.
public struct APIKey: Sendable, Hashable, Codable, Identifiable {
    /// Its ID.
    public let id: String
    /// Its name.
    public let name: String
    /// The app that it belongs to.
    public let appID: String
    /// That app's name.
    public let appName: String?
    /// The ID of who made it.
    public let createdByUserID: String?
    /// The address of who made it.
    public let createdByUserEmail: String?
    /// What may be shown of it, such as `sk-…abcd`.
    public let displayValue: String?
    /// The key itself. The service sends it only once, when the key is created.
    public let rawAPIKey: Secret?
    /// When it was made.
    public let createdAt: Date?

    /// One of your own, for previews and tests.
    public init(
        id: String, name: String, appID: String, appName: String? = nil,
        createdByUserID: String? = nil, createdByUserEmail: String? = nil,
        displayValue: String? = nil, rawAPIKey: Secret? = nil, createdAt: Date? = nil
    ) {
        self.id = id
        self.name = name
        self.appID = appID
        self.appName = appName
        self.createdByUserID = createdByUserID
        self.createdByUserEmail = createdByUserEmail
        self.displayValue = displayValue
        self.rawAPIKey = rawAPIKey
        self.createdAt = createdAt
    }
}

extension Organization {
    init(_ ffi: FfiOrganization) {
        id = ffi.id
        name = ffi.name
        isSelected = ffi.selected
        isLoggedIn = ffi.loggedIn
    }
}

extension LoginStatus {
    init(_ ffi: FfiStatus) {
        isLoggedIn = ffi.loggedIn
        organization = ffi.organization.map(Organization.init)
        scopes = ffi.scopes
        accessTokenExpiresAt = ffi.accessTokenExpiresAt.map(Date.init(timeIntervalSince1970:))
        refreshTokenExpiresAt = ffi.refreshTokenExpiresAt.map(Date.init(timeIntervalSince1970:))
        authorizationExpiresAt = ffi.authorizationExpiresAt.map(Date.init(timeIntervalSince1970:))
        clientID = ffi.clientId
        store = ffi.store
        problem = ffi.problem
    }
}

extension Balance {
    init(_ ffi: FfiBalance) {
        organizationID = ffi.orgId
        creditBalanceCents = ffi.creditBalanceCents
        pendingDebitBalanceCents = ffi.pendingDebitBalanceCents
        willInvoice = ffi.willInvoice
    }
}

extension AccountApp {
    init(_ ffi: FfiApp) {
        id = ffi.appId
        name = ffi.appName
        organizationID = ffi.orgId
        organizationName = ffi.orgName
    }
}

extension APIKey {
    init(_ ffi: FfiApiKey) {
        id = ffi.apiKeyId
        name = ffi.apiKeyName
        appID = ffi.appId
        appName = ffi.appName
        createdByUserID = ffi.createdByUserId
        createdByUserEmail = ffi.createdByUserEmail
        displayValue = ffi.displayValue
        rawAPIKey = ffi.rawApiKey.map(Secret.init)
        createdAt = ffi.createdAt.map(Date.init(timeIntervalSince1970:))
    }
}
