# Everything a newcomer needs to type. Each target brings its own tools (scripts/setup) and says how long it took.
.DEFAULT_GOAL := help
.PHONY: help demo test test-full fuzz bench compare-litellm-rust build lint setup clean-demo

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: ## the whole loop before your eyes: climb from off to full, broken parity, rollback (DEMO_ONCE=1: quick, exits 0 or 1)
	@scripts/setup demo
	@scripts/demo

test: ## lint, unit, property, simulation, cost of a request, end-to-end against the real LiteLLM, browser; 25 minutes cold at most
	@scripts/setup test
	@scripts/test

test-full: ## the same and the long ones, among them 15 s of each fuzz target
	@scripts/setup test
	@scripts/setup fuzz
	@scripts/test --full

fuzz: ## fuzz what reads foreign bytes, SECONDS=60 for each target of fuzz/ (TARGETS="diff rules": only these)
	@scripts/setup fuzz
	@scripts/fuzz --seconds $(or $(SECONDS),60) $(TARGETS)

bench: ## measure beside nginx, HAProxy, bare Pingora and LiteLLM; hours with its soak (QUICK=1: below five minutes after the build)
	@scripts/setup bench
	@cargo build --release --locked --workspace --bins
	@.cache/plots/bin/python benchmark/bench.py $(if $(QUICK),--quick) $(ARGUMENTS)

compare-litellm-rust: ## how many of the recorded cases LiteLLM's own Rust answers otherwise than its Python (five minutes)
	@scripts/setup test
	@scripts/compare-litellm-rust

build: ## the tuned binary, target/release/crossfade
	@cargo build --release --locked

lint: ## formatting and clippy, as CI sees them
	@scripts/test lint

setup: ## install what is missing on this machine, nothing else
	@scripts/setup test
