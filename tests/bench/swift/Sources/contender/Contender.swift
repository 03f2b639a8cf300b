import Foundation
import ParallelAccount

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

let base = ProcessInfo.processInfo.environment["BENCH_URL"]!
let token = ProcessInfo.processInfo.environment["BENCH_TOKEN"]!
let atOnce = 64

/// One contender: `contender NAME MODE`, as ../../../README.md describes it. Each line of its input,
/// `SECONDS CALLS`, is a turn, which it answers with a line.
///
/// Both do the same: GET the balance with the bearer header, check the status, decode the JSON.
@main
struct Contender {
    static func main() async throws {
        try say(["rss_start": rss()])
        let call = try CommandLine.arguments[1] == "URLSession" ? urlSession() : parallelAccount()
        let tasks = CommandLine.arguments[2] == "many" ? atOnce : 1
        try await call()

        let clock = ContinuousClock()
        // Nothing is under way while this thread waits for its next turn.
        while let line = readLine() {
            let turn = line.split(separator: " ").compactMap { Double($0) }
            let (start, cpuStart) = (clock.now, cpu())
            let plan = Plan(seconds: turn[0], calls: Int(turn[1]), among: tasks)
            let calls = try await run(call, tasks: tasks, plan: plan)
            try say([
                "calls": Double(calls),
                "seconds": (clock.now - start) / .seconds(1),
                "cpu": cpu() - cpuStart,
                "rss_end": rss(),
            ])
        }
    }
}

func say(_ line: [String: Double]) throws {
    let text = String(decoding: try JSONEncoder().encode(line), as: UTF8.self) + "\n"
    try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
}

typealias Call = @Sendable () async throws -> Void

struct Wrong: Error {}

func parallelAccount() throws -> Call {
    // Logged in until 2100.
    let record = """
        {"version": 1, "selected_org_id": "org_bench", "orgs": {"org_bench": {"control_api":
        {"access_token": "\(token)", "access_token_expires_at": 4102444800}}}}
        """
    let client = try AccountClient(
        platformURL: base, accountURL: "\(base)/account",
        store: MemoryStore(record: record))
    return {
        guard try await client.balance.get().organizationID == "org_bench" else { throw Wrong() }
    }
}

func urlSession() throws -> Call {
    struct Balance: Decodable {
        let orgID: String
        let credit, pendingDebit: Double
        let willInvoice: Bool

        enum CodingKeys: String, CodingKey {
            case orgID = "org_id"
            case credit = "credit_balance_cents"
            case pendingDebit = "pending_debit_balance_cents"
            case willInvoice = "will_invoice"
        }
    }
    let configuration = URLSessionConfiguration.ephemeral
    configuration.httpMaximumConnectionsPerHost = atOnce
    configuration.requestCachePolicy = .reloadIgnoringLocalCacheData
    let session = URLSession(configuration: configuration)
    var request = URLRequest(url: URL(string: "\(base)/account/service/v1/balance")!)
    request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization")
    request.setValue("application/json", forHTTPHeaderField: "Accept")
    return { [request] in
        let (data, response) = try await session.data(for: request)
        guard (response as? HTTPURLResponse)?.statusCode == 200 else { throw Wrong() }
        let balance = try JSONDecoder().decode(Balance.self, from: data)
        guard balance.orgID == "org_bench" else { throw Wrong() }
    }
}

/// How long a task's calls continue: so many seconds, or so many calls if that is not 0.
struct Plan: Sendable {
    let end: ContinuousClock.Instant
    let calls: Int

    init(seconds: Double, calls: Int, among tasks: Int) {
        end = .now + .seconds(seconds)
        self.calls = (calls + tasks - 1) / tasks
    }

    func goesOn(_ done: Int) -> Bool { calls > 0 ? done < calls : .now < end }
}

func run(_ call: @escaping Call, tasks: Int, plan: Plan) async throws -> Int {
    try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<tasks {
            group.addTask {
                var done = 0
                while plan.goesOn(done) {
                    try await call()
                    done += 1
                }
                return done
            }
        }
        return try await group.reduce(0, +)
    }
}

/// Bytes of this process that are in memory.
func rss() -> Double {
    let statm = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
    return (statm.flatMap { Double($0.split(separator: " ")[1]) } ?? 0) * 4096
}

/// Seconds of CPU time, user and system.
func cpu() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
