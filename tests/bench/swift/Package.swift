// swift-tools-version: 6.0
import PackageDescription

let library: Target.Dependency = .product(name: "ParallelAccount", package: "ParallelAccount")

let package = Package(
    name: "bench",
    platforms: [.macOS(.v13)],
    dependencies: [.package(name: "ParallelAccount", path: "../../..")],
    targets: [
        .executableTarget(name: "contender", dependencies: [library]),
        // Two programs that differ by the library alone, to see what it adds.
        .executableTarget(name: "with-library", dependencies: [library]),
        .executableTarget(name: "without-library"),
    ]
)
