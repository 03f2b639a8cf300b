/// What an app calls of ``AccountClient`` once somebody is logged in: take `any
/// AccountClientProtocol` where a test is to stand in for the service.
///
/// `ScriptedClient` of ParallelAccountTesting is one. The login itself, ``AccountClient/oauth`` and
/// options of calls are not part of it: test those with the sandbox.
public protocol AccountClientProtocol: Sendable {
    /// ``AccountClient/balance``, or what stands in for it.
    associatedtype BalanceCalls: BalanceProtocol
    /// ``AccountClient/apps``, or what stands in for it.
    associatedtype AppsCalls: AppsProtocol
    /// ``AccountClient/keys``, or what stands in for it.
    associatedtype KeysCalls: KeysProtocol

    /// See ``AccountClient/balance``.
    var balance: BalanceCalls { get }
    /// See ``AccountClient/apps``.
    var apps: AppsCalls { get }
    /// See ``AccountClient/keys``.
    var keys: KeysCalls { get }

    /// See ``AccountClient/status()``.
    func status() async throws -> LoginStatus
    /// See ``AccountClient/logout(organization:all:)``.
    func logout(organization: String?, all: Bool) async throws
    /// See ``AccountClient/accessToken()``.
    func accessToken() async throws -> Secret
    /// See ``AccountClient/apiKey()``.
    func apiKey() async throws -> Secret
    /// See ``AccountClient/renewApiKey(refused:)``.
    func renewApiKey(refused: Secret?) async throws -> Secret
    /// See ``AccountClient/organizations()``.
    func organizations() async throws -> [Organization]
    /// See ``AccountClient/selectOrganization(_:)``.
    func selectOrganization(_ id: String) async throws
    /// See ``AccountClient/request(_:_:json:)``.
    func request(_ method: String, _ path: String, json: JSONValue?) async throws -> APIResponse
}

/// The calls of ``BalanceResource``.
public protocol BalanceProtocol: Sendable {
    /// See ``BalanceResource/get()``.
    func get() async throws -> Balance
    /// See ``BalanceResource/add(amountCents:idempotencyKey:)``.
    func add(amountCents: Int, idempotencyKey: String?) async throws -> Balance
}

/// The calls of ``AppsResource``.
public protocol AppsProtocol: Sendable {
    /// See ``AppsResource/list()``.
    func list() async throws -> [AccountApp]
    /// See ``AppsResource/create(name:)``.
    func create(name: String) async throws -> AccountApp
    /// See ``AppsResource/delete(_:)``.
    func delete(_ appID: String) async throws
}

/// The calls of ``KeysResource``.
public protocol KeysProtocol: Sendable {
    /// See ``KeysResource/create(name:appID:)``.
    func create(name: String, appID: String) async throws -> APIKey
    /// See ``KeysResource/delete(_:appID:)``.
    func delete(_ keyID: String, appID: String) async throws
}

extension AccountClient: AccountClientProtocol {}
extension BalanceResource: BalanceProtocol {}
extension AppsResource: AppsProtocol {}
extension KeysResource: KeysProtocol {}

// What the methods of the classes have as defaults.

extension AccountClientProtocol {
    /// See ``AccountClient/logout(organization:all:)``.
    public func logout(organization: String? = nil) async throws {
        try await logout(organization: organization, all: false)
    }

    /// See ``AccountClient/renewApiKey(refused:)``.
    public func renewApiKey() async throws -> Secret { try await renewApiKey(refused: nil) }

    /// See ``AccountClient/request(_:_:json:)``.
    public func request(_ method: String, _ path: String) async throws -> APIResponse {
        try await request(method, path, json: nil)
    }
}

extension BalanceProtocol {
    /// See ``BalanceResource/add(amountCents:idempotencyKey:)``.
    public func add(amountCents: Int) async throws -> Balance {
        try await add(amountCents: amountCents, idempotencyKey: nil)
    }
}
