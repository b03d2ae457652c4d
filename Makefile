# Crumpet. `make help` lists the targets.

GO       ?= go
TOOL     := $(GO) tool -modfile=.ci/tools/go.mod
STACK    ?= embedded
FUZZTIME ?= 10m
SPECS    := $(shell git ls-files '*crumpet.hcl' server/spec/reference.hcl)
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT   ?= $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)
LDFLAGS  := -s -w -X github.com/crumpet-paas/crumpet/cli.version=$(VERSION) -X github.com/crumpet-paas/crumpet/cli.commit=$(COMMIT)
# Those that take longest come first, so that none of them is left to run alone at the end.
LONG     := server/store server/deploy server/spec server/service server/devstack/nomad
UNIT     := $(addprefix ./,$(LONG)) $(filter-out $(addprefix %/,$(LONG)),$(shell $(GO) list ./... | grep -v /integration))
# The race detector needs cgo and so a C compiler; a machine without one runs the tests without it. It does not look into
# SQLite, which is C made Go by machine: half of what the store's tests cost was that.
RACE     := $(shell command -v gcc cc >/dev/null 2>&1 && echo -race -gcflags=modernc.org/sqlite/lib=-race=false)

# What go vet finds lint has found before. Unit tests say what failed and what was skipped and why; the stories also what they measured. In CI, whose machines are
# shared and noisy, a test that failed is told again, alone and at most twice, and .ci/run names it; a data race is not.
AGAIN    := $(if $(CI),--rerun-fails=2 --rerun-fails-max-failures=5 --rerun-fails-run-root-test --rerun-fails-abort-on-data-race)
TERSELY  := $(TOOL) gotestsum --format pkgname-and-test-fails $(AGAIN)
FULLY    := $(TOOL) gotestsum --format standard-verbose --hide-summary skipped,output $(AGAIN)
# What passed is left out of what -v prints.
QUIET    := | awk '!/^(=== (RUN|PAUSE|CONT|NAME)|PASS$$)|^ *--- PASS/'

SHELL       := bash
.SHELLFLAGS := -o pipefail -c
export CGO_ENABLED := 0

# The web UI is built where Node is; without it a page that says so is embedded.
NODE     := $(shell command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 && echo node)
UIFILES  := $(shell git ls-files -co --exclude-standard ui | grep -Ev '^ui/(e2e/|.*\.(go|md)$$)')

.PHONY: help build demo dev test lint check fmt unit integration browser conformance prove image fuzz bench clean ui ui-test ui-perf

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ui ## build bin/crumpet, with the web UI where Node is
	@mkdir -p bin
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/crumpet .

ifeq ($(NODE),node)
ui: ui/dist/index.html ## build the web UI into ui/dist

# Only when the lock file has changed: npm writes node_modules/.package-lock.json at its end. Not npm ci: a registry may
# lack a package that is for another system only, the lock is then made without it, and npm ci refuses that.
ui/node_modules/.package-lock.json: ui/package-lock.json ui/.npmrc
	cd ui && npm install --no-save --no-progress
	@touch $@

ui/dist/index.html: ui/node_modules/.package-lock.json $(UIFILES)
	cd ui && npm run -s build
else
ui:
	@echo "Node is missing: the web UI is left out, a page that says so is served in its place"
endif

demo: build ## start a stack, push the sample app, fetch its page; stays up on a terminal
	@.ci/demo

dev: build ## run a stack on this machine until Ctrl-C
	bin/crumpet dev

test: lint check ui-test unit integration browser ## everything CI runs: lint, tests of the UI, unit tests with the race detector, integration, browser

lint: ## run golangci-lint and gofumpt
	$(TOOL) golangci-lint run ./...
	@out=$$($(TOOL) gofumpt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "not gofumpt:"; echo "$$out"; exit 1; }

check: build ## modules tidy, no registry address in any file, app specs formatted
	$(GO) mod tidy -diff
	$(GO) mod verify
	@.ci/addresses
	bin/crumpet fmt --check $(SPECS)

ui-test: build ## types of the UI fresh and right, biome, vitest
ifeq ($(NODE),node)
	cd ui && npm run -s types:check && npm run -s typecheck && npm run -s lint && npm run -s test
else
	@echo "Node is missing: the web UI is not tested"
endif

ui-perf: ui ## the list of apps in Chromium: bytes, rows in the DOM, longest task with 100 and 10,000 apps
	cd ui && node e2e/perf.mjs

fmt: build ## format the Go files and app specs
	$(TOOL) gofumpt -w $$(git ls-files '*.go')
	bin/crumpet fmt $(SPECS)

unit: ## unit tests, under the race detector where there is a C compiler
	CGO_ENABLED=$(if $(RACE),1,0) $(TERSELY) --packages '$(UNIT)' -- $(RACE) -vet=off -timeout 15m -skip '^TestScripts$$'
	@# Each command of a script is a start of the program, which takes ten times as long under the detector.
	$(TERSELY) --packages ./cli -- -vet=off -timeout 8m -run '^TestScripts$$'

integration: build ## the stories against a stack: STACK=embedded or real
	STACK=$(STACK) CRUMPET_BIN=$(CURDIR)/bin/crumpet $(FULLY) --packages ./integration/... -- -vet=off -count=1 -timeout 15m -parallel 5 -skip 'TestBrowser' $(QUIET)

browser: build ## the sample app and the web UI in headless Chromium
	STACK=$(STACK) CRUMPET_BIN=$(CURDIR)/bin/crumpet $(FULLY) --packages ./integration -- -vet=off -count=1 -timeout 6m -run TestBrowser $(QUIET)

conformance: build ## the stand-ins, and the real programs on PATH, against one table
	CRUMPET_BIN=$(CURDIR)/bin/crumpet $(GO) test -count=1 -timeout 15m -v -run TestConformance ./integration/... $(QUIET)

prove: build ## the sizes of "Must show": STORY=walk|kill|modules|... STACK=embedded|real
	PROVE=1 STACK=$(STACK) CRUMPET_BIN=$(CURDIR)/bin/crumpet $(GO) test -count=1 -timeout 120m -parallel 1 -v $(if $(STORY),-run '(?i)^Test$(STORY)(Faults|Restore|Systemd|Images)?$$') ./integration $(QUIET)

image: ## build node images: VARS=my.pkrvars.hcl IMAGES="docker.client qemu.server" (docs/images.md)
	packer/image $(VARS) $(IMAGES)

fuzz: ## every fuzz target: FUZZTIME=10m each
	@for target in spec:FuzzParse spec:FuzzFormat spec:FuzzUncommented jobspec:FuzzParseToJob jobspec:FuzzTextReachesTheTaskUnchanged build/detect:FuzzDetect wire:FuzzTerse; do \
		$(GO) test ./server/$${target%:*} -run '^$$' -fuzz "^$${target#*:}$$" -fuzztime $(FUZZTIME) || exit 1; done

bench: build ## a push against `nomad job run`, the list of apps against that of jobs, memory of an idle server, changes folded
	GOMAXPROCS=1 $(GO) test -run '^$$' -bench Fold ./server/watch
	CRUMPET_BIN=$(CURDIR)/bin/crumpet $(GO) test -count=1 -timeout 12m -run '^$$' -bench . -benchtime 1x -v ./server ./integration

clean: ## remove what was built
	rm -rf bin ui/dist/assets ui/dist/index.html ui/shots
