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
        let outcome = try await native.call {
            $0.request(call: $1, method: method, path: path, json: body)
        }
        return try APIResponse(outcome.answer)
    }
}

/// `client.balance`.
public struct BalanceResource: Sendable {
    let native: NativeClient

    /// The balance now. Scope `balance:read`.
    public func get() async throws -> Balance {
        Balance(try await native.call { $0.balanceGet(call: $1) }.balance)
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
        let outcome = try await native.call {
            $0.balanceAdd(
                call: $1, amountCents: Int64(amountCents), idempotencyKey: idempotencyKey)
        }
        return Balance(try outcome.balance)
    }
}

/// `client.apps`.
public struct AppsResource: Sendable {
    let native: NativeClient

    /// Every app of the organization. Scope `apps:read`.
    public func list() async throws -> [AccountApp] {
        try await native.call { $0.appsList(call: $1) }.apps.map(AccountApp.init)
    }

    /// Makes an app. Scope `apps:create`.
    ///
    /// - Returns: The app, with the name that was sent; the service does not say its organization.
    /// - Throws: ``AccountError``; with ``AccountError/outcomeUnknown`` look at ``list()`` before
    ///   you repeat it.
    public func create(name: String) async throws -> AccountApp {
        let outcome = try await native.call { $0.appsCreate(call: $1, name: name) }
        return AccountApp(id: try outcome.text, name: name)
    }

    /// Deletes an app. Scope `apps:delete`.
    public func delete(_ appID: String) async throws {
        try await native.call { $0.appsDelete(call: $1, appId: appID) }
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
        APIKey(try await native.call { $0.keysCreate(call: $1, appId: appID, name: name) }.key)
    }

    /// Deletes an API key. Scope `keys:delete`.
    public func delete(_ keyID: String, appID: String) async throws {
        try await native.call { $0.keysDelete(call: $1, appId: appID, keyId: keyID) }
    }
}

/// `client.oauth`: the documented requests themselves. Nothing is stored.
public struct OAuthResource: Sendable {
    let native: NativeClient

    /// Registers this installation; keep the client ID. Step 1 of the flow.
    public func register() async throws -> ClientRegistration {
        ClientRegistration(clientID: try await native.call { $0.oauthRegister(call: $1) }.text)
    }

    /// Asks for a device code (RFC 8628 §3.1). Step 2.
    public func requestDeviceCode(clientID: String, scopes: [String]) async throws -> DeviceCode {
        let outcome = try await native.call {
            $0.oauthRequestDeviceCode(call: $1, clientId: clientID, scopes: scopes)
        }
        return DeviceCode(try outcome.code)
    }

    /// Polls once, without waiting (RFC 8628 §3.4). Step 4.
    public func pollToken(clientID: String, deviceCode: Secret) async throws -> PollAnswer {
        let outcome = try await native.call {
            $0.oauthPollToken(call: $1, clientId: clientID, deviceCode: deviceCode.expose())
        }
        return PollAnswer(try outcome.poll)
    }

    /// Trades a refresh token, which usually works once, for new tokens (RFC 6749 §6). Step 5.
    public func refresh(_ refreshToken: Secret, clientID: String? = nil) async throws -> TokenSet {
        let outcome = try await native.call {
            $0.oauthRefresh(call: $1, refreshToken: refreshToken.expose(), clientId: clientID)
        }
        return TokenSet(try outcome.tokens)
    }

    /// Revokes a refresh token; access tokens already out live until they expire. Step 6.
    public func revoke(_ refreshToken: Secret) async throws {
        try await native.call { $0.oauthRevoke(call: $1, refreshToken: refreshToken.expose()) }
    }
}
