// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "worker",
    platforms: [.macOS(.v13)],
    dependencies: [.package(name: "ParallelAccount", path: "../../..")],
    targets: [
        .executableTarget(
            name: "worker",
            dependencies: [.product(name: "ParallelAccount", package: "ParallelAccount")]),
        // The worker of tests/keys, here because the library is built once for both.
        .executableTarget(
            name: "keys-worker",
            dependencies: [.product(name: "ParallelAccount", package: "ParallelAccount")]),
    ]
)
