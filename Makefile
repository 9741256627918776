# The list of what people and CI run. "make" alone prints it.
.PHONY: help demo test check fuzz bench soak generate

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: ## the main job on real input: server, mock assessment system, scheduler, synthetic citizens
	go run ./cmd/lienthong demo

test: ## the tests
	go test ./...

check: ## what CI runs
	bash .ci/run

bench: ## every figure next to its limit; takes some minutes
	go run ./cmd/lienthong bench all

generate: ## the tables of R4, of the claim file and of the vaccination schedule, from their definitions
	go generate ./...
