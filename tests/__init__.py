"""The tests, laid out as the source is: `tests/inventory/test_decide.py` and so on.

pytest imports them with `--import-mode=importlib` and the checkout on the path, so that
helpers are imported by their full name (`from tests.database import ...`) and folders
need no `__init__.py`.
"""
