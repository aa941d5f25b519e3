"""Generation engines behind one protocol (`base.py`); one file per engine, loaded only inside a worker."""
