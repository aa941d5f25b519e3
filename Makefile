# Two commands do everything: `make demo` (set up and run the main job) and `make test` (set up and pass the tests).
# Both can be interrupted and called again. GPU=cuda builds llama.cpp for CUDA; TORCH="torch==..." chooses another torch.

.PHONY: help setup demo test lint check clean

help:
	@echo "make demo   set up, generate with the starter LLM, train the starter encoder, evaluate, print the table"
	@echo "make test   set up and run the tests"
	@echo "make lint   format, lint, types and import contracts"
	@echo "make setup  only set up (.venv); GPU=cuda for an NVIDIA GPU"

setup:
	@scripts/setup.sh run

demo: setup
	.venv/bin/syncse --version
	.venv/bin/syncse run --workspace workspace

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
