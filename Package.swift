// swift-tools-version: 6.2
import PackageDescription

/// Warnings are errors in every target; the language mode is Swift 6.
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Swift's libraries are in the daemon: it starts sooner, takes less memory, and runs where there is no toolchain. The
/// thread sanitizer misses threads of C libraries then.
let runtime: [LinkerSetting] =
    Context.environment["CRIMS_SHARED_RUNTIME"] == nil ? [.unsafeFlags(["-static-stdlib"])] : []

let package = Package(
    name: "crims",
    products: [
        .executable(name: "crims", targets: ["CrimsDaemon"])
    ],
    targets: [
        // C libraries from Debian. Their .pc files carry flags that the package manager warns about, so the
        // module maps name the library and nothing else.
        .systemLibrary(name: "CZMQ", providers: [.apt(["libzmq3-dev"])]),
        .systemLibrary(name: "CArchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CSodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CGEOS", providers: [.apt(["libgeos-dev"])]),
        .systemLibrary(name: "CMicroHTTPD", providers: [.apt(["libmicrohttpd-dev"])]),
        .target(name: "CSystem"),

        .target(name: "Hashing", dependencies: ["CSodium"], swiftSettings: strict),
        .target(name: "Locking", swiftSettings: strict),

        .target(name: "CrimsCore", swiftSettings: strict),
        .target(name: "Protocol", dependencies: ["CrimsCore"], swiftSettings: strict),
        .target(name: "Coupling", dependencies: ["CrimsCore", "Protocol"], swiftSettings: strict),
        .target(name: "Models", dependencies: ["CrimsCore", "Protocol", "Hashing", "Locking"], swiftSettings: strict),
        .target(
            name: "Calibration", dependencies: ["CrimsCore", "Protocol", "Models", "CArchive"], swiftSettings: strict),
        .target(name: "Fetching", dependencies: ["CrimsCore", "Protocol", "CCurl", "CSystem"], swiftSettings: strict),
        .target(
            name: "Reporting", dependencies: ["CrimsCore", "Protocol", "Models", "Calibration"], swiftSettings: strict),
        .target(
            name: "Journal", dependencies: ["CrimsCore", "Protocol", "Coupling", "Hashing", "CSQLite", "CSystem"],
            swiftSettings: strict),
        .target(
            name: "Messaging", dependencies: ["CrimsCore", "Protocol", "Coupling", "CZMQ", "CSystem"],
            swiftSettings: strict),
        .target(name: "Geometry", dependencies: ["CGEOS"], swiftSettings: strict),
        .target(
            name: "Web",
            dependencies: [
                "CrimsCore", "Protocol", "Coupling", "Geometry", "Models", "Locking", "CMicroHTTPD", "CSystem",
            ],
            exclude: ["Page"], swiftSettings: strict),
        .executableTarget(
            name: "CrimsDaemon",
            dependencies: [
                "CrimsCore", "Protocol", "Coupling", "Journal", "Models", "Calibration", "Fetching", "Reporting",
                "Messaging", "Web",
            ],
            swiftSettings: strict,
            linkerSettings: runtime),

        .executableTarget(
            name: "sampling-bench", dependencies: ["CrimsCore", "Models"], path: "Benchmarks/SamplingBench",
            swiftSettings: strict),

        // Counts what the tests' threads allocate.
        .target(name: "CAllocations", path: "Tests/Allocations"),
        .testTarget(name: "CrimsCoreTests", dependencies: ["CrimsCore", "CAllocations"], swiftSettings: strict),
        .testTarget(name: "ProtocolTests", dependencies: ["Protocol"], swiftSettings: strict),
        .testTarget(name: "CouplingTests", dependencies: ["Coupling"], swiftSettings: strict),
        .testTarget(
            name: "JournalTests", dependencies: ["Journal", "Coupling", "CrimsCore", "Protocol"], swiftSettings: strict),
        .testTarget(name: "MessagingTests", dependencies: ["Messaging"], swiftSettings: strict),
        .testTarget(name: "GeometryTests", dependencies: ["Geometry"], swiftSettings: strict),
        .testTarget(name: "WebTests", dependencies: ["Web", "Protocol", "Coupling"], swiftSettings: strict),
        .testTarget(name: "ModelsTests", dependencies: ["Models"], swiftSettings: strict),
        .testTarget(name: "FetchingTests", dependencies: ["Fetching"], swiftSettings: strict),
        .testTarget(
            name: "CalibrationTests", dependencies: ["Calibration", "Protocol", "Reporting"], swiftSettings: strict),
        .testTarget(name: "ReportingTests", dependencies: ["Reporting"], swiftSettings: strict),

        // What must hold of every input of every decoder; `make torture-fuzz` looks for one of which it does not.
        .target(
            name: "Fuzzing",
            dependencies: ["CrimsCore", "Protocol", "Coupling", "Models", "Calibration", "Fetching", "Journal"],
            path: "Tests/Fuzzing/Properties", swiftSettings: strict),
        .testTarget(name: "FuzzingTests", dependencies: ["Fuzzing", "Models"], swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)

// It has no `main`, which is libFuzzer's: it can only be built with `--sanitize=fuzzer`.
if Context.environment["CRIMS_FUZZER"] != nil {
    package.targets.append(
        .executableTarget(
            name: "crims-fuzz", dependencies: ["Fuzzing", "Models"], path: "Tests/Fuzzing/Driver",
            swiftSettings: strict))
}
