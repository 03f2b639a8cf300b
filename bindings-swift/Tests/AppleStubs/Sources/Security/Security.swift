// A stub of Apple's Security: see Package.swift. A keychain for generic passwords, in memory or, with
// SECURITY_STUB_FILE, in a file that processes share. Each call is one transaction, as Apple's are.
import Foundation

public typealias OSStatus = Int32
public typealias CFString = NSString
public typealias CFTypeRef = AnyObject
public typealias CFDictionary = NSDictionary

public let errSecSuccess: OSStatus = 0
public let errSecUserCanceled: OSStatus = -128
public let errSecIO: OSStatus = -36
public let errSecInternalComponent: OSStatus = -2070
public let errSecNotAvailable: OSStatus = -25291
public let errSecAuthFailed: OSStatus = -25293
public let errSecDuplicateItem: OSStatus = -25299
public let errSecItemNotFound: OSStatus = -25300
public let errSecInteractionNotAllowed: OSStatus = -25308
public let errSecMissingEntitlement: OSStatus = -34018
private let errSecParam: OSStatus = -50

nonisolated(unsafe) public let kSecClass: CFString = "class"
nonisolated(unsafe) public let kSecClassGenericPassword: CFString = "genp"
nonisolated(unsafe) public let kSecAttrService: CFString = "svce"
nonisolated(unsafe) public let kSecAttrAccount: CFString = "acct"
nonisolated(unsafe) public let kSecAttrAccessGroup: CFString = "agrp"
nonisolated(unsafe) public let kSecAttrGeneric: CFString = "gena"
nonisolated(unsafe) public let kSecAttrAccessible: CFString = "pdmn"
nonisolated(unsafe) public let kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly: CFString = "cku"
nonisolated(unsafe) public let kSecUseDataProtectionKeychain: CFString = "nleg"
nonisolated(unsafe) public let kSecReturnData: CFString = "r_Data"
nonisolated(unsafe) public let kSecMatchLimit: CFString = "m_Limit"
nonisolated(unsafe) public let kSecMatchLimitOne: CFString = "m_LimitOne"
nonisolated(unsafe) public let kSecValueData: CFString = "v_Data"

/// What tests do to the keychain besides.
public enum SecurityStub {
    public struct Item: Codable, Equatable, Sendable {
        public var service = ""
        public var account = ""
        public var group = "app"
        public var generic: Data?
        public var value: Data?
        public var accessible: String?
        /// Additions meet it and searches do not, as one that another app's entitlements hide.
        public var isHidden = false

        public init() {}
    }

    private static let mutex = NSLock()
    nonisolated(unsafe) private static var memory: [Item] = []
    nonisolated(unsafe) private static var status: (OSStatus, times: Int)?

    /// A file in place of the memory, that other processes share.
    nonisolated(unsafe) public static var file =
        ProcessInfo.processInfo.environment["SECURITY_STUB_FILE"]

    /// The next calls answer this and do nothing.
    public static func fail(with status: OSStatus, times: Int = 1) {
        mutex.withLock { self.status = (status, times) }
    }

    /// An empty keychain that works.
    public static func reset() {
        mutex.withLock { status = nil }
        items = []
    }

    public static var items: [Item] {
        get { transaction { $0 } }
        set { transaction { $0 = newValue } }
    }

    /// One call at a time, in all processes.
    static func transaction<Value>(_ body: (inout [Item]) -> Value) -> Value {
        mutex.withLock {
            guard let path = file else { return body(&memory) }
            let descriptor = open(path, O_RDWR | O_CREAT, 0o600)
            precondition(descriptor >= 0 && flock(descriptor, LOCK_EX) == 0)
            defer { close(descriptor) }
            let file = FileHandle(fileDescriptor: descriptor)
            let text = file.readDataToEndOfFile()
            var items = (try? JSONDecoder().decode([Item].self, from: text)) ?? []
            let before = items
            let value = body(&items)
            if items != before {
                file.truncateFile(atOffset: 0)
                file.write(try! JSONEncoder().encode(items))
            }
            return value
        }
    }

    static func call(_ body: (inout [Item]) -> OSStatus) -> OSStatus {
        let failure: OSStatus? = mutex.withLock {
            guard let (status, times) = self.status else { return nil }
            self.status = times > 1 ? (status, times - 1) : nil
            return status
        }
        return failure ?? transaction(body)
    }
}

extension NSDictionary {
    fileprivate func text(_ key: CFString) -> String? { self[key] as? String }
    fileprivate func data(_ key: CFString) -> Data? { self[key] as? Data }

    /// Only what the store is to use is understood.
    fileprivate var isQuery: Bool {
        text(kSecClass) == "genp" && text(kSecAttrService) != nil && text(kSecAttrAccount) != nil
    }

    fileprivate func matches(_ item: SecurityStub.Item) -> Bool {
        !item.isHidden && item.service == text(kSecAttrService)
            && item.account == text(kSecAttrAccount)
            && text(kSecAttrAccessGroup).map { $0 == item.group } ?? true
            && data(kSecAttrGeneric).map { $0 == item.generic } ?? true
    }

    fileprivate func change(_ item: inout SecurityStub.Item) {
        if let value = data(kSecValueData) { item.value = value }
        if let generic = data(kSecAttrGeneric) { item.generic = generic }
        if let accessible = text(kSecAttrAccessible) { item.accessible = accessible }
    }
}

public func SecItemCopyMatching(
    _ query: CFDictionary, _ result: UnsafeMutablePointer<CFTypeRef?>?
) -> OSStatus {
    guard query.isQuery else { return errSecParam }
    return SecurityStub.call { items in
        guard let item = items.first(where: query.matches) else { return errSecItemNotFound }
        if query[kSecReturnData] as? Bool == true {
            result?.pointee = item.value.map { NSData(data: $0) }
        }
        return errSecSuccess
    }
}

public func SecItemAdd(
    _ attributes: CFDictionary, _ result: UnsafeMutablePointer<CFTypeRef?>?
) -> OSStatus {
    guard attributes.isQuery else { return errSecParam }
    return SecurityStub.call { items in
        var item = SecurityStub.Item()
        item.service = attributes.text(kSecAttrService)!
        item.account = attributes.text(kSecAttrAccount)!
        item.group = attributes.text(kSecAttrAccessGroup) ?? "app"
        attributes.change(&item)
        let isKnown = items.contains {
            $0.service == item.service && $0.account == item.account && $0.group == item.group
        }
        if isKnown { return errSecDuplicateItem }
        items.append(item)
        return errSecSuccess
    }
}

public func SecItemUpdate(_ query: CFDictionary, _ attributes: CFDictionary) -> OSStatus {
    guard query.isQuery else { return errSecParam }
    return SecurityStub.call { items in
        let found = items.indices.filter { query.matches(items[$0]) }
        for index in found { attributes.change(&items[index]) }
        return found.isEmpty ? errSecItemNotFound : errSecSuccess
    }
}

public func SecItemDelete(_ query: CFDictionary) -> OSStatus {
    guard query.isQuery else { return errSecParam }
    return SecurityStub.call { items in
        let before = items.count
        items.removeAll(where: query.matches)
        return items.count == before ? errSecItemNotFound : errSecSuccess
    }
}
