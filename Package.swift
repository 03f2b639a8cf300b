// swift-tools-version: 6.0
import PackageDescription

// Where the Rust half comes from. A release of this package fills in `release`; a source
// checkout links what `cargo build -p parallel-account-swift` made (see bindings-swift/README.md).
let release: (url: String, checksum: String)? = nil

let environment = Context.environment
let profile = environment["PARALLEL_ACCOUNT_PROFILE"] ?? "debug"
let target = environment["CARGO_TARGET_DIR"] ?? "\(Context.packageDirectory)/target"
let sources = "bindings-swift/Sources"

let native: Target
let linking: [LinkerSetting]
#if os(Linux)
    native = .systemLibrary(name: "CParallelAccountFFI", path: "\(sources)/CParallelAccountFFI")
    linking = [
        .unsafeFlags(["-L\(target)/\(profile)"]),
        .linkedLibrary("parallel_account_ffi"),
        .linkedLibrary("m"),
    ]
#else
    if let release {
        native = .binaryTarget(
            name: "CParallelAccountFFI", url: release.url, checksum: release.checksum)
    } else {
        // Made by bindings-swift/tools/xcframework.
        native = .binaryTarget(
            name: "CParallelAccountFFI", path: "build/CParallelAccountFFI.xcframework")
    }
    linking = [
        .linkedFramework("Security"),
        .linkedFramework("SystemConfiguration", .when(platforms: [.macOS])),
    ]
#endif

let package = Package(
    name: "ParallelAccount",
    platforms: [.macOS(.v13), .iOS(.v16), .macCatalyst(.v16)],
    products: [.library(name: "ParallelAccount", targets: ["ParallelAccount"])],
    targets: [
        native,
        // Generated: async foreign traits need Swift 5 mode.
        .target(
            name: "ParallelAccountFFI",
            dependencies: ["CParallelAccountFFI"],
            path: "\(sources)/ParallelAccountFFI",
            swiftSettings: [.swiftLanguageMode(.v5)],
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
