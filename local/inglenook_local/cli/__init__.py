"""The command line: `inglenook up`, `invoke`, `logs`, `ls`.

A module per command. Starting is quick: only `up` loads the platform, and only once it runs; the
other commands are small clients of an endpoint and load neither aiohttp nor botocore.
"""

from inglenook_local.cli.commands import main

__all__ = ["main"]
