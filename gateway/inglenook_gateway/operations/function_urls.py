"""The configurations of function URLs: create, get, update, delete and list.

What is answered where differs as recorded: `InvokeMode` is shown by Create and Update only once it
has been given, by Get and List always; a missing function or alias has two texts.

Sources: api/API_CreateFunctionUrlConfig.html and its neighbours.
"""

import secrets
import string
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from inglenook import errors
from inglenook.aio import clock
from inglenook.model import function, function_url
from inglenook.store import documents, kinds
from inglenook.store.documents import Document
from inglenook_gateway.api.front import Call, Handler, Reply
from inglenook_gateway.operations import paging
from inglenook_gateway.operations.resources import Resources
from inglenook_gateway.operations.turns import Turns

_ID_CHARACTERS = string.ascii_lowercase + string.digits
_ID_LENGTH = 32
_ATTEMPTS = 16

_CORS_MEMBERS = {
    "AllowCredentials": "allow_credentials",
    "AllowHeaders": "allow_headers",
    "AllowMethods": "allow_methods",
    "AllowOrigins": "allow_origins",
    "ExposeHeaders": "expose_headers",
    "MaxAge": "max_age_s",
}


def new_url_id() -> str:
    """Return an id that no URL had before: 32 characters, 165 bits of chance."""
    return "".join(secrets.choice(_ID_CHARACTERS) for _ in range(_ID_LENGTH))


class FunctionUrls:
    """The operations on function URLs."""

    def __init__(
        self,
        *,
        resources: Resources,
        turns: Turns,
        endpoint: Callable[[], str],
        new_id: Callable[[], str] = new_url_id,
    ) -> None:
        """Show URLs under `endpoint()`, which is this server's own URL without a path."""
        self._resources = resources
        self._account = resources.account
        self._turns = turns
        self._endpoint = endpoint
        self._new_id = new_id

    def handlers(self) -> dict[str, Handler]:
        return {
            "CreateFunctionUrlConfig": self.create,
            "GetFunctionUrlConfig": self.get,
            "UpdateFunctionUrlConfig": self.update,
            "DeleteFunctionUrlConfig": self.delete,
            "ListFunctionUrlConfigs": self.list,
        }

    async def create(self, call: Call) -> Reply:
        params, resources = call.params, self._resources
        ref = self._account.ref(params["FunctionName"], params.get("Qualifier"))
        async with self._turns.of(ref.name):
            owner = await self._owner(ref.name)
            if await resources.qualified(kinds.URL, owner, ref.qualifier) is not None:
                raise self._exists(owner, ref.qualifier)
            await self._check_alias(owner, ref.qualifier)
            now = self._now()
            url = function_url.FunctionUrl(
                function_name=owner.name,
                function_uid=owner.uid,
                qualifier=ref.qualifier,
                url_id=self._new_id(),
                auth_type=params["AuthType"],
                cors=_cors(params.get("Cors")),
                invoke_mode=params.get("InvokeMode"),
                created=now,
                last_modified=now,
            )
            try:
                await resources.create_qualified(kinds.URL, url)
            except documents.AlreadyExistsError:
                raise self._exists(owner, ref.qualifier) from None
        shown = self._shown(url)
        del shown["LastModifiedTime"]
        return Reply(output=shown | {"InvokeMode": url.invoke_mode})

    async def get(self, call: Call) -> Reply:
        params = call.params
        ref = self._account.ref(params["FunctionName"], params.get("Qualifier"))
        document = await self._found(ref.name, ref.qualifier)
        return Reply(output=self._shown(document.value))

    async def update(self, call: Call) -> Reply:
        params = call.params
        ref = self._account.ref(params["FunctionName"], params.get("Qualifier"))
        async with self._turns.of(ref.name):
            owner = await self._owner(ref.name)
            await self._check_alias(owner, ref.qualifier)
            for _ in range(_ATTEMPTS):
                document = await self._found(ref.name, ref.qualifier)
                url = self._updated(document.value, params)
                try:
                    await self._resources.replace(document, url)
                except (documents.ConflictError, documents.NotFoundError):
                    continue
                return Reply(output=self._shown(url) | {"InvokeMode": url.invoke_mode})
        raise errors.ServiceError

    def _updated(
        self, url: function_url.FunctionUrl, params: Mapping[str, Any]
    ) -> function_url.FunctionUrl:
        changes: dict[str, Any] = {"last_modified": self._now()}
        if params.get("AuthType") is not None:
            changes["auth_type"] = params["AuthType"]
        if params.get("InvokeMode") is not None:
            changes["invoke_mode"] = params["InvokeMode"]
        if params.get("Cors") is not None:
            changes["cors"] = _cors(params["Cors"])
        return msgspec.structs.replace(url, **changes)

    async def delete(self, call: Call) -> Reply:
        params = call.params
        ref = self._account.ref(params["FunctionName"], params.get("Qualifier"))
        async with self._turns.of(ref.name):
            await self._resources.delete(await self._found(ref.name, ref.qualifier))
        return Reply(status=204)

    async def list(self, call: Call) -> Reply:
        owner = await self._owner(self._account.ref(call.params["FunctionName"]).name)
        found = [one.value for one in await self._resources.all_qualified(kinds.URL, owner)]
        # `$LATEST` sorts before all aliases, and an empty key would make an empty marker.
        shown, marker = paging.page(
            found, lambda url: url.qualifier or function.LATEST, call.params
        )
        listed = [self._shown(url) for url in shown]
        return Reply(output=paging.listing("FunctionUrlConfigs", listed, marker))

    async def _owner(self, name: str) -> function.Function:
        try:
            return (await self._resources.living(name)).value
        except errors.ResourceNotFoundError:
            raise _no_function() from None

    async def _check_alias(self, owner: function.Function, qualifier: str | None) -> None:
        if qualifier is not None and await self._resources.alias(owner, qualifier) is None:
            raise _no_function()

    async def _found(self, name: str, qualifier: str | None) -> Document[function_url.FunctionUrl]:
        owner = await self._resources.find(kinds.FUNCTION, name)
        found = None
        if owner is not None and not owner.value.deleting:
            found = await self._resources.qualified(kinds.URL, owner.value, qualifier)
        if found is None:
            raise errors.ResourceNotFoundError
        return found

    def _exists(
        self, owner: function.Function, qualifier: str | None
    ) -> errors.ResourceConflictError:
        arn = self._account.function_arn(owner.name, qualifier)
        # Two spaces, as Lambda has them.
        return errors.ResourceConflictError(
            f"Failed to create function url config for [functionArn = {arn}]. "
            "Error message:  FunctionUrlConfig exists for this Lambda function"
        )

    def _now(self) -> str:
        now = clock.utc(self._resources.clock.now())
        return now.isoformat(timespec="microseconds").replace("+00:00", "Z")

    def _shown(self, url: function_url.FunctionUrl) -> dict[str, Any]:
        return {
            "FunctionUrl": function_url.location(
                url.url_id, self._account.region, self._endpoint()
            ),
            "FunctionArn": self._account.function_arn(url.function_name, url.qualifier),
            "AuthType": url.auth_type,
            "Cors": _shown_cors(url.cors),
            "CreationTime": url.created,
            "LastModifiedTime": url.last_modified,
            "InvokeMode": url.invoke_mode or function_url.BUFFERED,
        }


def _no_function() -> errors.ResourceNotFoundError:
    return errors.ResourceNotFoundError("Function does not exist")


def _cors(given: Mapping[str, Any] | None) -> function_url.Cors | None:
    """Read the settings of a request. Empty ones are none: so tools take them away."""
    members: dict[str, Any] = {
        field: tuple(given[member]) if isinstance(given[member], list) else given[member]
        for member, field in _CORS_MEMBERS.items()
        if given and given.get(member) is not None
    }
    return function_url.Cors(**members) if members else None


def _shown_cors(cors: function_url.Cors | None) -> dict[str, Any] | None:
    if cors is None:
        return None
    values = {member: getattr(cors, field) for member, field in _CORS_MEMBERS.items()}
    return {member: value for member, value in values.items() if value is not None}
