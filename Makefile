# `make` lists the commands. Each prepares the Python environment if it must, then calls `python -m cdi_lib`.

.DEFAULT_GOAL := help
.PHONY: help report preview reports programme why demonstration new sample check collect trace diff notebook draft accept test verify stress screenshots bench oracles setup setup-test lock docs mutants clean

# Values travel as environment variables, never as text of a shell line: nothing in them can be run.
# $(value …) keeps make from expanding them as well.
override variables := FORCE RENDERER PORT RECORD JOBS AGAINST SCHEDULER RECHECK PROGRAMME FROM AGAIN REPLACE STRICT QUIET JSON MUTATE PYTHON
override given := $(if $(filter command,$(origin name)),name)
override given += $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name)))
$(foreach name,$(variables) OS CONDA_DEFAULT_ENV $(given),$(eval override $(name) := $$(value $(name))))
export $(variables)
# What is defined below is text of a shell line, and so is nobody else's to give.
override own := name given own variables force renderer record port jobs against scheduler programme recheck copy again replace strict told programs in_conda python candidates options run usable set_up
$(foreach name,$(filter $(own),$(given)),$(error $(name) is a name inside the Makefile and cannot be given))

force     = $${FORCE:+--force="$$FORCE"}
renderer  = $${RENDERER:+--renderer="$$RENDERER"}
record    = $${RECORD:+--record="$$RECORD"}
port      = $${PORT:+--port="$$PORT"}
jobs      = $${JOBS:+--jobs="$$JOBS"}
against   = $${AGAINST:+--against="$$AGAINST"}
scheduler = $${SCHEDULER:+--scheduler="$$SCHEDULER"}
programme = $${PROGRAMME:+--programme="$$PROGRAMME"}
recheck   = $${RECHECK:+--recheck="$$RECHECK"}
copy      = $${FROM:+--copy="$$FROM"}
again     = $${AGAIN:+--again}
replace   = $${REPLACE:+--replace}
strict    = $${STRICT:+--strict}
# For every command: QUIET=1 prints errors only, JSON=1 one JSON document at the end, for scripts.
told      = $${QUIET:+--quiet} $${JSON:+--json}

# The interpreter: that of the conda environment of environment.yml while it is active, or else of .venv.
ifeq ($(OS),Windows_NT)
  programs := .venv/Scripts/
  in_conda := "$$CONDA_PREFIX/python.exe"
else
  programs := .venv/bin/
  in_conda := "$$CONDA_PREFIX/bin/python"
endif
ifeq ($(CONDA_DEFAULT_ENV),cdi-lib)
  python     := $(in_conda)
  candidates := $(in_conda)
  options    := --conda
  programs   :=
else
  python     := $(programs)python
  candidates := $(if $(PYTHON),"$$PYTHON",$(python) python3.13 python3.12 python3.11 python3 python)
  options    :=
endif
run = $(python) -m cdi_lib

# The first Python that really runs (a version manager's stand-in may not), is of a supported version and can
# make virtual environments.
usable = import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
define set_up
@for python in $(candidates); do \
	if "$$python" -S -c '$(usable)' >/dev/null 2>&1; then \
		exec "$$python" -I cdi_lib/pipeline/environment.py $(options) $(1); \
	fi; \
done; \
echo "No usable Python$${PYTHON:+ at $$PYTHON}: install Python 3.11, 3.12 or 3.13 (on Debian and Ubuntu with" \
	"python3-venv), or name one: make PYTHON=/path/to/python3 ..." >&2; exit 1
endef

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile
	@echo
	@echo "  Example: make report FORCE=northamptonshire"

report: setup ## FORCE=name [RENDERER=auto|quarto|pandoc] [AGAIN=1]: notebooks, HTML, PDF and data of one force
	@$(run) report $(force) $(renderer) $(again) $(told)

preview: setup ## FORCE=name [PORT=n]: the report in a browser, made again when a file changes
	@$(run) preview $(force) $(renderer) $(port) $(told)

reports: setup ## [JOBS=n] [RENDERER=...] [SCHEDULER=tcp://...]: every force in params/, and the comparison
	@$(run) reports $(jobs) $(renderer) $(scheduler) $(again) $(told)

programme: setup ## FORCE=name: the rolling programme of a force's own audits: run chart, bands, what is due
	@$(run) programme $(force) $(renderer) $(told)

why: setup ## FORCE=name: why its report would be built again
	@$(run) why $(force) $(renderer) $(told)

demonstration: setup ## forces reconstructed from published figures, in params/demonstration/, for make reports
	@$(python) -m tests.tools.demonstration

new: setup ## FORCE=name [PROGRAMME=name]: a commented parameter file and empty record tables for a new inspection
	@$(run) new $(force) $(programme) $(told)

sample: setup ## FORCE=name [RECHECK=50] [REPLACE=1]: draw the audit sample, a blind re-check of it, or reserves for it
	@$(run) sample $(force) $(recheck) $(replace) $(told)

check: setup ## FORCE=name [STRICT=1]: validate returned worksheets, parameters and records
	@$(run) check $(force) $(strict) $(told)

collect: setup ## FORCE=name: make the table of crimes of the returned worksheets
	@$(run) collect $(force) $(told)

trace: setup ## FORCE=name RECORD=reference: one record from the frame to the results in which it counts
	@$(run) trace $(force) $(record) $(told)

diff: setup ## FORCE=name AGAINST=path: which published figures differ between two results
	@$(run) diff $(force) $(against) $(told)

draft: setup ## FORCE=name: its built report as a Word document for the fact check
	@$(run) draft $(force) $(told)

accept: setup ## FORCE=name FROM=copy.docx: edited prose of a Word copy back into the parameters, its comments listed
	@$(run) accept $(force) $(copy) $(told)

notebook: setup ## FORCE=name: JupyterLab on the notebooks with the parameters of that force
	@$(run) notebook $(force)

test: setup-test ## everything that CI runs: pytest and nbval
	@$(python) -m pytest -n auto --dist loadfile --no-loadscope-reorder -m "not stress" -rs -p no:nbval; library=$$?; \
	$(python) -m pytest --nbval -n auto --dist loadfile -p no:cacheprovider notebooks && exit $$library

verify: setup-test ## FORCE=name: build the report twice and compare the files byte for byte
	@$(python) -m tests.tools.verify "$$FORCE"

stress: setup-test ## 50 kills at random moments, a full disk, 500 damages, long fuzzing (about half an hour)
	@$(python) -m pytest -p no:cacheprovider -p no:nbval -m stress tests tests/stress.py

screenshots: setup ## FORCE=name: the pictures of the README, from a built report (needs Chromium, node and poppler)
	@$(python) -m tests.tools.screenshots "$$FORCE"

bench: setup-test ## measure speed, as ratios
	@worst=0; for script in tests/bench_*.py; do $(python) $$script || worst=1; done; exit $$worst

oracles: setup-test ## compute the golden results of the tests again with the R package survey (needs R)
	@command -v Rscript >/dev/null || { echo "R is not installed; on Debian: apt-get install r-base-core r-cran-survey" >&2; exit 1; }
	@Rscript tests/oracles/survey.R && Rscript tests/oracles/national.R

setup: ## prepare the Python environment and do nothing else
	$(call set_up)

setup-test:
	$(call set_up,--test)

mutants: setup-test ## [MUTATE=statistics/intervals]: how many of the changes that a tool makes to the library the tests notice
	@$(python) -m tests.tools.mutants $${MUTATE:+"$$MUTATE"}

docs: setup-test ## the library's documentation, the schema of results and the columns of tables, in .cache/docs/
	@PDOC_ALLOW_EXEC=1 $(python) -W "ignore:Error parsing type annotation" -m pdoc --output-directory .cache/docs --docformat numpy cdi_lib !cdi_lib.__main__
	@$(python) -m tests.tools.docs .cache/docs

lock: setup ## resolve the dependencies again
	@lock() { $(programs)uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --upgrade \
		--generate-hashes --no-emit-index-url --no-header --no-annotate "$$@"; } && \
	lock pyproject.toml -o requirements.lock && \
	lock pyproject.toml --extra test -c requirements.lock -o requirements-test.lock && \
	lock --group pyproject.toml:setup -o requirements-uv.lock

clean: ## remove built reports and caches; the environment stays
	@for folder in reports/*/; do \
		if [ -e "$${folder}build.json" ]; then rm -rf "$$folder"; fi; \
	done
	@rm -rf reports/.failed .cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist
