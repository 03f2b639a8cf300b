internal import ParallelAccountFFI

/// What a call answers, by the type that its caller knows it to have.
extension FfiOutcome {
    var text: String {
        get throws { if case .text(let value) = self { value } else { throw mismatch } }
    }

    var record: String? {
        get throws { if case .record(let value) = self { value } else { throw mismatch } }
    }

    var replaced: Bool {
        get throws { if case .replaced(let value) = self { value } else { throw mismatch } }
    }

    var balance: FfiBalance {
        get throws { if case .balance(let value) = self { value } else { throw mismatch } }
    }

    var apps: [FfiApp] {
        get throws { if case .apps(let value) = self { value } else { throw mismatch } }
    }

    var key: FfiApiKey {
        get throws { if case .key(let value) = self { value } else { throw mismatch } }
    }

    var answer: FfiAnswer {
        get throws { if case .answer(let value) = self { value } else { throw mismatch } }
    }

    var login: FfiLogin {
        get throws { if case .login(let value) = self { value } else { throw mismatch } }
    }

    var event: FfiLoginEvent {
        get throws { if case .event(let value) = self { value } else { throw mismatch } }
    }

    var status: FfiStatus {
        get throws { if case .status(let value) = self { value } else { throw mismatch } }
    }

    var organizations: [FfiOrganization] {
        get throws { if case .organizations(let value) = self { value } else { throw mismatch } }
    }

    var poll: FfiPollAnswer {
        get throws { if case .poll(let value) = self { value } else { throw mismatch } }
    }

    var tokens: FfiTokens {
        get throws { if case .tokens(let value) = self { value } else { throw mismatch } }
    }

    var code: FfiDeviceCode {
        get throws { if case .code(let value) = self { value } else { throw mismatch } }
    }

    /// Says nothing of the value, which may be a secret.
    private var mismatch: AccountError { AccountError(bug: "a call had an answer of another kind") }
}
