"""Whose functions these are, and where: the account and the region that one installation serves.

Fixed at start. It knows how ARNs are written, and the account's own limits; which function exists
and what it uses is not its business.
"""

from dataclasses import dataclass

from inglenook.model import arn, limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account in a region, with the quotas that AWS gives per account and region."""

    id: str = "000000000000"
    region: str = "us-east-1"
    concurrent_executions: int = limits.CONCURRENT_EXECUTIONS_DEFAULT
    unreserved_concurrency_min: int = limits.UNRESERVED_CONCURRENCY_MIN
    code_storage_bytes: int = limits.CODE_STORAGE_BYTES_MAX

    def function_arn(self, name: str, qualifier: str | None = None) -> str:
        """Return the ARN of a function, or of its version or alias `qualifier`."""
        return arn.function_arn(name, qualifier, region=self.region, account=self.id)

    def ref(self, function_name: str, qualifier: str | None = None) -> arn.FunctionRef:
        """Read a request's `FunctionName` and `Qualifier`; see `arn.parse` for what it raises."""
        return arn.parse(function_name, qualifier, region=self.region, account=self.id)
