internal import Foundation
internal import ParallelAccountFFI

extension AccountClient {
    /// The organization's balance.
    public var balance: BalanceResource { BalanceResource(native: native) }
    /// Its apps.
    public var apps: AppsResource { AppsResource(native: native) }
    /// Its API keys.
    public var keys: KeysResource { KeysResource(native: native) }
    /// The device flow's requests one by one.
    public var oauth: OAuthResource { OAuthResource(native: native) }

    /// Any other call below the Account API's base, with the login's bearer.
    ///
    /// - Parameters:
    ///   - method: Such as `GET`.
    ///   - path: Such as `/service/v1/balance`; must stay below the base.
    ///   - json: The body.
    /// - Returns: The answer: its JSON, status, headers and the request's ID.
    /// - Throws: ``AccountError`` `invalid_request` for a path outside the base, and what the
    ///   service answers.
    public func request(
        _ method: String, _ path: String, json: JSONValue? = nil
    ) async throws -> APIResponse {
        let body: String?
        do {
            body = try json.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
        } catch {
            throw AccountError(.invalidRequest, "The body holds a number that JSON cannot write.")
        }
        let answer = try await native.call { native, call in
            try await native.request(call: call, method: method, path: path, json: body)
        }
        return try APIResponse(answer)
    }
}

/// `client.balance`.
public struct BalanceResource: Sendable {
    let native: NativeClient

    /// The balance now. Scope `balance:read`.
    public func get() async throws -> Balance {
        try await native.call { native, call in Balance(try await native.balanceGet(call: call)) }
    }

    /// Charges the organization's default payment method. Scope `balance:add`.
    ///
    /// - Parameters:
    ///   - amountCents: US cents, from 1 to 10000.
    ///   - idempotencyKey: 8 to 128 characters; the service charges once per key for at least
    ///     24 hours. Pass one of your own to be able to repeat the call after a crash.
    /// - Throws: ``AccountError`` `payment_required` for a declined card, `invalid_request` for an
    ///   argument that is out of range. Its ``AccountError/idempotencyKey`` is the key that the
    ///   charge was sent with: retry with it, and the charge is made once.
    public func add(amountCents: Int, idempotencyKey: String? = nil) async throws -> Balance {
        try await native.call { native, call in
            Balance(
                try await native.balanceAdd(
                    call: call, amountCents: Int64(amountCents), idempotencyKey: idempotencyKey))
        }
    }
}

/// `client.apps`.
public struct AppsResource: Sendable {
    let native: NativeClient

    /// Every app of the organization. Scope `apps:read`.
    public func list() async throws -> [AccountApp] {
        try await native.call { native, call in
            try await native.appsList(call: call).map(AccountApp.init)
        }
    }

    /// Makes an app. Scope `apps:create`.
    ///
    /// - Returns: The app, with the name that was sent; the service does not say its organization.
    /// - Throws: ``AccountError``; with ``AccountError/outcomeUnknown`` look at ``list()`` before
    ///   you repeat it.
    public func create(name: String) async throws -> AccountApp {
        try await native.call { native, call in
            AccountApp(id: try await native.appsCreate(call: call, name: name), name: name)
        }
    }

    /// Deletes an app. Scope `apps:delete`.
    public func delete(_ appID: String) async throws {
        try await native.call { native, call in
            try await native.appsDelete(call: call, appId: appID)
        }
    }
}

/// `client.keys`.
public struct KeysResource: Sendable {
    let native: NativeClient

    /// Makes an API key. Scope `keys:create`.
    ///
    /// - Parameters:
    ///   - name: The key's name.
    ///   - appID: The app that it is to belong to.
    /// - Returns: The key with ``APIKey/rawAPIKey``, which is never sent again.
    /// - Throws: ``AccountError``; with ``AccountError/outcomeUnknown`` a key may exist that
    ///   nobody has seen.
    public func create(name: String, appID: String) async throws -> APIKey {
        try await native.call { native, call in
            APIKey(try await native.keysCreate(call: call, appId: appID, name: name))
        }
    }

    /// Deletes an API key. Scope `keys:delete`.
    public func delete(_ keyID: String, appID: String) async throws {
        try await native.call { native, call in
            try await native.keysDelete(call: call, appId: appID, keyId: keyID)
        }
    }
}

/// `client.oauth`: the documented requests themselves. Nothing is stored.
public struct OAuthResource: Sendable {
    let native: NativeClient

    /// Registers this installation; keep the client ID. Step 1 of the flow.
    public func register() async throws -> ClientRegistration {
        try await native.call { native, call in
            ClientRegistration(clientID: try await native.oauthRegister(call: call))
        }
    }

    /// Asks for a device code (RFC 8628 §3.1). Step 2.
    public func requestDeviceCode(clientID: String, scopes: [String]) async throws -> DeviceCode {
        try await native.call { native, call in
            DeviceCode(
                try await native.oauthRequestDeviceCode(
                    call: call, clientId: clientID, scopes: scopes))
        }
    }

    /// Polls once, without waiting (RFC 8628 §3.4). Step 4.
    public func pollToken(clientID: String, deviceCode: Secret) async throws -> PollAnswer {
        try await native.call { native, call in
            PollAnswer(
                try await native.oauthPollToken(
                    call: call, clientId: clientID, deviceCode: deviceCode.expose()))
        }
    }

    /// Trades a refresh token, which usually works once, for new tokens (RFC 6749 §6). Step 5.
    public func refresh(_ refreshToken: Secret, clientID: String? = nil) async throws -> TokenSet {
        try await native.call { native, call in
            TokenSet(
                try await native.oauthRefresh(
                    call: call, refreshToken: refreshToken.expose(), clientId: clientID))
        }
    }

    /// Revokes a refresh token; access tokens already out live until they expire. Step 6.
    public func revoke(_ refreshToken: Secret) async throws {
        try await native.call { native, call in
            try await native.oauthRevoke(call: call, refreshToken: refreshToken.expose())
        }
    }
}
