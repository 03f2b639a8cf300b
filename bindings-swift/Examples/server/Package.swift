// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "server",
    platforms: [.macOS(.v14)],
    dependencies: [.package(name: "ParallelAccount", path: "../../..")],
    targets: [
        .executableTarget(
            name: "server",
            dependencies: [.product(name: "ParallelAccount", package: "ParallelAccount")])
    ]
)
