// swift-tools-version: 6.0
import PackageDescription

// Where the Rust half comes from. A release fills this in, for Apple platforms.
let release: (url: String, checksum: String)? = nil

// Elsewhere, and for Linux always, it is a static library that pkg-config finds as
// `parallel-account`: installed by bindings-swift/tools/install, or built by
// bindings-swift/tools/library in a source checkout. If PARALLEL_ACCOUNT_XCFRAMEWORK is set, a Mac
// takes what bindings-swift/tools/release/xcframework made.
let sources = "bindings-swift/Sources"
let name = "CParallelAccountFFI"
let library = Target.systemLibrary(
    name: name, path: "\(sources)/\(name)", pkgConfig: "parallel-account")

#if os(Linux)
    let isApple = false
#else
    let isApple = true
#endif

var native = [library]
var dependencies: [Target.Dependency] = [.target(name: name)]
if isApple {
    let made = Context.environment["PARALLEL_ACCOUNT_XCFRAMEWORK"] != nil
    let framework: Target? =
        if let release {
            .binaryTarget(name: name, url: release.url, checksum: release.checksum)
        } else if made {
            .binaryTarget(name: name, path: "build/\(name).xcframework")
        } else {
            nil
        }
    if let framework {
        // A Mac that compiles for Linux links the library there: under another name, as a target's
        // is unique, with the same module.
        let elsewhere = "\(name)Library"
        native = [
            framework,
            .systemLibrary(
                name: elsewhere, path: "\(sources)/\(name)", pkgConfig: "parallel-account"),
        ]
        dependencies = [
            .target(
                name: name,
                condition: .when(platforms: [.macOS, .iOS, .macCatalyst, .tvOS, .visionOS])),
            .target(name: elsewhere, condition: .when(platforms: [.linux])),
        ]
    }
}

let package = Package(
    name: "ParallelAccount",
    platforms: [.macOS(.v13), .iOS(.v16), .macCatalyst(.v16), .tvOS(.v16), .visionOS(.v1)],
    products: [
        .library(name: "ParallelAccount", targets: ["ParallelAccount"]),
        .library(name: "ParallelAccountUI", targets: ["ParallelAccountUI"]),
        .library(name: "ParallelAccountTesting", targets: ["ParallelAccountTesting"]),
    ],
    targets: native + [
        // Generated: async foreign traits need Swift 5 mode.
        .target(
            name: "ParallelAccountFFI",
            dependencies: dependencies,
            path: "\(sources)/ParallelAccountFFI",
            swiftSettings: [.swiftLanguageMode(.v5)],
            linkerSettings: [
                .linkedFramework(
                    "Security",
                    .when(platforms: [.macOS, .iOS, .macCatalyst, .tvOS, .visionOS])),
                .linkedFramework("SystemConfiguration", .when(platforms: [.macOS])),
            ]
        ),
        .target(
            name: "ParallelAccount",
            dependencies: ["ParallelAccountFFI"],
            path: "\(sources)/ParallelAccount",
            exclude: isApple ? [] : ["PrivacyInfo.xcprivacy"],
            resources: isApple ? [.copy("PrivacyInfo.xcprivacy")] : []
        ),
        .target(
            name: "ParallelAccountUI",
            dependencies: ["ParallelAccount"],
            path: "\(sources)/ParallelAccountUI"
        ),
        .target(
            name: "ParallelAccountTesting",
            dependencies: ["ParallelAccount"],
            path: "\(sources)/ParallelAccountTesting"
        ),
        .testTarget(
            name: "ParallelAccountTests",
            dependencies: [
                "ParallelAccount", "ParallelAccountFFI", "ParallelAccountUI",
                "ParallelAccountTesting",
            ],
            path: "bindings-swift/Tests/ParallelAccountTests"
        ),
    ],
    swiftLanguageModes: [.v6]
)
