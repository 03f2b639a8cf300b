import Foundation

@main
struct Main {
    static func main() async throws {
        print("", Date())
    }
}
