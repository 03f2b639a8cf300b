import Foundation

@testable import ParallelAccount

/// Values in the form of the scenarios: snake_case, Unix seconds, durations in seconds.
extension JSONValue {
    var text: String? { if case .string(let text) = self { text } else { nil } }
    var items: [JSONValue]? { if case .array(let items) = self { items } else { nil } }
    var texts: [String]? { items?.compactMap(\.text) }
    var int: Int? { double.map(Int.init) }
    var double: Double? {
        switch self {
        case .integer(let number): Double(number)
        case .number(let number): number
        default: nil
        }
    }
    var duration: Duration? { double.map { Duration.seconds($0) } }

    var headers: [String: String]? {
        if case .object(let members) = self { members.compactMapValues(\.text) } else { nil }
    }

    init(_ text: String?) { self = text.map(JSONValue.string) ?? .null }
    init(_ time: Date?) { self = time.map { .number($0.timeIntervalSince1970) } ?? .null }
    init(_ duration: Duration?) { self = duration.map { .number($0.ffiSeconds) } ?? .null }

    init(_ login: DeviceLogin) {
        self = [
            "user_code": .string(login.userCode),
            "verification_uri": .string(login.verificationURI),
            "verification_uri_complete": .init(login.verificationURIComplete),
            "expires_at": .init(login.expiresAt), "interval": .init(login.interval),
        ]
    }

    init(_ event: LoginEvent) {
        switch event {
        case .pending(let retryIn):
            self = ["type": "pending", "retry_in": .init(retryIn)]
        case .slowDown(let interval, let retryIn):
            self = [
                "type": "slow_down", "interval": .init(interval), "retry_in": .init(retryIn),
            ]
        case .offline(let error, let retryIn):
            self = ["type": "offline", "error": raised(error), "retry_in": .init(retryIn)]
        case .authorized:
            self = ["type": "authorized"]
        }
    }

    init(_ status: LoginStatus) {
        self = [
            "logged_in": .bool(status.isLoggedIn), "client_id": .init(status.clientID),
            "organization": status.organization.map(JSONValue.init) ?? .null,
            "scopes": .array(status.scopes.map(JSONValue.string)),
            "access_token_expires_at": .init(status.accessTokenExpiresAt),
            "refresh_token_expires_at": .init(status.refreshTokenExpiresAt),
            "authorization_expires_at": .init(status.authorizationExpiresAt),
            "problem": .init(status.problem),
        ]
    }

    init(_ organization: Organization) {
        self = [
            "id": .string(organization.id), "name": .init(organization.name),
            "selected": .bool(organization.isSelected),
            "logged_in": .bool(organization.isLoggedIn),
        ]
    }

    init(_ balance: Balance) {
        self = [
            "org_id": .string(balance.organizationID),
            "credit_balance_cents": .number(balance.creditBalanceCents),
            "pending_debit_balance_cents": .number(balance.pendingDebitBalanceCents),
            "will_invoice": .bool(balance.willInvoice),
        ]
    }

    init(_ app: AccountApp) {
        self = [
            "app_id": .string(app.id), "app_name": .string(app.name),
            "org_id": .init(app.organizationID), "org_name": .init(app.organizationName),
        ]
    }

    init(_ key: APIKey) {
        self = [
            "api_key_id": .string(key.id), "api_key_name": .string(key.name),
            "app_id": .string(key.appID), "app_name": .init(key.appName),
            "created_by_user_id": .init(key.createdByUserID),
            "created_by_user_email": .init(key.createdByUserEmail),
            "display_value": .init(key.displayValue),
            "raw_api_key": .init(key.rawAPIKey?.expose()), "created_at": .init(key.createdAt),
        ]
    }

    init(_ code: DeviceCode) {
        self = [
            "device_code": .string(code.deviceCode.expose()), "user_code": .string(code.userCode),
            "verification_uri": .string(code.verificationURI),
            "verification_uri_complete": .init(code.verificationURIComplete),
            "expires_in": .init(code.expiresIn), "interval": .init(code.interval),
        ]
    }

    init(_ tokens: TokenSet) {
        self = [
            "access_token": .string(tokens.accessToken.expose()),
            "refresh_token": .init(tokens.refreshToken?.expose()),
            "token_type": .string(tokens.tokenType), "expires_in": .init(tokens.expiresIn),
            "scopes": tokens.scopes.map { .array($0.map(JSONValue.string)) } ?? .null,
            "org_id": .init(tokens.organizationID), "org_name": .init(tokens.organizationName),
            "refresh_token_expires_in": .init(tokens.refreshTokenExpiresIn),
            "authorization_expires_in": .init(tokens.authorizationExpiresIn),
        ]
    }
}

/// A message with the names of options and arguments as the scenarios have them.
private func inNormalForm(_ message: String) -> String {
    let names = ["platformURL": "platform_url", "idempotencyKey": "idempotency_key"]
    return names.reduce(message) { $0.replacingOccurrences(of: $1.key, with: $1.value) }
}

/// What was thrown, in the form of the scenarios.
func raised(_ error: any Error) -> JSONValue {
    guard let error = error as? AccountError else {
        let code: JSONValue = error is CancellationError ? "cancelled" : "no error of ours"
        return [
            "code": code, "message": .string(error.localizedDescription), "retryable": false,
            "idempotency_key": .null,
        ]
    }
    let fields = error.fields.map { field -> JSONValue in
        [
            "location": .string(field.location), "message": .string(field.message),
            "type": .string(field.type),
        ]
    }
    return [
        "code": .string(error.code.rawValue), "message": .string(inNormalForm(error.message)),
        "status": error.status.map { .integer(Int64($0)) } ?? .null,
        "request_id": .init(error.requestID), "retry_after": .init(error.retryAfter),
        "retryable": .bool(error.isRetryable), "outcome_unknown": .bool(error.outcomeUnknown),
        "oauth_error": .init(error.oauthError), "description": .init(error.oauthDescription),
        "fields": .array(fields), "idempotency_key": .init(error.idempotencyKey),
    ]
}
