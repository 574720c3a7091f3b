"""The Lambda API as AWS's SDK models it: the source of routes, shapes and constraints.

The model comes with botocore, so the API that this gateway speaks is exactly the one that the
installed boto3 knows. Loading reads and unpacks a file: do it once per process and pass it on.
"""

from botocore import loaders, model

SERVICE = "lambda"
VERSION = "2015-03-31"


def load() -> model.ServiceModel:
    """Read the Lambda service model from botocore's own data, never from the user's home.

    botocore lets a user override models in `~/.aws/models`; that is meant for clients, and must not
    change what a server accepts.
    """
    loader = loaders.Loader(include_default_search_paths=False)
    loader.search_paths.append(loader.BUILTIN_DATA_PATH)
    return model.ServiceModel(loader.load_service_model(SERVICE, "service-2", VERSION), SERVICE)
