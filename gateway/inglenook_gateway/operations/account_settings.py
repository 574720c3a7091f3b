"""GetAccountSettings: the account's limits, and what is used of them."""

from inglenook.catalog.catalog import Catalog
from inglenook.model import limits
from inglenook.model.account import Account
from inglenook_gateway.api.front import Call, Handler, Reply
from inglenook_gateway.operations import usage


class AccountSettings:
    """The operation on the account itself."""

    def __init__(self, *, account: Account, catalog: Catalog) -> None:
        self._account = account
        self._catalog = catalog

    def handlers(self) -> dict[str, Handler]:
        return {"GetAccountSettings": self.get}

    async def get(self, _call: Call) -> Reply:
        return Reply(
            output={
                "AccountLimit": {
                    "TotalCodeSize": self._account.code_storage_bytes,
                    "CodeSizeUnzipped": limits.UNZIPPED_BYTES_MAX,
                    "CodeSizeZipped": limits.ZIPPED_BYTES_MAX,
                    "ConcurrentExecutions": self._account.concurrent_executions,
                    # What is provisioned may be lowered after the quota was.
                    "UnreservedConcurrentExecutions": max(
                        0, usage.unreserved_concurrency(self._account, self._catalog)
                    ),
                },
                "AccountUsage": {
                    "TotalCodeSize": self._catalog.code_bytes,
                    "FunctionCount": self._catalog.function_count,
                },
            }
        )
