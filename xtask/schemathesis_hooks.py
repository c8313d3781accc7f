"""What schemathesis is told besides the OpenAPI document: how lines of JSON are written."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(ctx, value):
    """A line for the one object that the document describes."""
    return json.dumps(value).encode()
