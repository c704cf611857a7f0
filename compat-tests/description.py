"""The API's own description (OpenAPI 3.1, `GET /openapi.json`), held against every answer that a test gets.

`harness.Archstone` hands each answer of its session to `Description.check`: the status must be one that the operation documents,
the content type one of that response's, required header fields must be there, and a JSON body must satisfy its schema. What a
server that describes nothing answers (a real Keystone behind `oracle.py`) is not checked.
"""

import json
import re
import urllib.parse

import jsonschema_rs

# The server answers these before it looks at what is asked, so no operation documents them.
OF_THE_SERVER = {405, 408, 411, 414, 417, 431, 501, 505}


class Undescribed(AssertionError):
    """An answer that the description does not allow."""


class Description:
    """One document, ready to be asked about answers."""

    def __init__(self, document):
        self.document = document
        # Fixed parts win over parameters, as in the server's router.
        templates = sorted(document["paths"], key=lambda t: [part.startswith("{") for part in t.split("/")])
        self.paths = [(re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(t)) + "/?"), t) for t in templates]
        self.validators = {}

    def operation(self, method, path):
        """The operation that answers, None for what has none."""
        template = next((t for pattern, t in self.paths if pattern.fullmatch(path)), None)
        item = self.document["paths"].get(template, {})
        method = method.lower()
        return item.get(method) or (item.get("get") if method == "head" else None)

    def resolve(self, value):
        """What a reference leads to."""
        while "$ref" in value:
            name = value["$ref"]
            value = self.document
            for part in name.removeprefix("#/").split("/"):
                value = value[part]
        return value

    def validator(self, schema):
        """The compiled schema; its references lead into the document."""
        key = json.dumps(schema, sort_keys=True)
        if key not in self.validators:
            root = {"components": self.document["components"], "allOf": [schema]}
            self.validators[key] = jsonschema_rs.Draft202012Validator(root, validate_formats=True)
        return self.validators[key]

    def check(self, answer):
        """Fails when the answer (of `requests`) is none that its operation documents."""
        request = answer.request
        operation = self.operation(request.method, urllib.parse.urlsplit(request.url).path)
        if operation is None or request.method == "OPTIONS" or answer.status_code in OF_THE_SERVER:
            return
        what = f"{operation['operationId']} ({request.method} {request.url}) answered {answer.status_code}"
        response = operation["responses"].get(str(answer.status_code))
        if response is None:
            raise Undescribed(f"{what}, which is none of {', '.join(operation['responses'])}: {answer.text[:500]}")
        response = self.resolve(response)
        for name, header in response.get("headers", {}).items():
            if header.get("required") and name not in answer.headers:
                raise Undescribed(f"{what} without the header field {name}")
        content = response.get("content", {})
        kind = answer.headers.get("Content-Type", "").split(";")[0].strip()
        if request.method == "HEAD" or not answer.content:
            if content and request.method != "HEAD":
                raise Undescribed(f"{what} without a body")
            return
        if kind not in content:
            raise Undescribed(f"{what} with {kind or 'no content type'}, which is none of {', '.join(content) or 'no body'}")
        if kind in ("application/json", "application/scim+json") and "schema" in content[kind]:
            for error in self.validator(content[kind]["schema"]).iter_errors(answer.json()):
                place = "/".join(str(part) for part in error.instance_path)
                raise Undescribed(f"{what}; at {place or 'the whole'}: {error.message[:1000]}")
