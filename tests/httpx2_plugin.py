"""A pytest plugin that runs the tests on httpx2: `pytest -p tests.httpx2_plugin tests/sources/http`.

It stands in for httpx before anything imports that. Tests with respx, which patches httpx, are left out.
"""

import sys

import httpx2

sys.modules["httpx"] = httpx2
