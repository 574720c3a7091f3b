"""Where the code of a function or a layer comes from: the same choice for both."""
# ruff: noqa: A005 - a part of the schemas, imported by its whole name

from crd_schemas.fields import ARN, SHA256, Schema, record, rule, table, text

_SOURCES = {
    "inline": table(
        "Files in this manifest, by their paths: `index.py: |` and the source under it. For small "
        "functions; everything else belongs into a zip.",
        minProperties=1,
        maxProperties=100,
    ),
    "configMap": record(
        "A ConfigMap of this namespace; each of its keys is a file.",
        {"name": text("The ConfigMap's name.", minLength=1, maxLength=253)},
        required=("name",),
    ),
    "zip": record(
        "A zip that is fetched by HTTP or HTTPS.",
        {
            "url": text("Where it is.", pattern="^https?://.+$", maxLength=2048),
            "sha256": text(
                "The SHA-256 of the zip, 64 hex digits. With it a changed file is refused, and "
                "stating another one is how to deploy another zip.",
                pattern=SHA256,
            ),
        },
        required=("url",),
    ),
    "s3": record(
        "A zip in S3, or in a store that speaks its API.",
        {
            "bucket": text("The bucket.", minLength=3, maxLength=63),
            "key": text("The object's key.", minLength=1, maxLength=1024),
            "objectVersion": text("The object's version, in a bucket that keeps versions."),
        },
        required=("bucket", "key"),
    ),
    "sha256": text(
        "A zip that the platform has already, by its SHA-256 in 64 hex digits. Written by the "
        "platform when the code was uploaded through the Lambda API.",
        pattern=SHA256,
    ),
}
_IMAGE = {
    "imageUri": text(
        "A container image whose program speaks Lambda's Runtime API. Nodes pull it by this name; "
        "with a digest (@sha256:…) it means one image for ever.",
        maxLength=2048,
    ),
}
_KEY = {
    "sourceKmsKeyArn": text("The key that the zip is encrypted with. Kept only.", pattern=ARN),
}


def code(description: str, *, allow_image: bool) -> Schema:
    """Return the schema of a code field, of which exactly one source is given."""
    sources = {**_SOURCES, **(_IMAGE if allow_image else {})}
    given = " + ".join(f"(has(self.{name}) ? 1 : 0)" for name in sources)
    only_one = rule(f"{given} == 1", f"exactly one of {', '.join(sources)} has to be given")
    return record(description, {**sources, **_KEY}, rules=(only_one,))
