"""Structured logs and metrics by aws-lambda-powertools, unchanged."""

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="orders")
metrics = Metrics(namespace="Inglenook", service="orders")


@logger.inject_lambda_context(log_event=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event, context):
    total = sum(line["quantity"] * line["price"] for line in event["lines"])
    logger.info("order priced", extra={"order": event["order"], "total": total})
    metrics.add_metric(name="OrderValue", unit=MetricUnit.Count, value=total)
    return {"order": event["order"], "total": total}
