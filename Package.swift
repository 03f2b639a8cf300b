// swift-tools-version: 6.0
import PackageDescription

// Where the Rust half comes from. A release fills this in, for Apple platforms.
let release: (url: String, checksum: String)? = nil

// In a source checkout, and on Linux always, it is the static library that
// `cargo build -p parallel-account-swift` made (see bindings-swift/README.md); or, if
// PARALLEL_ACCOUNT_XCFRAMEWORK is set, what bindings-swift/tools/xcframework made.
let environment = Context.environment
let profile = environment["PARALLEL_ACCOUNT_PROFILE"] ?? "debug"
let target = environment["CARGO_TARGET_DIR"] ?? "\(Context.packageDirectory)/target"
let sources = "bindings-swift/Sources"
let name = "CParallelAccountFFI"

#if os(Linux)
    let isApple = false
#else
    let isApple = true
#endif

let native: Target
var generated: [SwiftSetting] = [.swiftLanguageMode(.v5)]
var linking: [LinkerSetting] = [
    .linkedFramework("Security", .when(platforms: [.macOS, .iOS, .macCatalyst])),
    .linkedFramework("SystemConfiguration", .when(platforms: [.macOS])),
]
if isApple, let release {
    native = .binaryTarget(name: name, url: release.url, checksum: release.checksum)
} else if isApple, environment["PARALLEL_ACCOUNT_XCFRAMEWORK"] != nil {
    native = .binaryTarget(name: name, path: "build/\(name).xcframework")
} else {
    native = .systemLibrary(name: name, path: "\(sources)/\(name)")
    generated.append(.unsafeFlags(["-Osize"], .when(configuration: .release)))
    linking += [
        .unsafeFlags(["-L\(target)/\(profile)"]),
        .linkedLibrary("parallel_account_ffi"),
        .linkedLibrary("m"),
    ]
}

let package = Package(
    name: "ParallelAccount",
    platforms: [.macOS(.v13), .iOS(.v16), .macCatalyst(.v16)],
    products: [.library(name: "ParallelAccount", targets: ["ParallelAccount"])],
    targets: [
        native,
        // Generated: async foreign traits need Swift 5 mode.
        .target(
            name: "ParallelAccountFFI",
            dependencies: [.target(name: name)],
            path: "\(sources)/ParallelAccountFFI",
            swiftSettings: generated,
            linkerSettings: linking
        ),
        .target(
            name: "ParallelAccount",
            dependencies: ["ParallelAccountFFI"],
            path: "\(sources)/ParallelAccount"
        ),
        // An example that no product contains, so that only this package's own builds compile it.
        .target(
            name: "LoginView",
            dependencies: ["ParallelAccount"],
            path: "bindings-swift/Examples/LoginView"
        ),
        .testTarget(
            name: "ParallelAccountTests",
            dependencies: ["ParallelAccount", "ParallelAccountFFI", "LoginView"],
            path: "bindings-swift/Tests/ParallelAccountTests"
        ),
    ],
    swiftLanguageModes: [.v6]
)
