internal import Foundation
public import ParallelAccount

/// A client that answers as a test says, without any network or store.
///
/// ```swift
/// let client = ScriptedClient()
/// client.script.getBalance = { throw AccountError.sample(.connection) }
/// await model.reload(with: client)
/// #expect(model.isOffline)
/// #expect(client.calls == [.getBalance])
/// ```
///
/// What a script leaves out answers samples.
public final class ScriptedClient: AccountClientProtocol, @unchecked Sendable {
    /// What each call does.
    public struct Script: Sendable {
        /// Of ``ParallelAccount/AccountClient/status()``.
        public var status: @Sendable () async throws -> LoginStatus = { .sample }
        /// Of ``ParallelAccount/AccountClient/logout(organization:all:)``.
        public var logout: @Sendable (_ organization: String?, _ all: Bool) async throws -> Void = {
            _, _ in
        }
        /// Of ``ParallelAccount/AccountClient/accessToken()``.
        public var accessToken: @Sendable () async throws -> Secret = { Secret("sample-token") }
        /// Of ``ParallelAccount/AccountClient/apiKey()``.
        public var apiKey: @Sendable () async throws -> Secret = { Secret("sample-key-0001") }
        /// Of ``ParallelAccount/AccountClient/renewApiKey(refused:)``.
        public var renewApiKey: @Sendable (_ refused: Secret?) async throws -> Secret = { _ in
            Secret("sample-key-0002")
        }
        /// Of ``ParallelAccount/AccountClient/organizations()``.
        public var organizations: @Sendable () async throws -> [Organization] = { [.sample] }
        /// Of ``ParallelAccount/AccountClient/selectOrganization(_:)``.
        public var selectOrganization: @Sendable (_ id: String) async throws -> Void = { _ in }
        /// Of ``ParallelAccount/AccountClient/request(_:_:json:)``.
        public var request:
            @Sendable (_ method: String, _ path: String, _ json: JSONValue?) async throws ->
                APIResponse = { _, _, _ in try APIResponse(json: [:]) }
        /// Of ``ParallelAccount/BalanceResource/get()``.
        public var getBalance: @Sendable () async throws -> Balance = { .sample }
        /// Of ``ParallelAccount/BalanceResource/add(amountCents:idempotencyKey:)``.
        public var addToBalance:
            @Sendable (_ amountCents: Int, _ idempotencyKey: String?) async throws -> Balance = {
                _, _ in .sample
            }
        /// Of ``ParallelAccount/AppsResource/list()``.
        public var listApps: @Sendable () async throws -> [AccountApp] = { [.sample] }
        /// Of ``ParallelAccount/AppsResource/create(name:)``.
        public var createApp: @Sendable (_ name: String) async throws -> AccountApp = {
            AccountApp(id: AccountApp.sample.id, name: $0)
        }
        /// Of ``ParallelAccount/AppsResource/delete(_:)``.
        public var deleteApp: @Sendable (_ appID: String) async throws -> Void = { _ in }
        /// Of ``ParallelAccount/KeysResource/create(name:appID:)``.
        public var createKey: @Sendable (_ name: String, _ appID: String) async throws -> APIKey = {
            _, _ in .sample
        }
        /// Of ``ParallelAccount/KeysResource/delete(_:appID:)``.
        public var deleteKey: @Sendable (_ keyID: String, _ appID: String) async throws -> Void = {
            _, _ in
        }

        /// Samples for everything.
        public init() {}
    }

    /// A call that was made, with its arguments.
    public enum Call: Sendable, Hashable {
        /// Of ``Script/status``.
        case status
        /// Of ``Script/logout``.
        case logout(organization: String?, all: Bool)
        /// Of ``Script/accessToken``.
        case accessToken
        /// Of ``Script/apiKey``.
        case apiKey
        /// Of ``Script/renewApiKey``.
        case renewApiKey(refused: Secret?)
        /// Of ``Script/organizations``.
        case organizations
        /// Of ``Script/selectOrganization``.
        case selectOrganization(String)
        /// Of ``Script/request``.
        case request(method: String, path: String, json: JSONValue?)
        /// Of ``Script/getBalance``.
        case getBalance
        /// Of ``Script/addToBalance``.
        case addToBalance(amountCents: Int, idempotencyKey: String?)
        /// Of ``Script/listApps``.
        case listApps
        /// Of ``Script/createApp``.
        case createApp(name: String)
        /// Of ``Script/deleteApp``.
        case deleteApp(String)
        /// Of ``Script/createKey``.
        case createKey(name: String, appID: String)
        /// Of ``Script/deleteKey``.
        case deleteKey(String, appID: String)
    }

    private let mutex = NSLock()
    private var currentScript: Script
    private var made: [Call] = []

    /// - Parameter script: What each call does; samples by default.
    public init(_ script: Script = Script()) { currentScript = script }

    /// What each call does from now on.
    public var script: Script {
        get { mutex.withLock { currentScript } }
        set { mutex.withLock { currentScript = newValue } }
    }

    /// The calls so far, in the order in which they were made.
    public var calls: [Call] { mutex.withLock { made } }

    private func note(_ call: Call) -> Script {
        mutex.withLock {
            made.append(call)
            return currentScript
        }
    }

    /// `client.balance`.
    public struct BalanceCalls: BalanceProtocol {
        let client: ScriptedClient

        /// See ``Script/getBalance``.
        public func get() async throws -> Balance {
            try await client.note(.getBalance).getBalance()
        }

        /// See ``Script/addToBalance``.
        public func add(amountCents: Int, idempotencyKey: String?) async throws -> Balance {
            let call = Call.addToBalance(amountCents: amountCents, idempotencyKey: idempotencyKey)
            return try await client.note(call).addToBalance(amountCents, idempotencyKey)
        }
    }

    /// `client.apps`.
    public struct AppsCalls: AppsProtocol {
        let client: ScriptedClient

        /// See ``Script/listApps``.
        public func list() async throws -> [AccountApp] {
            try await client.note(.listApps).listApps()
        }

        /// See ``Script/createApp``.
        public func create(name: String) async throws -> AccountApp {
            try await client.note(.createApp(name: name)).createApp(name)
        }

        /// See ``Script/deleteApp``.
        public func delete(_ appID: String) async throws {
            try await client.note(.deleteApp(appID)).deleteApp(appID)
        }
    }

    /// `client.keys`.
    public struct KeysCalls: KeysProtocol {
        let client: ScriptedClient

        /// See ``Script/createKey``.
        public func create(name: String, appID: String) async throws -> APIKey {
            try await client.note(.createKey(name: name, appID: appID)).createKey(name, appID)
        }

        /// See ``Script/deleteKey``.
        public func delete(_ keyID: String, appID: String) async throws {
            try await client.note(.deleteKey(keyID, appID: appID)).deleteKey(keyID, appID)
        }
    }

    /// The balance.
    public var balance: BalanceCalls { BalanceCalls(client: self) }
    /// The apps.
    public var apps: AppsCalls { AppsCalls(client: self) }
    /// The keys.
    public var keys: KeysCalls { KeysCalls(client: self) }

    /// See ``Script/status``.
    public func status() async throws -> LoginStatus { try await note(.status).status() }

    /// See ``Script/logout``.
    public func logout(organization: String?, all: Bool) async throws {
        try await note(.logout(organization: organization, all: all)).logout(organization, all)
    }

    /// See ``Script/accessToken``.
    public func accessToken() async throws -> Secret { try await note(.accessToken).accessToken() }

    /// See ``Script/apiKey``.
    public func apiKey() async throws -> Secret { try await note(.apiKey).apiKey() }

    /// See ``Script/renewApiKey``.
    public func renewApiKey(refused: Secret?) async throws -> Secret {
        try await note(.renewApiKey(refused: refused)).renewApiKey(refused)
    }

    /// See ``Script/organizations``.
    public func organizations() async throws -> [Organization] {
        try await note(.organizations).organizations()
    }

    /// See ``Script/selectOrganization``.
    public func selectOrganization(_ id: String) async throws {
        try await note(.selectOrganization(id)).selectOrganization(id)
    }

    /// See ``Script/request``.
    public func request(
        _ method: String, _ path: String, json: JSONValue?
    ) async throws -> APIResponse {
        try await note(.request(method: method, path: path, json: json)).request(method, path, json)
    }
}
