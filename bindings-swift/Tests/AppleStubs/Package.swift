// swift-tools-version: 6.0
import PackageDescription

// Compiles on Linux what this package has for Apple platforms, against stubs: modules with Apple's
// names that declare just what is used. Security is more, a keychain in memory, so that the logic
// over it is tested. Sources/ParallelAccount and its like are links to the real sources. A package
// of its own, because the stubs would make the real one believe that it is on a Mac.
let stubs = ["Combine", "CoreImage", "CryptoKit", "Security", "SwiftUI", "UIKit"]

let package = Package(
    name: "AppleStubs",
    targets: stubs.filter { $0 != "SwiftUI" }.map { .target(name: $0) } + [
        .target(name: "SwiftUI", dependencies: ["Combine", "CoreImage"]),
        .systemLibrary(name: "CParallelAccountFFI", pkgConfig: "parallel-account"),
        .target(
            name: "ParallelAccountFFI", dependencies: ["CParallelAccountFFI"],
            swiftSettings: [.swiftLanguageMode(.v5)]),
        .target(
            name: "ParallelAccount",
            dependencies: ["ParallelAccountFFI", "CryptoKit", "Security"],
            exclude: ["PrivacyInfo.xcprivacy", "ParallelAccount.docc"],
            swiftSettings: [.define("PARALLEL_ACCOUNT_STUBS")]),
        .target(
            name: "ParallelAccountUI",
            dependencies: ["ParallelAccount", "Combine", "CoreImage", "SwiftUI", "UIKit"]),
        .target(name: "ParallelAccountTesting", dependencies: ["ParallelAccount"]),
        .executableTarget(name: "KeychainWorker", dependencies: ["ParallelAccount"]),
        .testTarget(
            name: "KeychainTests",
            dependencies: [
                "KeychainWorker", "ParallelAccount", "ParallelAccountTesting", "ParallelAccountUI",
                "Security",
            ]),
    ],
    swiftLanguageModes: [.v6]
)
