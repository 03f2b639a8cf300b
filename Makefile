# Every target sets up what it needs from Rust, Python >= 3.10 and Node >= 20.
SHELL := /bin/bash
.PHONY: help demo test lint fmt generate docs model stress fleet fuzz bench bundlers platforms

help:
	@sed -n 's/^## \{0,1\}//p' $(MAKEFILE_LIST)

## The two to begin with:
##
## make demo           the whole job in Rust, Python, Node and Swift against a local Parallel
demo:
	@tests/demo/demo.sh

## make test           every suite and linter, with a line of counts each (SKIP_SWIFT=1 leaves Swift out)
test:
	@tests/run.sh

##
## While working:
##
## make test-SUITE     one of: lint rust python node swift browser interop readme docs demo command kit stress fleet keys
test-%:
	@tests/run.sh $*

## make lint           formatting, lints, types, spelling and generated files of every language
lint:
	@tests/run.sh lint

## make fmt            formats every language, and mends what linters can
fmt:
	@tests/lint/fmt

## make generate       writes all that is generated and committed: façades, bindings, indexes, references
generate:
	@tests/lint/generate

## make package-LANGUAGE   python, node or swift: the release packages of this platform, checked
package-%:
	@bindings-$*/tools/package

## make docs           the site, into target/site: the command says where, how long it took, and its size
docs:
	@docs/tools/build

##
## Long forms and measurements:
##
## make model          the long form of the model checker (minutes, several GB; CASE="two stalls" for one)
model:
	cargo test --profile model -p parallel-account-model -- --ignored --nocapture

## make stress         the long form of the stress tests (32 processes, 500 kills, 1000 schedules; data keys)
stress:
	FAULT_SEEDS=1000 cargo test -p parallel-account --test faults -- --nocapture
	tests/stress/run.sh --long
	tests/keys/run.sh --long

## make fleet          the long form of the fleet: 64 processes on Redis, Postgres and SQLite (about two hours)
fleet:
	tests/fleet/run.sh --long

## make fuzz           libFuzzer over every parser, FUZZ_SECONDS (600) each, two at a time
fuzz:
	@tests/fuzz.sh

## make bench          speed and size beside others (SECTION=python, ROUNDS=5); see tests/bench
bench:
	@python3 tests/bench/run.py $(if $(SECTION),--section $(SECTION)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS))

## make bundlers       every bundler, framework and single executable that Node's package is tried in (1 GB from npm)
bundlers:
	@bindings-node/tools/bundlers

## make platforms      Windows, macOS, arm64, musl and Python 3.14, as far as one Linux machine can (root; about an hour)
platforms:
	@tests/platforms/run.sh $(PLATFORMS)
