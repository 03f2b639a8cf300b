import Testing
@testable import ParallelAccount
@Test func secretIsShy() { #expect("\(Secret("hunter22"))" == "Secret(…)") }
