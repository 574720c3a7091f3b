"""Who may call a function URL.

Signatures are not verified, as nowhere on this endpoint: a URL with `AWS_IAM` wants a request that
is signed, and takes whoever signed it for the account's root. Resource policies are not asked.
"""

import re
from collections.abc import Mapping
from urllib import parse

from inglenook.model import arn
from inglenook.model.account import Account

FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)

_CREDENTIAL = r"([A-Za-z0-9_]+)/[0-9]{8}/[a-z0-9-]+/lambda/aws4_request"
_HEADER = re.compile(
    rf"AWS4-HMAC-SHA256 +Credential={_CREDENTIAL}, *SignedHeaders=[^, ]+, *Signature=[0-9a-f]{{64}}"
)
_IN_QUERY = re.compile(_CREDENTIAL)
_SIGNATURE = re.compile("[0-9a-f]{64}")


def access_key(authorization: str | None, raw_query: str) -> str | None:
    """Return the access key that a request is signed with, by header or by query; None without."""
    if authorization is not None:
        signed = _HEADER.fullmatch(authorization.strip())
        return signed[1] if signed else None
    if "X-Amz-Signature=" not in raw_query:
        return None
    query = dict(parse.parse_qsl(raw_query))
    credential = _IN_QUERY.fullmatch(query.get("X-Amz-Credential", ""))
    if credential is None or _SIGNATURE.fullmatch(query.get("X-Amz-Signature", "")) is None:
        return None
    return credential[1]


def identity(account: Account, key: str) -> Mapping[str, str | None]:
    """Return what the event says of a caller (`requestContext.authorizer.iam`)."""
    return {
        "accessKey": key,
        "accountId": account.id,
        "callerId": account.id,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": f"arn:{arn.partition(account.region)}:iam::{account.id}:root",
        "userId": account.id,
    }
