"""The one taxonomy of what can go wrong between a caller and the platform.

Each class is an error of the Lambda API: it knows its name on the wire, its HTTP status, whose
fault it is and which body keys the API uses for it (they differ; the service model and recorded
answers agree on which). The docstring is the default message. Raise these anywhere below the API;
one middleware turns them into responses.

A function's own failure is not an exception but a result, and is not here. `PlatformError`s that
are not a caller's business carry a message for operators.
"""

from typing import ClassVar


class ApiError(Exception):
    """The request could not be served."""

    code: ClassVar[str] = "ServiceException"
    status: ClassVar[int] = 500
    fault: ClassVar[str | None] = "Service"
    """The body's `Type`: `User`, `Service`, or None where the API has no such key."""
    message_key: ClassVar[str] = "Message"
    is_retryable: ClassVar[bool] = False

    def __init__(self, message: str | None = None) -> None:
        self.message = message if message is not None else (self.__doc__ or "")
        super().__init__(self.message)

    def members(self) -> dict[str, object]:
        """Return the modelled members of the body beyond the type and the message."""
        return {}

    def headers(self) -> dict[str, str]:
        """Return the modelled headers of the response."""
        return {}


class ServiceError(ApiError):
    """The platform could not serve the request."""

    is_retryable = True


class NotBuiltError(ApiError):
    """This operation is not built yet."""

    # Modelled as ServiceException by nearly every operation. 501 is the honest status, and one that
    # AWS's SDKs do not retry.
    status = 501


class ValidationError(ApiError):
    """1 validation error detected."""

    code = "ValidationException"
    status = 400
    fault = None
    message_key = "message"


class InvalidParameterValueError(ApiError):
    """One of the parameters in the request is not valid."""

    code = "InvalidParameterValueException"
    status = 400
    fault = "User"
    message_key = "message"


class InvalidRequestContentError(ApiError):
    """The request body could not be parsed as JSON, or a request header is invalid."""

    code = "InvalidRequestContentException"
    status = 400
    fault = "User"
    message_key = "message"


class SerializationError(ApiError):
    """The request body could not be read."""

    code = "SerializationException"
    status = 400
    fault = None


class RequestTimeoutError(ApiError):
    """The request body did not arrive in time."""

    code = "RequestTimeoutException"
    status = 408
    fault = None


class ResourceNotFoundError(ApiError):
    """The resource you requested does not exist."""

    code = "ResourceNotFoundException"
    status = 404
    fault = "User"


class CodeSigningConfigNotFoundError(ApiError):
    """The specified code signing configuration does not exist."""

    code = "CodeSigningConfigNotFoundException"
    status = 404
    fault = "User"


class ProvisionedConcurrencyConfigNotFoundError(ApiError):
    """No Provisioned Concurrency Config found for this function."""

    code = "ProvisionedConcurrencyConfigNotFoundException"
    status = 404
    fault = "User"
    message_key = "message"

    def __init__(self) -> None:
        # AWS's text has no full stop.
        super().__init__("No Provisioned Concurrency Config found for this function")


class UnknownRouteError(ApiError):
    """Unable to determine service/operation name to be authorized."""

    code = "AccessDeniedException"
    status = 403
    fault = None

    def __init__(self) -> None:
        # AWS's text has no full stop.
        super().__init__("Unable to determine service/operation name to be authorized")


class AccessDeniedError(ApiError):
    """The caller may not do this."""

    code = "AccessDeniedException"
    status = 403
    fault = None


class ResourceConflictError(ApiError):
    """The resource already exists, or another operation is in progress."""

    code = "ResourceConflictException"
    status = 409
    fault = "User"
    message_key = "message"


class PreconditionFailedError(ApiError):
    """The Revision Id provided does not match the latest Revision Id.

    Call the GetFunction/GetAlias API to retrieve the latest Revision Id
    """

    code = "PreconditionFailedException"
    status = 412
    fault = "User"
    message_key = "message"

    def __init__(self, get_operation: str = "GetFunction/GetAlias") -> None:
        super().__init__(
            "The Revision Id provided does not match the latest Revision Id. Call the "
            f"{get_operation} API to retrieve the latest Revision Id"
        )


class RequestEntityTooLargeError(ApiError):
    """The request body is too large."""

    code = "RequestEntityTooLargeException"
    status = 413
    fault = None
    message_key = "message"


class RequestTooLargeError(ApiError):
    """The payload of the invocation is larger than the limit."""

    code = "RequestTooLargeException"
    status = 413
    fault = "User"
    message_key = "message"


class UnsupportedMediaTypeError(ApiError):
    """The content type of the Invoke request body is not JSON."""

    code = "UnsupportedMediaTypeException"
    status = 415
    fault = "User"
    message_key = "message"


class TooManyRequestsError(ApiError):
    """Rate Exceeded."""

    code = "TooManyRequestsException"
    status = 429
    fault = "User"
    message_key = "message"
    is_retryable = True

    def __init__(
        self, reason: str, retry_after_s: int | None = None, *, message: str | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after_s = retry_after_s

    def members(self) -> dict[str, object]:
        return {"Reason": self.reason}

    def headers(self) -> dict[str, str]:
        return {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}


class InvalidRuntimeError(ApiError):
    """The runtime or the runtime version is not available here."""

    code = "InvalidRuntimeException"
    status = 502


class InvalidZipFileError(ApiError):
    """The deployment package could not be unzipped."""

    code = "InvalidZipFileException"
    status = 502


class CodeStorageExceededError(ApiError):
    """Code storage limit exceeded."""

    code = "CodeStorageExceededException"
    status = 400
    fault = "User"
    message_key = "message"


class PolicyLengthExceededError(ApiError):
    """The permissions policy for the resource is too large."""

    code = "PolicyLengthExceededException"
    status = 400
    fault = "User"
    message_key = "message"
