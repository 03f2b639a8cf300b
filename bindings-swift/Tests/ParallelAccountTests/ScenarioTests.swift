import Foundation
import Testing

/// Plays every scenario in `tests/scenarios`. `PARALLEL_ACCOUNT_SCENARIOS` picks scenarios by a
/// part of their names.
@Suite struct ScenarioTests {
    /// Scenarios spend their time waiting; more at once, and slow machines wait for themselves.
    private static let atOnce = 64

    @Test func everyScenarioHolds() async throws {
        let wanted = ProcessInfo.processInfo.environment["PARALLEL_ACCOUNT_SCENARIOS"] ?? ""
        let names = Scenario.files.keys.filter { wanted.isEmpty || $0.contains(wanted) }.sorted()
        #expect(!names.isEmpty)
        try await Sandbox.run { sandbox in
            var failed = 0
            try await withThrowingTaskGroup(of: (String, [String]).self) { group in
                for (number, name) in names.enumerated() {
                    if number >= Self.atOnce { failed += try await judge(group.next()) }
                    group.addTask {
                        (name, try await Scenario(name).run(in: sandbox).problems)
                    }
                }
                while let done = try await group.next() { failed += judge(done) }
            }
            print("scenarios (swift): \(names.count - failed) passed, \(failed) failed")
        }
    }

    private func judge(_ done: (String, [String])?) -> Int {
        guard let (name, problems) = done, !problems.isEmpty else { return 0 }
        Issue.record("\(name): \(problems.joined(separator: "; "))")
        return 1
    }
}
